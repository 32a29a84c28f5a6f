"""Landmark lists against the images they are for."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from pathlib import Path

from focsbench.data.alignment import align
from focsbench.data.check.files import ImageFacts
from focsbench.data.check.report import CheckReport, some
from focsbench.data.landmarks_csv import read_landmarks
from focsbench.errors import InputError
from focsbench.types import FloatArray

FORM = "one line per image: file name and 136 numbers x0,y0,...,x67,y67 in pixels"
_OUTSIDE = 0.5  # share of landmarks outside of the photograph that no portrait has


def detection(photos: Path, path: Path) -> str:
    """Return the step that makes a landmark list of a folder of photographs."""
    return f"`focsbench data landmarks {photos} --output {path}`, or write it yourself ({FORM})"


def landmarks_or_note(
    report: CheckReport, path: Path, whose: str, photos: Path
) -> dict[str, FloatArray]:
    """Read a landmark list; what is wrong with it goes into the report.

    Args:
        report: to write into.
        path: of the list.
        whose: words for the photographs that it is of.
        photos: their folder; names in the list are relative to it.
    """
    if not path.is_file():
        report.error(
            "no_landmarks",
            f"{path.name}: there is no landmark list of {whose}",
            detection(photos, path),
        )
        return {}
    try:
        return read_landmarks(path)
    except (InputError, UnicodeDecodeError) as problem:
        report.error("damaged_landmarks", str(problem).rstrip("."), f"write {path} again")
        return {}


def note_unlisted(
    report: CheckReport, path: Path, expected: Collection[str], listed: Collection[str]
) -> None:
    """Say which images have no line in a list that is there and has lines."""
    missing = sorted(set(expected) - set(listed))
    if missing:
        report.error(
            "images_without_landmarks",
            f"{len(missing)} of {len(expected)} images have no line in {path.name}: "
            f"{some(missing)}",
            f"add the missing lines to {path}, or remove it and detect all again; images without "
            "a face stay out",
        )


def note_misplaced(
    report: CheckReport,
    path: Path,
    landmarks: Mapping[str, FloatArray],
    sizes: Mapping[str, ImageFacts],
) -> None:
    """Say which landmarks cannot be those of their photograph: outside of it, or no face."""
    wrong = [
        name
        for name, points in landmarks.items()
        if name in sizes and not _plausible(points, sizes[name])
    ]
    if wrong:
        report.error(
            "misplaced_landmarks",
            f"{len(wrong)} of {len(landmarks)} faces in {path.name} lie outside of their "
            f"photograph or have no extent: {some(wrong)}; perhaps they were detected at another "
            "size",
            f"write {path} again, in pixels of the photographs as they are",
        )


def _plausible(points: FloatArray, size: ImageFacts) -> bool:
    outside = (points < -0.5) | (points > [size.width - 0.5, size.height - 0.5])
    if outside.any(axis=1).mean() > _OUTSIDE:
        return False
    try:
        align(points, size.width, size.height, 224)
    except InputError:
        return False
    return True
