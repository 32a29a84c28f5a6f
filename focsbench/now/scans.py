"""The scans of NoW: found in the dataset, cropped once per user and kept in the cache."""

from __future__ import annotations

import hashlib
from functools import lru_cache
from pathlib import Path

from focsbench.errors import CacheError, InputError
from focsbench.face_models.array_cache import read_arrays, write_arrays
from focsbench.geometry.io import read_landmarks7, read_mesh
from focsbench.geometry.scan_crop import (
    CroppedScan,
    cropped,
    eye_distance,
)
from focsbench.paths import cache_dir
from focsbench.types import FloatArray
from focsbench.user_files import read_bytes

# Part of the cache key: raise it whenever the crop or a reader gives other numbers.
VERSION = 1
EYES_MM = (30.0, 300.0)  # far around any face, near enough to tell mm from cm and m
# A crop of NoW size takes 1.6 MB, so the scans of one validation set stay below 60 MB.
_KEPT_IN_MEMORY = 32


def find_scan(dataset_root: Path, subject: str) -> tuple[Path, Path]:
    """Return the scan (.obj) and the landmark file (.pp) of a subject in the official layout.

    Where a folder holds several, the first by name is taken; hidden files are passed over.

    Raises:
        InputError: if one of them is missing.
    """
    return (
        _first(dataset_root / "scans" / subject, ".obj"),
        _first(dataset_root / "scans_lmks_onlypp" / subject, ".pp"),
    )


def cropped_scan(scan: Path, landmarks: Path) -> CroppedScan:
    """Return the evaluated part of a scan.

    It is read and cropped once per user: later calls, of any process, find it in the cache by the
    contents of both files. A damaged entry is built again, and where the cache cannot be written
    the scan is simply cropped again.

    Args:
        scan: mesh of the scan, mm.
        landmarks: file of its seven landmarks, mm.

    Returns:
        The crop; its arrays are shared between callers and read-only.

    Raises:
        InputError: if a file is missing or damaged, or the landmarks lie far from the scan.
    """
    return _cropped(scan, _stamp(scan), landmarks, _stamp(landmarks))


@lru_cache(maxsize=_KEPT_IN_MEMORY)
def _cropped(
    scan: Path, _scan_stamp: tuple[int, int], landmarks: Path, _landmark_stamp: tuple[int, int]
) -> CroppedScan:
    """The stamps only make a changed file a new question."""
    entry = cache_dir() / "scans" / f"{_content_key(scan, landmarks)}.safetensors"
    crop = _read(entry)
    if crop is None:
        crop = _crop(scan, landmarks)
        _write(entry, crop)
    for array in (crop.points, crop.vertices, crop.landmarks):
        array.flags.writeable = False
    return crop


def _stamp(path: Path) -> tuple[int, int]:
    try:
        status = path.stat()
    except OSError:  # the reader says what is wrong with it
        return (-1, 0)
    return (status.st_size, status.st_mtime_ns)


def _content_key(scan: Path, landmarks: Path) -> str:
    digest = hashlib.sha256(f"scan crop {VERSION}".encode())
    for path, what in ((scan, "scan"), (landmarks, "landmark file")):
        # The suffix chooses the reader, so it belongs to the content.
        digest.update(path.suffix.lower().encode())
        digest.update(hashlib.sha256(read_bytes(path, what)).digest())
    return digest.hexdigest()


def _crop(scan: Path, landmarks: Path) -> CroppedScan:
    points7 = read_landmarks7(landmarks)
    _check_millimetres(landmarks, points7)
    vertices = read_mesh(scan).vertices
    try:
        return cropped(vertices, points7)
    except ValueError as error:
        raise InputError(f"{scan} with {landmarks.name}: {error}.") from None


def _check_millimetres(path: Path, landmarks: FloatArray) -> None:
    """Refuse scans in another unit: every distance would be wrong by that factor, unnoticed."""
    eyes = eye_distance(landmarks)
    if not EYES_MM[0] <= eyes <= EYES_MM[1]:
        raise InputError(
            f"{path}: the outer eye corners are {eyes:.4g} apart, which is no face in millimetres; "
            "get scan and landmarks of NoW again."
        )


def _read(entry: Path) -> CroppedScan | None:
    try:
        arrays, _ = read_arrays(entry)
        return CroppedScan(arrays["points"], arrays["vertices"], arrays["landmarks"])
    except (CacheError, OSError, KeyError):
        return None


def _write(entry: Path, crop: CroppedScan) -> None:
    """Keep a crop. The file appears whole or not at all, whoever else writes it."""
    arrays = {"points": crop.points, "vertices": crop.vertices, "landmarks": crop.landmarks}
    try:
        write_arrays(entry, arrays, {})
    except (CacheError, OSError):
        return  # a cache that cannot be written costs time, not the result


def _first(folder: Path, suffix: str) -> Path:
    # Unpacked archives from a Mac hold hidden twins such as "._scan.obj".
    found = [path for path in folder.glob(f"*{suffix}") if not path.name.startswith(".")]
    if not found:
        raise InputError(f"{folder}: no *{suffix} file; unpack the scans of NoW again.")
    return min(found)
