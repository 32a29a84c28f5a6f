"""The steps of the eta sweep: train S at one point, and gather the scores of all points."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np

from focsbench import registry
from focsbench.data.encoding import png_bytes
from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.files import write_atomically, write_json
from focsbench.progress import track
from focsbench.registry import Kind
from focsbench.runs.artefact import FAILURES
from focsbench.runs.datasets import open_images
from focsbench.runs.predict import write_predictions
from focsbench.runs.report import aggregate_step
from focsbench.runs.score import ROWS, failed_items, write_rows
from focsbench.types import POOLED, FaceDataset, FloatArray, ResultRow, Sample

PROTOCOL = "eta_sweep"
PREDICTIONS = "predictions"
POINTS = "sweep.json"
MASKS = "masks"
SHOWN_SUBSET = "scarf"  # the occluder that hides most of a face


def point_step(inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int) -> None:
    """Train S at one point and write its masks of all evaluation images.

    config: method (FocsConfig fields of this point), face_model, seed, iterations, dataset, split,
        image_size.
    """
    from focsbench.focs.sweep_training import train_point

    del workers
    masks = train_point(inputs, out, config, config["iterations"])
    (out / PREDICTIONS).mkdir(exist_ok=True)
    # What fails is said once for all points, where they are scored.
    write_predictions(masks, open_images(inputs, config), out / PREDICTIONS, config["image_size"])


def gather_step(inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int) -> None:
    """Score all points and write their rows, their description, and masks of one photograph.

    The rows are those of the protocol that scores masks, under the protocol name ``eta_sweep``
    and the method name ``eta_area=0.5``. The standard point is in the curve of every weight.

    config: protocol, dataset, split, image_size, points (each with method, eta, value, standard
        and the step that trained it), autoencoder and iterations (how they were trained).
    """
    dataset = _Remembered(open_images(inputs, config))
    protocol = registry.load(Kind.PROTOCOL, config["protocol"])()
    points = [point for point in config["points"] if point["step"] in inputs]
    scored: dict[str, list[ResultRow]] = {}
    with TemporaryDirectory(dir=out) as scratch:
        protocol.prepare({}, dataset, Path(scratch))
        for step in track(sorted({point["step"] for point in points}), "sweep: scores"):
            folder = inputs[step] / PREDICTIONS
            scored[step] = protocol.score(step, folder, dataset, Path(scratch), Path(scratch))
    rows = [
        dataclasses.replace(row, method=point["method"], protocol=PROTOCOL)
        for point in points
        for row in scored[point["step"]]
    ]
    write_rows(out / ROWS, rows)
    write_json(out / FAILURES, failed_items(rows))
    aggregate_step({PROTOCOL: out}, out, {"scores": [PROTOCOL]}, workers)
    shown = _shown(rows)
    write_json(
        out / POINTS,
        {
            "autoencoder": config["autoencoder"],
            "iterations": config["iterations"],
            "card": protocol.card.on(dataset).as_markdown(),
            "dataset": config["dataset"],
            "photograph": shown,
            "points": [{k: v for k, v in point.items() if k != "step"} for point in points],
        },
    )
    (out / MASKS).mkdir()
    for point in points:
        picture = _mask(inputs[point["step"]] / PREDICTIONS, shown)
        if picture is not None:
            write_atomically(out / MASKS / f"{point['method']}.png", png_bytes(picture))


def _shown(rows: list[ResultRow]) -> str:
    """Return the photograph whose masks are shown: the first with a scarf that has a score."""
    good = [row for row in rows if row.status == "ok" and row.item != POOLED]
    first = [row.item for row in good if row.subset == SHOWN_SUBSET] or [r.item for r in good]
    if not first:
        raise InputError("eta sweep: no photograph has a score at any point; see the log.")
    return first[0]


def _mask(predictions: Path, key: str) -> FloatArray | None:
    """Return the rounded mask of a photograph (S, S): 0 outside, 0.5 hidden, 1 visible face."""
    folder = PredictionFolder(predictions)
    try:
        visible = np.where(folder.visible(key) > 0.5, 1.0, 0.5)
        return np.where(folder.region(key), visible, 0.0)
    except InputError:
        return None  # its row says why


class _Remembered:
    """A dataset that reads each sample once, because every point is scored on all of them."""

    def __init__(self, dataset: FaceDataset) -> None:
        self._dataset = dataset
        self._get = cache(dataset.__getitem__)
        self.name = dataset.name

    def __len__(self) -> int:
        return len(self._dataset)

    def __getitem__(self, index: int) -> Sample:
        return self._get(index)

    def keys(self) -> list[str]:
        """Return the keys of all samples."""
        return self._dataset.keys()
