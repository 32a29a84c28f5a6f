"""The plan of run-all, and its steps on a tiny dataset with a plug-in of somebody else's."""

import csv
import json
import sys
from importlib import import_module

import numpy as np
import pytest
from PIL import Image

from focsbench import registry
from focsbench.data.landmarks_csv import write_landmarks
from focsbench.errors import ConfigError, InputError
from focsbench.geometry.five_points import TEMPLATE_DM
from focsbench.profiles.profile import load_profile
from focsbench.runs.pipeline import build_plan
from focsbench.runs.predict import predict_step
from focsbench.runs.real_data import join_data_step, real_data_step
from focsbench.runs.report import aggregate_step, report_step
from focsbench.runs.score import failed_items, prepare_step, read_rows, score_step
from focsbench.runs.score_folder import score_folder
from focsbench.types import ResultRow

SIZE = 64
PLUGIN = '''
"""A baseline of another package: reconstructs the photograph itself, refuses one of them."""

import numpy as np

from focsbench.errors import InputError
from focsbench.types import Reconstruction


class Copy:
    name = "copy"
    label = "Copy"
    stages = ()

    def __init__(self, context):
        self.size = context.image_size

    def reconstruct(self, samples):
        if any(sample.key == "m-001-08" for sample in samples):
            raise InputError("m-001-08: I do not do glasses.")
        region = np.ones((self.size, self.size), dtype=bool)
        return [
            Reconstruction(render=s.image, region=region, visible=s.visible_mask.astype("f4"))
            for s in samples
        ]
'''


@pytest.fixture
def plugin(tmp_path, monkeypatch):
    """An installed package that registers the baseline ``copy``."""
    site = tmp_path / "site"
    information = site / "copycat-1.0.dist-info"
    information.mkdir(parents=True)
    (information / "METADATA").write_text("Metadata-Version: 2.1\nName: copycat\nVersion: 1.0\n")
    (information / "entry_points.txt").write_text("[focsbench.baselines]\ncopy = copycat:Copy\n")
    (site / "copycat.py").write_text(PLUGIN)
    monkeypatch.syspath_prepend(site)
    registry._members.cache_clear()
    yield site
    registry._members.cache_clear()
    sys.modules.pop("copycat", None)


def test_a_name_that_no_step_can_have_is_refused(plugin):
    text = "[focsbench.baselines]\nMyNet = copycat:Copy\n"
    (plugin / "copycat-1.0.dist-info" / "entry_points.txt").write_text(text)
    registry._members.cache_clear()
    with pytest.raises(ConfigError, match="baseline 'MyNet': this name cannot be part"):
        load_profile("smoke", ['methods=["MyNet"]'])


@pytest.fixture
def faces(tmp_path):
    """An AR folder of two people, three photographs each."""
    root = tmp_path / "AR"
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    rng = np.random.default_rng(0)
    points = TEMPLATE_DM[:, :2] * [30, -30] + 40
    landmarks = np.full((68, 2), 40.0)
    landmarks[[36, 39]], landmarks[[42, 45]] = points[0], points[1]
    landmarks[30], landmarks[48], landmarks[54] = points[2], points[3], points[4]
    names = [f"{person}-{nn}" for person in ("m-001", "w-001") for nn in ("01", "08", "11")]
    for name in names:
        photo = rng.integers(0, 255, (80, 80, 3), dtype=np.uint8)
        Image.fromarray(photo).save(root / "images" / f"{name}.png")
        Image.fromarray(np.full((80, 80), 255, dtype=np.uint8)).save(root / "masks" / f"{name}.png")
    write_landmarks(root / "landmarks.csv", [(f"{name}.png", landmarks) for name in names])
    return root


def changed(before, after):
    return {name for name in before.keys if before.keys[name] != after.keys.get(name)}


def test_shared_stages_train_once_and_all_rows_are_scored():
    plan = build_plan(load_profile("smoke"))
    names = [step.name for step in plan.steps]
    assert len(names) == len(set(names))
    for stage in ("pack", "warmup", "mofa", "supervised", "init", "segmentation", "em"):
        assert names.count(stage) == 1
    for method in load_profile("smoke").methods:
        for dataset in ("celeba", "ar", "now"):
            assert f"predict:{method}:{dataset}" in names
        for protocol in ("celeba_rmse", "ar_rmse", "ar_segmentation", "now"):
            assert f"score:{method}:{protocol}" in names
    assert plan["predict:everything_visible:now"].inputs == ("face_model", "data", "em")


def test_adaptation_knows_the_images_that_will_be_evaluated():
    plan = build_plan(load_profile("smoke", ['methods=["adapted"]', "evaluation_split=val"]))
    assert plan["pack_evaluation"].config["split"] == "val"
    assert "split" not in plan["pack"].config
    assert {"pack_evaluation", "em"} <= set(plan["adapted"].inputs)


