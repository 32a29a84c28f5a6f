"""The step that asks one method for the reconstructions of one dataset."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import Any

from focsbench import registry
from focsbench.data.layouts import open_dataset
from focsbench.data.predictions import PredictionWriter
from focsbench.errors import FocsbenchError, InputError, StorageError
from focsbench.face_models.recorded import recorded_file
from focsbench.files import write_json
from focsbench.inference.names import TORCH
from focsbench.items import Answer, Failure, each
from focsbench.processes import reason_of
from focsbench.registry import Kind
from focsbench.runs.artefact import FAILURES
from focsbench.runs.datasets import dataset_root
from focsbench.storage import patiently
from focsbench.types import Baseline, BaselineContext, FaceDataset, Reconstruction, Sample

BATCH = 16

log = logging.getLogger(__name__)


def predict_step(inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int) -> None:
    """Write a predictions folder (``focsbench.data.predictions``).

    An image that the method cannot reconstruct is recorded as failed; the others go on.

    config: baseline, dataset, split, face_model, image_size, method (FocsConfig fields), stages,
    row for a row that needs something for itself, engine where PyTorch does not run the networks.
    """
    del workers
    root = dataset_root(inputs["data"], config["dataset"], config["split"])
    dataset = open_dataset(root, config["dataset"], config["split"], config["image_size"])
    kind = registry.load(Kind.BASELINE, config["baseline"])
    context = BaselineContext(
        face_model=config["face_model"],
        image_size=config["image_size"],
        method=config["method"],
        stages={name: inputs[name] for name in config["stages"]},
        data_root=root,
        dataset=config["dataset"],
        face_model_file=recorded_file(inputs, config["face_model"]),
        row=config.get("row", {}),
        engine=config.get("engine", TORCH),
    )
    failures = predict_images(
        lambda: kind(context), (kind.name, kind.label), dataset, out, config["image_size"]
    )
    write_json(out / FAILURES, failures)


def write_predictions(
    baseline: Baseline, dataset: FaceDataset, out: Path, image_size: int
) -> dict[str, str]:
    """Write the predictions folder of a method that is made already; see :func:`predict_images`."""
    name = (baseline.name, baseline.label)
    return predict_images(lambda: baseline, name, dataset, out, image_size)


def predict_images(
    make: Callable[[], Baseline], name: tuple[str, str], dataset: FaceDataset, out: Path, size: int
) -> dict[str, str]:
    """Write the predictions folder of a method for all samples of a dataset.

    Images go to the method in batches. A batch that is finished is not done again after an
    interruption, and what is in it depends on the dataset alone.

    Args:
        make: makes the method, when the first batch needs it.
        name: of the method and its label, for the manifest.
        dataset: aligned samples of ``size`` pixels.
        out: existing folder.
        size: side of renders and masks, pixels.

    Returns:
        Reason by key of every image that failed; the others were written.

    Raises:
        StorageError: if nothing can be written any more.
        Exception: what the method raised, if it was not an error that it explains and no image
            at all has a reconstruction.
    """
    keys = dataset.keys()
    starts = range(0, len(keys), BATCH)
    batches = _Batches(make, name, dataset, out, size)
    answers = each(dataset.name, [keys[start] for start in starts], batches, here=True)
    method, label = name
    with PredictionWriter(
        out, method=method, label=label, dataset=dataset.name, image_size=size
    ) as writer:
        for start, answer in zip(starts, answers, strict=True):
            if isinstance(answer, Failure):
                for key in keys[start : start + BATCH]:
                    writer.fail(key, answer.reason)
            else:
                writer.add(answer.values)
    return writer.failures


class _Batches:
    """Reconstructs batches of a dataset; makes the method when the first one asks for it."""

    def __init__(
        self,
        make: Callable[[], Baseline],
        name: tuple[str, str],
        dataset: FaceDataset,
        out: Path,
        size: int,
    ) -> None:
        self._make = cache(make)
        self._name = name
        self._dataset = dataset
        self._out = out
        self._size = size

    def __call__(self, number: int) -> Answer:
        """Reconstruct one batch; see :func:`each`."""
        method, label = self._name
        writer = PredictionWriter(
            self._out, method=method, label=label, dataset=self._dataset.name, image_size=self._size
        )
        keys = self._dataset.keys()
        samples = []
        unforeseen: Exception | None = None
        for index in range(number * BATCH, min((number + 1) * BATCH, len(keys))):
            try:
                samples.append(patiently(self._dataset.__getitem__, index))
            except InputError as error:
                writer.fail(keys[index], str(error))
        for sample, answer in zip(samples, _reconstruct(self._make(), samples), strict=True):
            try:
                if isinstance(answer, Exception):
                    raise answer
                writer.write(sample.key, answer)
            except StorageError:
                raise
            except FocsbenchError as error:
                writer.fail(sample.key, str(error))
            except Exception as error:
                log.error("%s: the method failed", sample.key, exc_info=error)
                writer.fail(sample.key, reason_of(error))
                unforeseen = error
        if unforeseen is not None and not writer.files:
            raise unforeseen
        return Answer(writer.facts(), files=writer.files)


def _reconstruct(
    baseline: Baseline, samples: Sequence[Sample]
) -> Sequence[Reconstruction | Exception]:
    """Reconstruct a batch; if the method cannot, one by one to find the image at fault."""
    if not samples:
        return []
    try:
        return baseline.reconstruct(samples)
    except MemoryError:
        raise
    except Exception as error:  # noqa: BLE001 - methods of others may raise anything
        if len(samples) == 1:
            return [error]
    return [answer for sample in samples for answer in _reconstruct(baseline, [sample])]
