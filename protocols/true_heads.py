"""Where the cropped scans lie on the true heads, for datasets that know them."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from focsbench.errors import InputError
from focsbench.geometry.true_error import TrueCorrespondence, true_correspondence
from focsbench.progress import track

from .now_scans import ScanDataset, read_crop

_SUFFIX = "_true.npz"


def write_true(dataset: ScanDataset, folder: Path) -> None:
    """Write ``folder/<subject>_true.npz`` for every subject whose true head is known.

    Args:
        dataset: if it has a method ``true_head(subject)``, that gives the head and its (7, 3)
            landmarks in mm, or None.
        folder: with the crops of all subjects.

    Raises:
        InputError: naming the subject whose head does not belong to its scan.
    """
    true_head = getattr(dataset, "true_head", None)
    if true_head is None:
        return
    for subject in track(sorted({item.subject for item in dataset.items}), "true heads"):
        head = true_head(subject)
        if head is None:
            continue
        crop = read_crop(folder, subject)
        try:
            true = true_correspondence(crop.points, crop.landmarks, *head)
        except ValueError as error:
            raise InputError(f"true head of {subject}: {error}; make the data again.") from None
        np.savez(
            folder / f"{subject}{_SUFFIX}",
            points=true.points,
            held_by=true.held_by,
            weights=true.weights,
            triangles=true.triangles,
        )


def read_true(folder: Path, subject: str) -> TrueCorrespondence | None:
    """Read what :func:`write_true` wrote about a subject; None if its head is not known."""
    path = folder / f"{subject}{_SUFFIX}"
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as arrays:
            return TrueCorrespondence(**{name: arrays[name] for name in arrays.files})
    except (OSError, ValueError, KeyError, TypeError, EOFError) as error:
        raise InputError(f"{path}: {error}; prepare the protocol again.") from None