def test_rows_that_fail_do_not_take_the_results_with_them():
    plan = build_plan(load_profile("smoke"))
    assert plan["prepare:now"].optional == set(plan["prepare:now"].inputs) - {"data"}
    assert plan["aggregate"].optional == set(plan["aggregate"].inputs)
    needed = set(plan["report:overview"].inputs) - plan["report:overview"].optional
    assert needed == {"data", "aggregate"}
    assert not plan["score:focs:now"].optional


def test_only_needed_stages_train():
    plan = build_plan(load_profile("smoke", ['methods=["mean_face", "mofa"]']))
    names = {step.name for step in plan.steps}
    assert {"pack", "warmup", "mofa"} <= names
    assert not names & {"supervised", "init", "segmentation", "em"}


def test_ablations_of_losses_that_a_run_has_not_fail_at_once_and_alone(tmp_path):
    rows = 'methods=["mofa", "ablation_neighbour", "ablation_perceptual"]'
    blind = build_plan(load_profile("smoke", [rows, "method.preset=paper"]))  # no ArcFace
    names = {step.name for step in blind.steps}
    assert not names & {"init", "segmentation"}  # nobody else needs them
    assert {"warmup", "mofa", "predict:ablation_neighbour:now"} <= names
    for name in ("em_neighbour", "em_perceptual"):
        step = blind[name]
        assert step.inputs == ()
        module, function = step.function.split(":")
        with pytest.raises(ConfigError, match=r"recognition\.weights=NAME"):
            getattr(import_module(module), function)({}, tmp_path, step.config, 1)
    whole = build_plan(load_profile("smoke", [rows]))
    assert whole["em_neighbour"].inputs == ("face_model", "pack", "init", "segmentation")


def test_the_plan_is_the_same_every_time():
    assert build_plan(load_profile("quick")).keys == build_plan(load_profile("quick")).keys


@pytest.mark.parametrize(
    ("change", "stale", "fresh"),
    [
        ("seed=1", {"data", "warmup", "predict:mean_face:ar", "report:overview"}, {"face_model"}),
        ("data.synthetic.celeba_test=13", {"data", "pack", "aggregate"}, {"face_model"}),
        (
            "method.changes.batch_size=3",
            {"warmup", "em", "predict:focs:now", "score:focs:now", "aggregate"},
            {
                "data",
                "predict:mean_face:now",
                "score:mean_face:ar_segmentation",
                "prepare:ar_segmentation",
            },
        ),
        (
            "evaluation_split=val",
            {"predict:mean_face:now", "score:focs:now", "prepare:now"},
            {"data", "pack", "em"},
        ),
        (
            'methods=["focs", "mean_face"]',
            {"prepare:ar_rmse", "score:focs:ar_rmse", "prepare:now", "aggregate"},
            {"em", "predict:focs:ar", "score:focs:ar_segmentation", "prepare:ar_segmentation"},
        ),
        ('name="other"', {"report:overview"}, {"aggregate", "em", "score:focs:now"}),
    ],
)
def test_a_changed_field_makes_stale_what_depends_on_it(change, stale, fresh):
    before = build_plan(load_profile("smoke"))
    found = changed(before, build_plan(load_profile("smoke", [change])))
    assert stale <= found
    assert not fresh & found


def test_a_plugin_is_a_row_and_its_code_counts(plugin):
    profile = load_profile("smoke", ['methods=["mean_face", "copy"]'])
    before = build_plan(profile)
    (plugin / "copycat.py").write_text(PLUGIN + "\n# changed\n")
    found = changed(before, build_plan(profile))
    assert "predict:copy:ar" in found
    assert not {name for name in found if name.startswith("predict:mean_face")}
    assert "copycat" not in sys.modules


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("stages = ()", "stages = ('flying',)", "training stage flying, which does not exist"),
        ('label = "Copy"', "", "baseline copy does not say its label"),
        ('label = "Copy"', "label = missing_name", "copycat:Copy cannot be loaded"),
    ],
)
def test_unusable_plugins_are_named(plugin, old, new, message):
    (plugin / "copycat.py").write_text(PLUGIN.replace(old, new))
    with pytest.raises(ConfigError, match=message):
        build_plan(load_profile("smoke", ['methods=["copy"]']))


def test_two_packages_with_the_same_name_are_refused(plugin):
    text = "[focsbench.baselines]\nmofa = copycat:Copy\n"
    (plugin / "copycat-1.0.dist-info" / "entry_points.txt").write_text(text)
    with pytest.raises(ConfigError, match="two packages register the baseline mofa"):
        load_profile("smoke")


def test_real_datasets_are_linked(faces, tmp_path):
    changes = [f"data.ar={faces}", 'methods=["mean_face"]', 'protocols=["ar_rmse"]']
    step = build_plan(load_profile("paper", changes))["data:ar"]
    out = tmp_path / "data:ar"
    out.mkdir()
    real_data_step({}, out, {**step.config, **step.place}, 1)
    assert (out / "AR" / "landmarks.csv").is_file()
    joined = tmp_path / "data"
    joined.mkdir()
    join_data_step({"data:ar": out}, joined, {"datasets": {"ar": "data:ar"}}, 1)
    assert (joined / "AR" / "landmarks.csv").is_file()
    with pytest.raises(InputError, match="does not exist"):
        build_plan(load_profile("paper", [*changes, f"data.now={tmp_path / 'nowhere'}"]))


