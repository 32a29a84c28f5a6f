"""The step that asks one method for the reconstructions of one dataset."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focsbench import registry
from focsbench.data.layouts import open_dataset
from focsbench.errors import FocsbenchError, InputError
from focsbench.face_models.recorded import recorded_file
from focsbench.files import write_json
from focsbench.progress import track
from focsbench.registry import Kind
from focsbench.runs.datasets import dataset_root
from focsbench.runs.store import FAILURES
from focsbench.types import Baseline, BaselineContext, FaceDataset, Reconstruction, Sample

if TYPE_CHECKING:
    from focsbench.data.predictions import PredictionWriter

BATCH = 16


def predict_step(inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int) -> None:
    """Write a predictions folder (``focsbench.data.predictions``).

    An image that the method cannot reconstruct is recorded as failed; the others go on.

    config: baseline, dataset, split, face_model, image_size, method (FocsConfig fields), stages,
    and row for a row that needs something for itself.
    """
    del workers
    root = dataset_root(inputs["data"], config["dataset"], config["split"])
    dataset = open_dataset(root, config["dataset"], config["split"], config["image_size"])
    baseline: Baseline = registry.load(Kind.BASELINE, config["baseline"])(
        BaselineContext(
            face_model=config["face_model"],
            image_size=config["image_size"],
            method=config["method"],
            stages={name: inputs[name] for name in config["stages"]},
            data_root=root,
            dataset=config["dataset"],
            face_model_file=recorded_file(inputs, config["face_model"]),
            row=config.get("row", {}),
        )
    )
    failures = write_predictions(baseline, dataset, out, config["image_size"])
    write_json(out / FAILURES, failures)


def write_predictions(
    baseline: Baseline, dataset: FaceDataset, out: Path, image_size: int
) -> dict[str, str]:
    """Write the predictions folder of a method for all samples of a dataset.

    Args:
        baseline: the method; its name and label go into the manifest.
        dataset: aligned samples of ``image_size`` pixels.
        out: existing folder.
        image_size: side of renders and masks, pixels.

    Returns:
        Reason by key of every image that failed; the others were written.
    """
    from focsbench.data.predictions import PredictionWriter

    failures: dict[str, str] = {}
    with PredictionWriter(
        out,
        method=baseline.name,
        label=baseline.label,
        dataset=dataset.name,
        image_size=image_size,
    ) as writer:
        samples = _samples(dataset, failures)
        while batch := list(islice(samples, BATCH)):
            _write_batch(baseline, batch, writer, failures)
        for key, reason in failures.items():
            writer.fail(key, reason)
    return failures


def _samples(dataset: FaceDataset, failures: dict[str, str]) -> Iterator[Sample]:
    for index, key in enumerate(track(dataset.keys(), dataset.name)):
        try:
            yield dataset[index]
        except InputError as error:
            failures[key] = str(error)


def _write_batch(
    baseline: Baseline,
    samples: Sequence[Sample],
    writer: PredictionWriter,
    failures: dict[str, str],
) -> None:
    for sample, answer in zip(samples, _reconstruct(baseline, samples), strict=True):
        try:
            if isinstance(answer, FocsbenchError):
                raise answer
            writer.write(sample.key, answer)
        except FocsbenchError as error:
            failures[sample.key] = str(error)


def _reconstruct(
    baseline: Baseline, samples: Sequence[Sample]
) -> Sequence[Reconstruction | FocsbenchError]:
    """Reconstruct a batch; if the method refuses it, one by one to find the image at fault."""
    try:
        return baseline.reconstruct(samples)
    except FocsbenchError as error:
        if len(samples) == 1:
            return [error]
    return [answer for sample in samples for answer in _reconstruct(baseline, [sample])]
