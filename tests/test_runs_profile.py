"""Profiles: the ones that come along load, and every mistake is one sentence."""

import json

import pytest

from focsbench.errors import ConfigError
from focsbench.profiles.profile import (
    changed_profile,
    check_profile,
    load_profile,
    profile_descriptions,
    profile_names,
)

EMBEDDED = ("full", "quick", "smoke")


def test_all_profiles_are_listed_with_a_description():
    assert profile_names() == ["full", "paper", "quick", "released", "smoke"]
    assert all(profile_descriptions().values())


@pytest.mark.parametrize("name", EMBEDDED)
def test_embedded_profiles_load(name):
    profile = load_profile(name)
    assert profile.name == name
    assert profile.synthetic_config() is not None
    assert profile.evaluation_split == "test"


@pytest.mark.parametrize("name", ["paper", "released"])
def test_real_profiles_need_data(name, tmp_path):
    with pytest.raises(ConfigError, match=r"--set data\.celeba=FOLDER"):
        load_profile(name)
    profile = load_profile(name, [f"data.celeba={tmp_path}", f"data.ar={tmp_path}"])
    assert profile.data.folders() == {"celeba": tmp_path, "ar": tmp_path}
    assert profile.synthetic_config() is None
    assert profile.method_config().image_size == 224


def test_resolved_profile_spells_out_everything_and_means_the_same():
    profile = load_profile("smoke", ["seed=3", "method.changes.segmentation.eta_area=0.25"])
    resolved = profile.resolved()
    values = json.loads(json.dumps(resolved.model_dump(mode="json")))
    again = check_profile(values)
    assert values["method"]["changes"]["segmentation"]["eta_area"] == 0.25
    assert values["data"]["synthetic"]["seed"] == 3
    assert again.method_config() == profile.method_config()
    assert again.synthetic_config() == profile.synthetic_config()
    assert again == check_profile(again.model_dump())


def test_changes_take_toml_values_or_text(tmp_path):
    profile = load_profile("smoke", ["seed=7", 'methods=["mofa"]', "evaluation_split=val"])
    assert (profile.seed, profile.methods, profile.evaluation_split) == (7, ("mofa",), "val")
    assert profile.synthetic_config().seed == 7


def test_a_profile_of_ones_own_is_a_toml_file(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text(
        'methods = ["mean_face"]\nprotocols = ["now"]\n[data.synthetic]\nnow_subjects = 3\n'
    )
    profile = load_profile(str(path))
    assert profile.name == "mine"
    assert profile.synthetic_config().now_subjects == 3


def test_a_sweep_is_an_empty_table_or_more():
    assert load_profile("smoke").sweep is None
    default = load_profile("smoke", ["sweep={}"]).sweep
    assert default is not None
    changed = load_profile("smoke", ['sweep.etas=["eta_area"]', "sweep.iterations=3"]).sweep
    assert (changed.etas, changed.iterations) == (("eta_area",), 3)


def test_changes_apply_to_a_stored_profile_too():
    stored = load_profile("smoke", ["seed=3"]).resolved().model_dump(mode="json")
    before = json.dumps(stored)
    assert changed_profile(stored, ["evaluation_split=val"]).evaluation_split == "val"
    assert json.dumps(stored) == before
    with pytest.raises(ConfigError, match="a report is listed twice"):
        check_profile(stored).with_changes(reports=["table1", "table1"])


@pytest.mark.parametrize(
    ("name", "changes", "message"),
    [
        ("quick", ["sweep.etas=[]"], r"profile quick: sweep\.etas"),
        ("quick", ["seeds=none"], "profile quick: seeds"),
        ("quik", (), r"did you mean quick\? known are: full, paper, quick, released, smoke"),
        ("nowhere.toml", (), r"nowhere\.toml: the profile is missing"),
        ("quick", ["seed=-1"], r"profile quick: seed: .*greater than or equal to 0"),
        ("quick", ["sead=1"], r"profile quick: sead: there is no such field"),
        ("quick", ["data.synthetic.size=1"], r"data\.synthetic\.size: there is no such field"),
        ("quick", ["data.synthetic.celeba_test=0"], r"data\.synthetic\.celeba_test"),
        ("quick", ["data.ar=AR"], "either synthetic or folders"),
        ("quick", ["method.preset=slow"], "slow"),
        ("quick", ["method.changes.batch_size=0"], "batch_size"),
        ("quick", ['methods=["fox"]'], "no baseline is called 'fox'"),
        ("quick", ['methods=["mofa", "mofa"]'], "a baseline is listed twice"),
        ("quick", ['methods="mofa"'], "profile quick: methods"),
        ("quick", ['protocols=["later"]'], "no protocol is called 'later'"),
        ("quick", ['reports=["tabel1"]'], r"did you mean table1\?"),
        ("quick", ["evaluation_split=train"], "evaluation_split"),
        ("quick", ["seed"], r"--set seed: write it as field\.subfield=value"),
        ("quick", ["seed.x=1"], r"--set seed\.x=1: seed has no fields"),
    ],
)
def test_mistakes_are_one_sentence(name, changes, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_profile(name, changes)
    text = str(caught.value)
    assert text.endswith(".")
    assert "\n" not in text


def test_broken_toml_is_named(tmp_path):
    path = tmp_path / "mine.toml"
    path.write_text("methods = [")
    with pytest.raises(ConfigError, match=r"mine\.toml: not valid TOML"):
        load_profile(str(path))
