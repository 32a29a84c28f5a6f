"""The loop that image-wise protocols share: measure, or say why not; count what was done."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.items import Answer, Failure, each
from focsbench.storage import may_pass
from focsbench.types import (
    DONE_RATE,
    POOLED,
    UNREADABLE,
    BoolArray,
    FaceDataset,
    ResultRow,
    Sample,
)


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

    An image counts as done if the first measure has a value. One that cannot be read has failed
    rows in a subset of its own, since nobody knows where it belongs.
    """
    keys = dataset.keys()

    def measure(number: int) -> Answer:
        sample = dataset[number]
        taken = [_attempt(measure, folder, number, sample) for measure in measures]
        return Answer({"subset": sample.subset, "subject": sample.subject, "measures": taken})

    rows: list[ResultRow] = []
    done: dict[str, list[bool]] = {"overall": []}
    answers = each(f"{protocol}: {method}", keys, measure)
    for key, answer in zip(keys, answers, strict=True):
        if isinstance(answer, Failure):  # the photograph or its labels cannot be read
            for one in measures:
                note = folder.relative(answer.reason)
                rows += image_rows(method, protocol, UNREADABLE, "", key, one.metrics, None, note)
            done["overall"].append(False)
            continue
        subset, subject = answer.values["subset"], answer.values["subject"]
        for number, (one, (values, note)) in enumerate(
            zip(measures, answer.values["measures"], strict=True)
        ):
            rows += image_rows(method, protocol, subset, subject, key, one.metrics, values, note)
            if number == 0:
                done.setdefault(subset, []).append(values is not None)
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
        if may_pass(error):
            raise
        return None, folder.relative(str(error))
