"""What an evaluation found, as values and as JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from focsbench.data.now import is_image_line
from focsbench.errors import InputError, brief, shown
from focsbench.files import write_json as write_json_file
from focsbench.metrics.scan_distance import DistanceStatistics, distance_statistics
from focsbench.metrics.statistics import mean_and_std
from focsbench.types import FloatArray
from focsbench.user_files import read_text

Record = TypeVar("Record")


@dataclass(frozen=True)
class ImageScore:
    """One image that has a score.

    image: line of the image list, ``subject/challenge/image.jpg``.
    n: cropped scan vertices; median, mean, std (population): of their distances, mm.
    iterations: accepted steps of the refinement; sum_of_squares: of the distances, mm^2.
    cpu_seconds: reading the prediction included, the scan not.
    warnings: ``name: what is wrong and what to do``, each.
    """

    image: str
    n: int
    median: float
    mean: float
    std: float
    iterations: int
    sum_of_squares: float
    cpu_seconds: float
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class MeanOfImages:
    """Unweighted means over images of their median, mean and std, mm."""

    median: float
    mean: float
    std: float


@dataclass(frozen=True)
class Group:
    """Images that are summarised together.

    images: lines of the list that belong to it; done: those with a score.
    pooled: of all distances of all images that have a score; None if there are none.
    mean_of_images: every image counts the same, however dense its scan.
    """

    images: int
    done: int
    pooled: DistanceStatistics | None
    mean_of_images: MeanOfImages | None

    @property
    def done_rate(self) -> float:
        """Share of the images that have a score, 0 to 1."""
        return self.done / self.images if self.images else 0.0


@dataclass(frozen=True)
class NowResult:
    """One method on one image list.

    mode: ``official`` or ``converged``; metrical_unit: m, cm, mm, or None where scale is free.
    images: those with a score, in the order of the list.
    missing: reason by line, for those without.
    challenges, subjects: groups by name, in the order of the list.
    protocol: name, version and rules of the protocol.
    """

    method: str
    mode: str
    metrical_unit: str | None
    images: tuple[ImageScore, ...]
    missing: Mapping[str, str]
    overall: Group
    challenges: Mapping[str, Group]
    subjects: Mapping[str, Group]
    protocol: Mapping[str, Any] = field(default_factory=dict)

    @property
    def pooled(self) -> DistanceStatistics | None:
        """Statistics of the pool of all distances."""
        return self.overall.pooled

    @property
    def mean_of_images(self) -> MeanOfImages | None:
        """Unweighted means over all images that have a score."""
        return self.overall.mean_of_images

    @property
    def done_rate(self) -> float:
        """Share of the images that have a score, 0 to 1."""
        return self.overall.done_rate


def summarise_group(
    images: int, scores: Sequence[ImageScore], distances: Sequence[FloatArray]
) -> Group:
    """Summarise the images of a group.

    Args:
        images: their number, those without a score included.
        scores: those with one.
        distances: of each of the scores, (N,) mm.
    """
    if not scores:
        return Group(images, 0, None, None)
    columns = ([getattr(score, name) for score in scores] for name in ("median", "mean", "std"))
    means = MeanOfImages(*(mean_and_std(column)[0] for column in columns))
    return Group(images, len(scores), distance_statistics(distances), means)


def write_json(path: Path, result: NowResult) -> None:
    """Write a result for programs; :func:`read_json` reads it back."""
    write_json_file(path, as_data(result))


def as_data(result: NowResult) -> dict[str, Any]:
    """Return a result as JSON values; a pool of nothing is null."""
    return {
        "method": result.method,
        "mode": result.mode,
        "metrical_unit": result.metrical_unit,
        "protocol": dict(result.protocol),
        "images": [dataclasses.asdict(image) for image in result.images],
        "missing": [{"image": image, "reason": reason} for image, reason in result.missing.items()],
        **_group_data(result.overall),
        "challenges": {name: _group_data(group) for name, group in result.challenges.items()},
        "subjects": {name: _group_data(group) for name, group in result.subjects.items()},
    }


def read_json(path: Path) -> NowResult:
    """Read what :func:`write_json` wrote.

    Raises:
        InputError: if the file is missing, not JSON, or not such a result: a number that is none
            or not finite counts as damage.
    """
    try:
        data = json.loads(read_text(path, "result"))
        return NowResult(
            method=_text(data["method"]),
            mode=_text(data["mode"]),
            metrical_unit=data["metrical_unit"] and _text(data["metrical_unit"]),
            images=tuple(map(_image, data["images"])),
            missing={_text(entry["image"]): _text(entry["reason"]) for entry in data["missing"]},
            overall=_group(data),
            challenges={name: _group(group) for name, group in data["challenges"].items()},
            subjects={name: _group(group) for name, group in data["subjects"].items()},
            protocol=dict(data["protocol"]),
        )
    except (
        ValueError, KeyError, TypeError, AttributeError, OverflowError, RecursionError,
    ) as error:  # fmt: skip
        raise InputError(
            f"{path}: not a result of `focsbench now score` ({type(error).__name__} "
            f"{brief(error)}); score the method again."
        ) from None


def _group_data(group: Group) -> dict[str, Any]:
    return {
        "n_images": group.images,
        "n_done": group.done,
        "done_rate": group.done_rate,
        "pooled": dataclasses.asdict(group.pooled) if group.pooled else None,
        "mean_of_images": dataclasses.asdict(group.mean_of_images)
        if group.mean_of_images
        else None,
    }


def _image(data: Mapping[str, Any]) -> ImageScore:
    score = _checked(ImageScore(**{**data, "warnings": tuple(map(_text, data["warnings"]))}))
    if not is_image_line(score.image):
        raise ValueError(f"{shown(score.image)} is not subject/challenge/image.jpg")
    return score


def _group(data: Mapping[str, Any]) -> Group:
    pooled, means = data["pooled"], data["mean_of_images"]
    return _checked(
        Group(
            data["n_images"],
            data["n_done"],
            _checked(DistanceStatistics(**pooled)) if pooled else None,
            _checked(MeanOfImages(**means)) if means else None,
        )
    )


def _checked(record: Record) -> Record:
    """Return a record whose texts and numbers are such; raise ValueError otherwise."""
    for one in dataclasses.fields(record):  # type: ignore[arg-type]
        value = getattr(record, one.name)
        if one.type == "str":
            _text(value)
        elif one.type in ("int", "float"):
            whole = isinstance(value, int) and not isinstance(value, bool)
            if not whole and (one.type == "int" or not isinstance(value, float)):
                raise ValueError(f"{one.name} is no number")
            if not math.isfinite(value):
                raise ValueError(f"{one.name} is not finite")
    return record


def _text(value: Any) -> str:
    if not isinstance(value, str):
        raise ValueError(f"{shown(value)} is no text")
    return value
