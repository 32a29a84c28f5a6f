"""One changed byte, rule or value makes stale exactly the steps that depend on it."""

import copy
import dataclasses
import os
import time
from pathlib import Path

import pytest

from focsbench import registry
from focsbench.errors import CacheError
from focsbench.networks.pretrained import weights_path
from focsbench.profiles.profile import load_profile
from focsbench.registry import Kind
from focsbench.runs import pipeline, step_maker
from focsbench.runs.cards import card_fingerprint
from focsbench.runs.dataset_manifest import manifest
from focsbench.runs.executor import Executor
from focsbench.runs.plan import Plan
from focsbench.runs.sources import SourceTree
from focsbench.weights.store import pinned_path

TREE = SourceTree()  # reading the code of the project once is enough
PROTOCOLS = ["celeba_rmse", "ar_rmse", "ar_segmentation", "now"]
METHODS = ["mean_face", "focs"]
TRAINED = {"pack", "warmup", "init", "segmentation", "em"}
GATHERED = {"aggregate", "report:table4"}
DATASETS = {"celeba": ["celeba_rmse"], "ar": ["ar_rmse", "ar_segmentation"], "now": ["now"]}


@pytest.fixture(autouse=True)
def one_tree(monkeypatch, tmp_path):
    monkeypatch.setattr(step_maker, "SourceTree", lambda: TREE)
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "cache"))
    TREE.version("focsbench.runs.real_data:real_data_step")


def profile(*changes):
    rows = [f"methods={METHODS}".replace("'", '"'), f"protocols={PROTOCOLS}".replace("'", '"')]
    return load_profile("smoke", [*rows, 'reports=["table4"]', *changes])


def changed(before, after):
    assert before.keys.keys() == after.keys.keys()
    return {name for name in before.keys if before.keys[name] != after.keys[name]}


def of_protocol(name):
    return {f"prepare:{name}", *(f"score:{method}:{name}" for method in METHODS)}


def of_dataset(dataset):
    predictions = {f"predict:{method}:{dataset}" for method in METHODS}
    return predictions.union(*map(of_protocol, DATASETS[dataset]))


@pytest.fixture
def real(tmp_path):
    """Folders of three datasets that nobody opens, and the plan of a run on them."""
    for name in DATASETS:
        folder = tmp_path / name
        (folder / "images" / "deep").mkdir(parents=True)
        (folder / "list.txt").write_text("a b\n")
        (folder / "images" / "deep" / "photo.png").write_bytes(b"\x89PNG" + bytes(100))

    def plan():
        values = profile().model_dump() | {"data": {n: tmp_path / n for n in DATASETS}}
        return pipeline.build_plan(type(profile()).model_validate(values))

    return plan


EXPECTED = {
    "celeba": {"data:celeba", "data"} | of_dataset("celeba") | TRAINED | GATHERED
    # The trained row is another one now, and what compares rows with it.
    | {f"predict:focs:{name}" for name in DATASETS}
    | of_protocol("ar_rmse") | of_protocol("now") | {"score:focs:ar_segmentation"},
    "ar": {"data:ar", "data"} | of_dataset("ar") | GATHERED,
    "now": {"data:now", "data"} | of_dataset("now") | GATHERED,
}  # fmt: skip


@pytest.mark.parametrize("file", ["list.txt", "images/deep/photo.png"])
@pytest.mark.parametrize("dataset", list(DATASETS))
def test_one_byte_of_a_dataset(real, tmp_path, dataset, file):
    before = real()
    path = tmp_path / dataset / file
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)  # same size
    assert changed(before, real()) == EXPECTED[dataset]


def test_names_count_and_places_do_not(real, tmp_path):
    before = real()
    (tmp_path / "ar" / "list.txt").rename(tmp_path / "ar" / "other.txt")
    assert changed(before, real()) == EXPECTED["ar"]
    (tmp_path / "ar" / "other.txt").rename(tmp_path / "ar" / "list.txt")
    one, other = manifest({"folder": tmp_path / "ar"}), manifest({"folder": tmp_path / "now"})
    assert one == other
    assert one["folder"]["files"] == 2


def test_unchanged_files_are_not_read_again(tmp_path, monkeypatch):
    folder = tmp_path / "data"
    folder.mkdir()
    for number in range(3):
        (folder / f"{number}.png").write_bytes(bytes([number]))
    read = []

    def counting(path):
        read.append(path.name)
        return original(path)

    original = manifest.__globals__["sha256_of"]
    monkeypatch.setattr("focsbench.runs.dataset_manifest.sha256_of", counting)
    monkeypatch.setattr("focsbench.runs.dataset_manifest.FRESH", -60.0)
    first = manifest({"folder": folder})
    assert sorted(read) == ["0.png", "1.png", "2.png"]
    read.clear()
    assert manifest({"folder": folder}) == first
    assert read == []
    time.sleep(0.02)  # the clock of files has steps
    os.utime(folder / "1.png")
    assert manifest({"folder": folder}) == first  # its time counts for nothing
    assert read == ["1.png"]
    read.clear()
    for kept in (tmp_path / "cache" / "manifests").iterdir():
        kept.write_text("torn\t")
    assert manifest({"folder": folder}) == first
    assert len(read) == 3


def test_what_changed_a_moment_ago_is_read_again(tmp_path, monkeypatch):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "a").write_text("1")
    manifest({"folder": tmp_path / "data"})
    read = []
    original = manifest.__globals__["sha256_of"]
    monkeypatch.setattr(
        "focsbench.runs.dataset_manifest.sha256_of", lambda p: read.append(p) or original(p)
    )
    manifest({"folder": tmp_path / "data"})
    assert len(read) == 1


