"""The scans of NoW, cropped once per subject for all methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from focsbench.errors import InputError
from focsbench.geometry.scan_crop import CroppedScan, crop_scan
from focsbench.progress import track
from focsbench.types import FloatArray, Mesh


class ScanItem(Protocol):
    """One image of the list: its key, subject and challenge (the subset it belongs to)."""

    @property
    def key(self) -> str: ...

    @property
    def subject(self) -> str: ...

    @property
    def challenge(self) -> str: ...


class ScanDataset(Protocol):
    """Images of subjects with a neutral scan each."""

    @property
    def items(self) -> Sequence[ScanItem]: ...

    def scan(self, subject: str) -> Mesh:
        """Return the scan of a subject, mm."""
        ...

    def scan_landmarks(self, subject: str) -> FloatArray:
        """Return the (7, 3) landmarks of that scan, mm."""
        ...

    def photo_landmarks(self) -> Mapping[str, FloatArray]:
        """Return {key: (68, 2) pixels of the photograph}, where they are known."""
        ...


def write_crops(dataset: ScanDataset, folder: Path) -> None:
    """Crop the scan of every subject into ``folder/<subject>.npz``.

    Raises:
        InputError: naming the subject whose scan cannot be used.
    """
    for subject in track(sorted({item.subject for item in dataset.items}), "crop scans"):
        landmarks = dataset.scan_landmarks(subject)
        scan = dataset.scan(subject)
        try:
            vertices = crop_scan(scan.vertices, landmarks)
        except ValueError as error:
            raise InputError(f"scan of {subject}: {error}.") from None
        np.savez(
            folder / f"{subject}.npz",
            points=scan.vertices[vertices].astype(np.float64),
            vertices=vertices,
            landmarks=landmarks,
        )


def read_crop(folder: Path, subject: str) -> CroppedScan:
    """Read what :func:`write_crops` wrote about a subject."""
    path = folder / f"{subject}.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return CroppedScan(arrays["points"], arrays["vertices"], arrays["landmarks"])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"{path}: {error}; prepare the protocol again.") from None
