"""The way of somebody with real datasets: profile file, folders in their layouts, all protocols.

The folders are those of a tiny embedded benchmark, which has the layouts of the real ones; the face
model is a file in the form of BFM 2017.
"""

from __future__ import annotations

import csv
import json
import tomllib

import pytest
from face_model_files import write_bfm2017
from pydantic import ValidationError

from focsbench.data.synthetic import write_benchmark
from focsbench.data.synthetic.config import SyntheticConfig
from focsbench.errors import ConfigError
from focsbench.profiles.paths import anchored
from focsbench.profiles.profile import Profile, load_profile
from focsbench.profiles.template import offered_fields, profile_text

TINY = SyntheticConfig(
    photo_size=96, celeba_train=6, celeba_val=2, celeba_test=4, ar_subjects=1, ar_val_subjects=1,
    now_subjects=1, now_val_subjects=1, now_neutral=1, now_occlusions=1, now_expressions=0,
    now_selfies=0,
)  # fmt: skip
PROTOCOLS = ("celeba_rmse", "celeba_segmentation", "ar_rmse", "ar_segmentation", "now")


@pytest.mark.slow
def test_run_all_from_a_written_profile(tmp_path, focsbench):
    data = tmp_path / "data"
    write_benchmark(data, TINY, workers=1)
    # what a download does not have: these lists of ours are made again, or named from elsewhere
    (data / "CelebAMask-HQ/occlusion.csv").unlink()
    (data / "AR/landmarks.csv").rename(tmp_path / "ar.csv")
    (data / "AR/masks").rename(tmp_path / "masks")
    profile = tmp_path / "elsewhere" / "mine.toml"
    paths = {
        "face_model": "bfm2017",
        "face_model_file": write_bfm2017(tmp_path / "model2017-1_bfm_nomouth.h5", modes=(6, 4, 6)),
        "data.celeba.folder": data / "CelebAMask-HQ",
        "data.ar.folder": data / "AR",
        "data.ar.masks": tmp_path / "masks",
        "data.ar.landmarks": tmp_path / "ar.csv",
        "data.now.folder": data / "NoW",
        "data.celeba.draw": "{ occluded = 1, unoccluded = 2 }",
        "method.preset": "smoke",
    }
    changes = [part for name, path in paths.items() for part in ("--set", f"{name}={path}")]
    code, _, err = focsbench("profile", "write", "paper", profile, *changes)
    assert code == 0, err
    run = tmp_path / "run"
    code, _, err = focsbench(
        "run-all", "--profile", profile, "--output", run, "--workers", "1",
        "--set", 'methods=["mean_face", "focs"]',
    )  # fmt: skip
    assert code == 0, err
    with (run / "results.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert {row["status"] for row in rows} == {"ok"}
    scored = {(row["method"], row["protocol"]) for row in rows}
    masks = {"celeba_segmentation", "ar_segmentation"}
    assert scored == {("focs", name) for name in PROTOCOLS} | {
        ("mean_face", name) for name in set(PROTOCOLS) - masks
    }
    images = {row["item"] for row in rows if row["protocol"] == "celeba_rmse"} - {"pooled"}
    assert len(images) == 3  # the draw
    report = (run / "reports/report.md").read_text()
    assert "drawn with seed 0" in report
    assert "hidden-share-v1" in report
    config = json.loads((run / "config.json").read_text())
    assert config["data"]["ar"]["masks"] == str(tmp_path / "masks")


@pytest.mark.parametrize("name", ["paper", "released"])
def test_every_line_of_the_file_is_a_field(name):
    """Uncommenting everything gives a profile without unknown fields."""
    text = profile_text(name)
    fields = offered_fields(text)
    values = tomllib.loads(text + "\n".join(f"{key} = {value}" for key, value in fields.items()))
    values["name"] = name
    for part in ("encoder", "recognition"):  # names of weights that nobody has imported here
        assert values["method"]["changes"][part].pop("weights")
    try:
        profile = Profile.model_validate(values)
    except ValidationError as error:
        pytest.fail(str(error))
    assert profile.data.celeba.draw == {"occluded": 750, "unoccluded": 558}
    profile.method_config()
    assert {field for field in fields if field.startswith("data.")} >= {
        "data.celeba.folder", "data.ar.masks", "data.now.landmarks",
    }  # fmt: skip


def test_paths_start_in_the_folder_of_the_file(tmp_path, monkeypatch):
    for name in ("CelebAMask-HQ", "AR"):
        (tmp_path / "files" / name).mkdir(parents=True)
    text = profile_text("paper")
    text = text.replace('#data.celeba.folder = "CelebAMask-HQ"', 'data.celeba = "CelebAMask-HQ"')
    text = text.replace('#data.ar.folder = "AR"', 'data.ar.folder = "~/AR"')
    (tmp_path / "files/mine.toml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", "/home/anna")
    profile = load_profile("files/mine.toml")
    assert profile.data.folders() == {
        "celeba": tmp_path / "files/CelebAMask-HQ",
        "ar": type(tmp_path)("/home/anna/AR"),
    }
    # on the command line they start where the command runs
    changed = load_profile("files/mine.toml", ["data.celeba=elsewhere"])
    assert str(changed.data.celeba.folder) == "elsewhere"
    weights = {"encoder": {"weights": "my/w"}, "recognition": {"weights": "arcface@12345678"}}
    values = {"method": {"changes": weights}, "seed": 3, "data": {"ar": 4}}
    weights = weights | {"encoder": {"weights": str(tmp_path / "my/w")}}  # a name stays a name
    assert anchored(values, tmp_path) == {
        "method": {"changes": weights},
        "seed": 3,
        "data": {"ar": 4},
    }


def test_a_resolved_profile_is_the_same_profile(tmp_path):
    changes = [
        f"data.celeba.folder={tmp_path}",
        "data.celeba.draw.occluded=5",
        f"data.ar={tmp_path}",
    ]
    profile = load_profile("paper", changes)
    again = Profile.model_validate(json.loads(profile.resolved().model_dump_json()))
    assert again.data.sources()["celeba"].plain() == profile.data.sources()["celeba"].plain()
    assert again.data.celeba.draw == {"occluded": 5}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["data.celeba.folder=x", "data.celeba.masc=y"], r"data\.celeba\.masc: there is no such"),
        (["data.celeba.folder=x", "data.celeba.draw.hidden=4"], r"data\.celeba\.draw"),
        (["data.celeba.landmarks=x"], r"data\.celeba\.folder: Field required"),
        (["data.celeba.folder=x", "data.celeba.subsets=mine"], "no rule is called 'mine'"),
    ],
)
def test_wrong_fields_are_named(changes, message):
    with pytest.raises(ConfigError, match=message):
        load_profile("paper", changes)


def test_written_file_is_not_overwritten_and_needs_known_fields(tmp_path, focsbench):
    target = tmp_path / "mine.toml"
    assert focsbench("profile", "write", "released", target)[0] == 0
    assert 'method.preset = "released"' in target.read_text()
    for arguments, message in (
        (["released", target], "is there already"),
        (["released", tmp_path / "mine.txt"], "ends in .toml"),
        (["relesed", tmp_path / "b.toml"], "did you mean released?"),
        (["paper", tmp_path / "b.toml", "--set", "data.lfw=1"], "has no line for it; it has face"),
    ):
        code, _, err = focsbench("profile", "write", *arguments)
        assert (code, message in err) == (1, True), err