def test_links_that_lead_in_circles_end(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    (folder / "a").write_text("1")
    (folder / "loop").symlink_to(folder)
    (folder / "nowhere").symlink_to(tmp_path / "nowhere")
    assert manifest({"folder": folder})["folder"]["files"] == 1


@pytest.fixture(scope="module")
def before():
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_maker, "SourceTree", lambda: TREE)
        return pipeline.build_plan(profile())


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_every_field_of_a_card(before, protocol):
    card = registry.load(Kind.PROTOCOL, protocol)().card
    changes = [{"name": f"{card.name}, changed"}, {"version": card.version + 1}]
    changes += [{"rules": {**card.rules, rule: f"{text}!"}} for rule, text in card.rules.items()]
    prints = {dataclasses.replace(card, **change).fingerprint() for change in changes}
    assert len(prints | {card.fingerprint()}) == len(changes) + 1 > 5
    for other in prints:
        steps = [
            dataclasses.replace(step, config=_with_card(step.config, protocol, other))
            for step in before.steps
        ]
        assert changed(before, Plan(steps)) == of_protocol(protocol) | GATHERED
    # The plan itself takes the fingerprint from the card.
    assert before[f"prepare:{protocol}"].config["card"] == card.fingerprint()


def _with_card(config, protocol, card):
    if config.get("protocol") == protocol:
        return {**config, "card": card}
    if "cards" in config:
        return {**config, "cards": {**config["cards"], protocol: card}}
    return config


def test_cards_are_kept_by_version_of_the_code():
    real = registry.load(Kind.PROTOCOL, "now")().card.fingerprint()
    assert card_fingerprint("now", "1" * 64) == real
    kept = card_fingerprint.__globals__["cache_dir"]() / "cards" / f"now-{'1' * 32}.txt"
    kept.write_text("0" * 64)
    assert card_fingerprint("now", "1" * 64) == "0" * 64
    kept.write_text("torn")
    assert card_fingerprint("now", "1" * 64) == real


def leaves(values, path=()):
    for name, value in values.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, (*path, name))
        else:
            yield (*path, name)


def mutated(values, path):
    """Return nested values with another leaf."""
    values = copy.deepcopy(values)
    inner = values
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = "changed"
    return values


def test_every_value_of_the_generator_makes_stale_all_but_the_face_model(before):
    plain = dict(before["data"].config["synthetic"])
    for path in leaves(plain):
        config = {**before["data"].config, "synthetic": mutated(plain, path)}
        steps = [
            dataclasses.replace(step, config=config) if step.name == "data" else step
            for step in before.steps
        ]
        assert changed(before, Plan(steps)) == set(before.keys) - {"face_model"}, path


def test_every_value_of_the_method_makes_stale_what_looks_at_it(before):
    """The masks are learnt by S alone: what trains R without S does not look at its settings."""
    of_focs = {f"predict:focs:{name}" for name in DATASETS} | {
        f"score:focs:{name}" for name in PROTOCOLS
    }
    compared = of_protocol("celeba_rmse") | of_protocol("ar_rmse") | of_protocol("now")
    after_em = {"em"} | of_focs | compared | GATHERED
    for path in leaves(before["em"].config["method"]):
        stages = {
            step.name for step in before.steps
            if step.name in TRAINED and _has(step.config["method"], path)
        }  # fmt: skip
        steps = [
            dataclasses.replace(
                step,
                config={**step.config, "method": mutated(step.config["method"], path)},
            )
            if isinstance(step.config.get("method"), dict) and _has(step.config["method"], path)
            else step
            for step in before.steps
        ]
        stale = changed(before, Plan(steps))
        assert after_em <= stale, path
        if path[0] in ("segmentation", "unet"):
            assert not stages & {"pack", "warmup", "init"}, path
            assert not stale & {"pack", "warmup", "init", "predict:mean_face:now"}, path
        assert not stale & {"face_model", "data", "score:mean_face:ar_segmentation"}, path
        assert stages <= stale


def test_other_weights_under_the_same_path(tmp_path):
    file = tmp_path / "recognition.safetensors"
    change = f"method.changes.recognition.weights={file}"
    before = profile(change)  # no file yet: whoever trains with it says so
    assert before.method_config().recognition.weights == str(file)
    file.write_bytes(b"one")
    first = profile(change)
    named = first.method_config().recognition.weights
    assert first.resolved().method_config().recognition.weights == named
    assert weights_path(named) == file
    plan = pipeline.build_plan(first)
    file.write_bytes(b"two")
    stale = changed(plan, pipeline.build_plan(profile(change)))
    assert {"em", "predict:focs:celeba"} <= stale
    assert not stale & {"pack", "predict:mean_face:celeba"}
    with pytest.raises(CacheError, match=r"recognition\.safetensors: this file was replaced"):
        weights_path(named)
    file.rename(tmp_path / "recognition.safetensors@01234567")
    odd = f"{tmp_path}/recognition.safetensors@01234567"
    assert weights_path(odd) == weights_path(pinned_path(odd)) == Path(odd)


def _has(values, path):
    for name in path:
        if not isinstance(values, dict) or name not in values:
            return False
        values = values[name]
    return True


def test_a_dataset_that_comes_later_trains_nothing_again(toys, store):
    """One more dataset: what reads the others is found in the store."""

    def plan(*names):
        data = [toys.step(f"data:{name}") for name in names]
        rows = [
            dataclasses.replace(
                toys.step(f"row:{name}", f"data:{name}"), known_as={f"data:{name}": "data"}
            )
            for name in names
        ]
        return Plan([*data, *rows, toys.step("data", *(step.name for step in data))])

    Executor(store, workers=1).run(plan("a"))
    toys.calls()
    outcome = Executor(store, workers=1).run(plan("a", "b"))
    assert outcome.exit_code == 0
    assert toys.calls() == ["data", "data:b", "row:b"]
