"""The loop that image-wise protocols share: measure, or say why not; count what was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.progress import track
from focsbench.types import BoolArray, FaceDataset, ResultRow, Sample

from .base import DONE_RATE, POOLED


@dataclass(frozen=True)
class Measure:
    """Numbers that are had or not had together.

    metrics: their names.
    compute: index and sample -> one value per metric; InputError or ValueError where there is no
        value (prediction missing, region empty).
    """

    metrics: tuple[str, ...]
    compute: Callable[[int, Sample], Sequence[float]]


def score_images(
    method: str,
    protocol: str,
    folder: PredictionFolder,
    dataset: FaceDataset,
    measures: Sequence[Measure],
) -> list[ResultRow]:
    """Return one row per image and metric, then a done-rate row per subset and ``overall``.

    An image counts as done if the first measure has a value.
    """
    rows: list[ResultRow] = []
    done: dict[str, list[bool]] = {"overall": []}
    for index in track(range(len(dataset)), f"{protocol}: {method}"):
        sample = dataset[index]
        for number, measure in enumerate(measures):
            values, note = _attempt(measure, folder, index, sample)
            rows += image_rows(
                method, protocol, sample.subset, sample.subject, sample.key,
                measure.metrics, values, note,
            )  # fmt: skip
            if number == 0:
                done.setdefault(sample.subset, []).append(values is not None)
                done["overall"].append(values is not None)
    return rows + [done_row(method, protocol, subset, flags) for subset, flags in done.items()]


def image_rows(
    method: str,
    protocol: str,
    subset: str,
    subject: str,
    key: str,
    metrics: Sequence[str],
    values: Sequence[float] | None,
    note: str = "",
) -> list[ResultRow]:
    """Return the rows of one image; without values they are failed ones.

    note: why there are no values, or a warning about them.
    """
    if values is None:
        return [
            ResultRow(method, protocol, subset, subject, key, metric, None, "failed", note)
            for metric in metrics
        ]
    return [
        ResultRow(method, protocol, subset, subject, key, metric, value, "ok", note)
        for metric, value in zip(metrics, values, strict=True)
    ]


def done_row(method: str, protocol: str, subset: str, done: Sequence[bool]) -> ResultRow:
    """Return the share of images of a subset that have a value."""
    rate = sum(done) / len(done) if done else 0.0
    return ResultRow(method, protocol, subset, "", POOLED, DONE_RATE, rate)


def labelled_face(sample: Sample) -> BoolArray:
    """Return the visible-face mask of a sample, (S, S).

    Raises:
        InputError: if nobody labelled it.
    """
    if sample.visible_mask is None:
        raise InputError(f"{sample.key}: the dataset has no visible-face mask for this image.")
    return sample.visible_mask


def _attempt(
    measure: Measure, folder: PredictionFolder, index: int, sample: Sample
) -> tuple[Sequence[float] | None, str]:
    try:
        return measure.compute(index, sample), ""
    except (InputError, ValueError) as error:
        return None, folder.relative(str(error))
