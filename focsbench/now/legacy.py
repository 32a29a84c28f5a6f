"""Result files of the official NoW evaluation, read and written.

Form of ``<METHOD>_computed_distances[_<challenge>].npy``: an array without dimensions around a
dictionary with ``computed_distances`` (list of one array per image, mm), ``num_missing_files`` and
``input_files`` (lines of the image list, one per array). Beside it ``….npy.meanmedian`` holds the
median and the mean of the pool, one a line.

The official tool shuffles each array, so its values belong to no scan vertex; pools, curves and
numbers per image do not suffer. Files of versions before 2025 lack ``input_files`` (and the oldest
``num_missing_files``); in some of those years the arrays are in no order of the list either.

Source: the form of the files as soubhiksanyal/now_evaluation writes them (commit 7bd1498).
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from focsbench.data.now import is_image_line
from focsbench.data.restricted_pickle import object_npy_bytes, read_object_npy
from focsbench.errors import InputError
from focsbench.files import write_atomically
from focsbench.metrics.scan_distance import distance_statistics
from focsbench.types import FloatArray

_ENDING = "_computed_distances"


@dataclass(frozen=True)
class LegacyResult:
    """What an official result file holds.

    distances: one (N,) array per image that was scored, mm, in any order of the vertices.
    missing: images without a result, None where the file does not say. With a challenge chosen,
        the official tool counts the images of all others here too.
    images: line of the image list of each array, None where the file does not say.
    """

    distances: tuple[FloatArray, ...]
    missing: int | None
    images: tuple[str, ...] | None


def legacy_name(method: str, challenge: str = "") -> str:
    """Return the official name of a result file."""
    return f"{method}{_ENDING}{f'_{challenge}' if challenge else ''}.npy"


def method_of(path: Path) -> str:
    """Return the method that an official result file is named after."""
    return path.name.removesuffix(".npy").partition(_ENDING)[0] or path.name


def challenge_of(path: Path) -> str:
    """Return the challenge that an official result file is restricted to, or nothing."""
    return path.name.removesuffix(".npy").partition(_ENDING)[2].removeprefix("_")


def read_legacy(path: Path) -> LegacyResult:
    """Read an official result file of any year.

    Raises:
        InputError: if the file is missing, damaged, holds anything but such a result (nothing in
            it is ever executed), or a distance is negative or not finite.
    """
    content = read_object_npy(path)
    if not isinstance(content, dict) or "computed_distances" not in content:
        raise _unusable(path, "it has no 'computed_distances'")
    parts = content["computed_distances"]
    if isinstance(parts, np.ndarray) and parts.ndim:  # so numpy keeps arrays of equal length
        parts = list(parts)
    if not isinstance(parts, (list, tuple)) or not parts:
        raise _unusable(path, "no image was scored")
    distances = tuple(_distances(path, number, part) for number, part in enumerate(parts))
    return LegacyResult(distances, _missing(path, content), _images(path, content, len(parts)))


def write_legacy(path: Path, result: LegacyResult) -> list[Path]:
    """Write an official result file and its ``.meanmedian``; return both paths.

    The official scripts and plain ``np.load(path, allow_pickle=True)`` read it, with every numpy
    version. The arrays keep the order of their values: the official tool would shuffle them.

    Args:
        path: see :func:`legacy_name`.
        result: at least one image; ``missing`` and ``images`` have to be there, as in newer files.

    Raises:
        ValueError: if they are not, or a distance is negative or not finite.
    """
    if result.missing is None or result.images is None:
        raise ValueError("an official result names its images and counts those that are missing")
    if len(result.images) != len(result.distances):
        raise ValueError("every image has one array of distances")
    pool = distance_statistics(result.distances)
    content = {
        # Views: the same object twice would be written as a reference, with other bytes.
        "computed_distances": [np.asarray(part, np.float64).view() for part in result.distances],
        "num_missing_files": int(result.missing),
        "input_files": np.array(result.images),
    }
    beside = path.with_name(f"{path.name}.meanmedian")
    write_atomically(path, object_npy_bytes(content))
    write_atomically(beside, f"{pool.median}\n{pool.mean}\n".encode())
    return [path, beside]


def _distances(path: Path, number: int, part: Any) -> FloatArray:
    if not isinstance(part, np.ndarray) or part.dtype.kind != "f" or part.size == 0:
        raise _unusable(path, f"image {number} (counting from 0) has no distances")
    distances = part.reshape(-1)
    if not np.isfinite(distances).all() or distances.min() < 0:
        raise _unusable(path, f"image {number} (counting from 0) has a value that is no distance")
    return distances


def _missing(path: Path, content: dict[str, Any]) -> int | None:
    missing = content.get("num_missing_files")
    if missing is None:
        return None
    if not isinstance(missing, (int, np.integer)) or missing < 0:
        raise _unusable(path, "'num_missing_files' is no number of images")
    return int(missing)


def _images(path: Path, content: dict[str, Any], count: int) -> tuple[str, ...] | None:
    files = content.get("input_files")
    if files is None:
        return None
    if not isinstance(files, (np.ndarray, list, tuple)):
        raise _unusable(path, "'input_files' is no list")
    images = tuple(files.reshape(-1).tolist() if isinstance(files, np.ndarray) else files)
    if (
        not all(isinstance(image, str) and is_image_line(image) for image in images)
        or len(images) != count
        or len(set(images)) != count
    ):
        raise _unusable(
            path, "'input_files' does not name each image once as subject/challenge/image.jpg"
        )
    return images


def _unusable(path: Path, reason: str) -> InputError:
    return InputError(
        f"{path}: not a result of the official evaluation ({reason}); write it again."
    )