@pytest.mark.usefixtures("plugin")
def test_from_predictions_to_a_report(faces, tmp_path):
    """One row through all steps: five photographs are perfect, one is a failed item."""
    images = {"dataset": "ar", "split": "test", "image_size": SIZE}
    folders = {}

    def run(name, step, inputs, config):
        folders[name] = tmp_path / name
        folders[name].mkdir()
        step({key: folders[key] for key in inputs}, folders[name], config, 1)

    run("data", real_data_step, [], {"dataset": "ar", "source": {"folder": str(faces)}})
    settings = {"baseline": "copy", "stages": [], "face_model": "anny", "method": {}, **images}
    run("predict", predict_step, ["data"], settings)
    failures = json.loads((folders["predict"] / "failures.json").read_text())
    assert failures == {"m-001-08": "m-001-08: I do not do glasses."}
    manifest = json.loads((folders["predict"] / "manifest.json").read_text())
    assert (manifest["method"], manifest["label"]) == ("copy", "Copy")
    assert manifest["failures"] == failures

    scores = {}
    for protocol in ("ar_rmse", "ar_segmentation"):
        prepared, scored = f"prepare-{protocol}", f"score-{protocol}"
        shared = {"protocol": protocol, **images}
        inputs = ["data", "predict"]
        run(prepared, prepare_step, inputs, {**shared, "predictions": {"copy": "predict"}})
        settings = {**shared, "method": "copy", "predictions": "predict", "prepared": prepared}
        run(scored, score_step, [*inputs, prepared], settings)
        scores[protocol] = read_rows(folders[scored] / "rows.csv")
        failed = json.loads((folders[scored] / "failures.json").read_text())
        assert list(failed) == ["m-001-08"]
    rmse = [row.value for row in scores["ar_rmse"] if row.metric == "rmse"]
    assert rmse.count(None) == 1
    assert max(value for value in rmse if value is not None) < 0.5  # renders are 8 bit
    f1 = [row.value for row in scores["ar_segmentation"] if row.metric == "F1"]
    assert [value for value in f1 if value is not None] == pytest.approx([1] * 5, abs=1e-3)

    run("aggregate", aggregate_step, ["score-ar_rmse", "score-ar_segmentation"],
        {"scores": ["score-ar_rmse", "score-ar_segmentation"]})  # fmt: skip
    summary = json.loads((folders["aggregate"] / "summary.json").read_text())
    glasses = [e for e in summary if (e["subset"], e["metric"]) == ("glasses", "F1")]
    assert [(e["n"], e["done_rate"]) for e in glasses] == [(1, 0.5)]
    with (folders["aggregate"] / "results.csv").open(newline="") as file:
        assert len(list(csv.DictReader(file))) == sum(map(len, scores.values()))

    settings = {
        "report": "table4", "run": "a test", "seed": 0, "labels": [["copy", "Copy"]],
        "protocols": ["ar_rmse", "ar_segmentation"], "predictions": {"ar": {"copy": "predict"}},
        "distances": {}, "split": "test", "image_size": SIZE,
    }  # fmt: skip
    run("report", report_step, ["data", "aggregate", "predict"], settings)
    assert "Copy" in (folders["report"] / "table4.md").read_text()


def test_a_pool_is_no_failed_item():
    names = ("focs", "now", "all", "")
    rows = [
        ResultRow(*names, "anna/selfie/IMG_2", "median", None, "failed", "no mesh"),
        ResultRow(*names, "pooled", "median_paired", None, "failed", "no image that all have"),
        ResultRow(*names, "bela/selfie/IMG_3", "median", 1.0),
    ]
    assert failed_items(rows) == {"anna/selfie/IMG_2": "no mesh"}


def test_score_folder_is_the_short_way(faces, tmp_path, plugin):
    data, predictions = tmp_path / "data", tmp_path / "copy"
    data.mkdir()
    predictions.mkdir()
    real_data_step({}, data, {"dataset": "ar", "source": {"folder": str(faces)}}, 1)
    settings = {"baseline": "copy", "stages": [], "face_model": "anny", "method": {},
                "dataset": "ar", "split": "test", "image_size": SIZE}  # fmt: skip
    predict_step({"data": data}, predictions, settings, 1)
    output = tmp_path / "scores"
    entries = score_folder(predictions, faces, "ar_segmentation", output, "test", SIZE)
    f1 = [entry.value for entry in entries if entry.metric == "F1"]
    assert f1 == pytest.approx([1] * len(f1), abs=1e-3)
    assert {entry.method for entry in entries} == {"copy"}
    assert (output / "results.csv").is_file()
    assert (output / "summary.json").is_file()
    with pytest.raises(InputError, match="image list of NoW"):
        score_folder(predictions, faces, "now", tmp_path / "other", "test", SIZE)
