"""Does the referee judge right? The truth wins, the mean face bounds, junk never helps.

And hostile files among good ones: the rest is scored, the report names them, the exit code is 2.
"""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
from attacks import ATTACKS
from mock_run_support import model

from focsbench import registry
from focsbench.baselines.ground_truth import GroundTruth
from focsbench.data.layouts import open_dataset
from focsbench.mock_run.tiny_data import write_tiny_data
from focsbench.registry import Kind
from focsbench.runs.predict import write_predictions
from focsbench.types import BaselineContext, Mesh

SIZE = 64
MESH_ATTACKS = ("ply_huge_vertex_count", "ply_truncated", "mesh_is_a_pipe", "ply_not_a_number")
IMAGE_ATTACKS = ("png_bomb_of_gigapixels", "png_truncated", "image_is_a_pipe")


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return write_tiny_data(tmp_path_factory.mktemp("tiny"))


def truth(data, name):
    return GroundTruth(BaselineContext("anny", SIZE, data_root=data[name], dataset=name))


class Changed:
    """The truth with every answer changed."""

    label = "Changed"

    def __init__(self, name, truth, change):
        self.name, self._truth, self._change = name, truth, change

    def reconstruct(self, samples):
        return [self._change(answer) for answer in self._truth.reconstruct(samples)]


def predictions(data, name, folder, change=lambda answer: answer):
    """Write the truth, changed, as a submission."""
    folder.mkdir()
    images = open_dataset(data[name], name, "test", SIZE)
    changed = Changed(folder.name, truth(data, name), change)
    assert write_predictions(changed, images, folder, SIZE) == {}
    return folder


def score(data, protocol, folder, tmp_path, metric):
    """Mean over the images of a metric."""
    judge = registry.load(Kind.PROTOCOL, protocol)()
    images = open_dataset(data[judge.dataset], judge.dataset, "test", SIZE)
    shared, output = tmp_path / f"shared-{folder.name}", tmp_path / f"output-{folder.name}"
    shared.mkdir()
    output.mkdir()
    judge.prepare({folder.name: folder}, images, shared)
    rows = judge.score(folder.name, folder, images, shared, output)
    values = [row.value for row in rows if row.metric == metric and row.item != "pooled"]
    assert values
    assert None not in values
    return float(np.mean(values))


def distorted(sigmas):
    """Another face: rough errors would put some triangle near every point of a scan."""
    mode = np.random.default_rng(0).normal(0, sigmas, 80).astype(np.float32)
    error = model().shape(mode) - model().mean_shape

    def change(answer):
        vertices = answer.neutral.vertices + error
        return replace(
            answer,
            neutral=Mesh(vertices, answer.neutral.triangles),
            landmarks7=vertices[model().landmarks7],
        )

    return change


def mean_face(answer):
    mean = model().mean_shape
    return replace(
        answer, neutral=Mesh(mean, model().triangles), landmarks7=mean[model().landmarks7]
    )


def test_scans_the_truth_wins_and_errors_never_help(data, tmp_path):
    changes = {
        "truth": lambda answer: answer,
        "slight": distorted(0.25),
        "clear": distorted(0.5),
        "gross": distorted(2),
        "mean": mean_face,
    }
    found = {
        name: score(
            data, "now", predictions(data, "now", tmp_path / name, change), tmp_path, "mean"
        )
        for name, change in changes.items()
    }
    assert found["truth"] < 1e-3  # mm: files hold single precision
    assert found["truth"] < found["slight"] < found["clear"] < found["gross"]
    assert found["mean"] > 0.3
    assert found["gross"] > found["mean"] > found["truth"]


def flipped(share):
    rng = np.random.default_rng(0)

    def change(answer):
        flip = rng.random(answer.visible.shape) < share
        return replace(answer, visible=np.where(flip, 1 - answer.visible, answer.visible))

    return change


def test_masks_the_truth_wins_and_junk_never_helps(data, tmp_path):
    changes = {
        "truth": lambda answer: answer,
        "tenth": flipped(0.1),
        "third": flipped(1 / 3),
        "random": flipped(0.5),
        "everything": lambda answer: replace(answer, visible=np.ones_like(answer.visible)),
    }
    found = {}
    for name, change in changes.items():
        folder = predictions(data, "celeba", tmp_path / name, change)
        found[name] = score(data, "celeba_segmentation", folder, tmp_path, "F1")
    assert found["truth"] > 0.998  # the protocol counts every area as one pixel at least
    assert found["truth"] > found["tenth"] > found["third"] > found["random"]
    assert found["everything"] < 1


def brighter(levels):
    return lambda answer: replace(answer, render=answer.render + np.float32(levels / 255))


def test_renders_the_truth_wins_and_errors_count(data, tmp_path):
    found = {}
    for levels in (0, 8, 16):
        folder = predictions(data, "celeba", tmp_path / f"levels{levels}", brighter(levels))
        found[levels] = score(data, "celeba_rmse", folder, tmp_path, "rmse")
    assert found[0] < 6  # grey levels: the photographs are JPEG files
    assert found[0] < found[8] < found[16]
    assert found[16] == pytest.approx(16, abs=2)


@pytest.mark.parametrize("attack", MESH_ATTACKS)
def test_a_hostile_mesh_is_named_and_the_rest_is_scored(data, tmp_path, focsbench, attack):
    folder = predictions(data, "now", tmp_path / "method")
    victim = folder / "TINY_0/multiview_neutral/IMG_0000.ply"
    victim.unlink()
    ATTACKS[attack].make(victim)
    code, _, _ = focsbench(
        "score", folder, data["now"], "--protocol", "now", "--output", tmp_path / "out"
    )
    assert code == 2
    rows = read_rows(tmp_path / "out")
    failed = {row["item"] for row in rows if row["status"] == "failed"}
    assert failed - {"pooled"} == {"TINY_0/multiview_neutral/IMG_0000"}
    assert all("IMG_0000" in row["reason"] for row in rows if row["item"] in failed - {"pooled"})
    done = [row for row in rows if row["item"] == "TINY_0/multiview_expressions/IMG_0000"]
    assert done
    assert all(row["status"] == "ok" for row in done)
    entries = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert {entry["done_rate"] for entry in entries if entry["subset"] == "multiview_neutral"} == {
        0
    }


@pytest.mark.parametrize("attack", IMAGE_ATTACKS)
def test_a_hostile_render_is_named_and_the_rest_is_scored(data, tmp_path, focsbench, attack):
    folder = predictions(data, "celeba", tmp_path / "method")
    victim = folder / "0_render.png"
    victim.unlink()
    ATTACKS[attack].make(victim)
    out = tmp_path / "out"
    code, _, _ = focsbench(
        "score", folder, data["celeba"], "--protocol", "celeba_rmse", "--output", out,
        "--image-size", SIZE,
    )  # fmt: skip
    assert code == 2
    rows = [row for row in read_rows(out) if row["metric"] == "rmse"]
    assert {row["item"]: row["status"] for row in rows} == {"0": "failed", "1": "ok"}
    assert "0_render.png" in next(row["reason"] for row in rows if row["status"] == "failed")


def read_rows(folder):
    with (folder / "results.csv").open(newline="") as file:
        return list(csv.DictReader(file))
