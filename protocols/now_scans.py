"""The scans of NoW, cropped once per subject for all methods."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from focsbench.errors import InputError
from focsbench.geometry.scan_crop import CroppedScan, cropped
from focsbench.metrics.scan_distance import distance_statistics
from focsbench.now.pairing import ScanItem
from focsbench.progress import track
from focsbench.types import FloatArray, Mesh

METRICS = ("median", "mean", "std", "n")


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
            crop = cropped(scan.vertices, landmarks)
        except ValueError as error:
            raise InputError(f"scan of {subject}: {error}.") from None
        np.savez(folder / f"{subject}.npz", **vars(crop))


def read_crop(folder: Path, subject: str) -> CroppedScan:
    """Read what :func:`write_crops` wrote about a subject."""
    path = folder / f"{subject}.npz"
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return CroppedScan(arrays["points"], arrays["vertices"], arrays["landmarks"])
    except (OSError, ValueError, KeyError, EOFError) as error:
        raise InputError(f"{path}: {error}; prepare the protocol again.") from None


def read_crops(folder: Path, items: Sequence[ScanItem]) -> dict[str, CroppedScan]:
    """Read the scan of every subject of the images, once."""
    return {subject: read_crop(folder, subject) for subject in sorted({i.subject for i in items})}


def subsets(
    items: Sequence[ScanItem], pairs: Sequence[tuple[str, str]] = ()
) -> dict[str, list[str]]:
    """Return the keys of every subset: all, each challenge, and the two of paper Table 3.

    Args:
        items: the images; only their keys are returned.
        pairs: (unoccluded key, occluded key) of comparable pose; without them there is no such
            subset.
    """
    members: dict[str, list[str]] = {"all": [item.key for item in items]}
    for item in items:
        members.setdefault(item.challenge, []).append(item.key)
    known = set(members["all"])
    for place, name in enumerate(("unoccluded", "occluded")):
        keys = [pair[place] for pair in pairs if pair[place] in known]
        if keys:
            members[name] = keys
    return members


def scan_values(pool: Sequence[FloatArray]) -> list[float]:
    """Return the values of ``METRICS`` for a pool of distances."""
    statistics = distance_statistics(pool)
    return [statistics.median, statistics.mean, statistics.std, float(statistics.n)]


def save_distances(path: Path, distances: FloatArray) -> None:
    """Write distances as float32, in a folder that need not exist yet."""
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, distances.astype(np.float32), allow_pickle=False)
