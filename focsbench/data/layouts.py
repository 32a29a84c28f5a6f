"""From a folder to a dataset: which layout it has, and its reader."""

from __future__ import annotations

from pathlib import Path

from focsbench.data.ar import ARFaces
from focsbench.data.celebahq import IMAGES, CelebAMaskHQ
from focsbench.data.photo_folder import DATASET, authors_folder, plain_folder
from focsbench.errors import InputError
from focsbench.types import FaceDataset

NAMES = ("celeba", "ar", "now", "authors", "photos")


# What a folder of each kind has at least; either of several does.
MARKERS = {"celeba": (IMAGES, DATASET), "ar": (), "now": ("imagepathsvalidation.txt",)}


def missing_marker(root: Path, name: str) -> str:
    """Return what a folder should have and has not, empty if it looks like the dataset."""
    markers = MARKERS.get(name, ())
    there = not markers or any((root / marker).exists() for marker in markers)
    return "" if there else " or ".join(markers)


def in_authors_form(root: Path) -> bool:
    """Whether a folder in the place of ``celeba`` or ``ar`` has the form of the authors' code."""
    return (root / DATASET).is_dir() and not (root / IMAGES).is_dir()


def open_dataset(root: Path, name: str, split: str, size: int) -> FaceDataset:
    """Open a dataset with images aligned to ``size`` pixels.

    In the place of ``celeba`` and ``ar`` stands a folder in the authors' form as well: their code
    trains on it, and their masks are the same ones under other names.

    Args:
        root: folder of the dataset itself.
        name: ``celeba``, ``ar``, ``now``, ``authors`` or ``photos``.
        split: ``train``, ``val`` or ``test``; only CelebAMask-HQ and the authors' form hold several
            in one folder.
        size: side of the aligned images, pixels.

    Raises:
        InputError: if the name is unknown, or a list of the dataset is missing.
    """
    if name == "authors" or (name in ("celeba", "ar") and in_authors_form(root)):
        return authors_folder(root, split, size, name)
    if name == "celeba":
        return CelebAMaskHQ(root, split, size)
    if name == "ar":
        return ARFaces(root, size)
    if name == "now":
        from focsbench.data.now import NoWImages  # mesh readers, which come with numba

        return NoWImages(root, size)
    if name == "photos":
        return plain_folder(root, size)
    raise InputError(f"{root}: no reader for a dataset called {name!r}; use {', '.join(NAMES)}.")
