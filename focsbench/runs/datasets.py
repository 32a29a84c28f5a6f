"""The datasets of a run: where they lie below the ``data`` step, and how to open them."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

from focsbench.errors import InputError

if TYPE_CHECKING:
    from focsbench.types import FaceDataset

# Folder below the data step by dataset and split; CelebAMask-HQ holds all its splits itself.
FOLDERS = {
    ("celeba", "test"): "CelebAMask-HQ",
    ("celeba", "val"): "CelebAMask-HQ",
    ("ar", "test"): "AR",
    ("ar", "val"): "val_AR",
    ("now", "test"): "NoW",
    ("now", "val"): "val_NoW",
}
LIST_SUFFIXES = frozenset({".txt", ".csv", ".json"})


def dataset_root(data: Path, name: str, split: str) -> Path:
    """Return the root folder of a dataset (``celeba``, ``ar``, ``now``) and split.

    Raises:
        InputError: if the run has no such dataset.
    """
    folder = FOLDERS.get((name, split))
    if folder is None or not (data / folder).is_dir():
        raise InputError(f"{data}: this run has no {split} split of the dataset {name}.")
    return data / folder


def open_dataset(root: Path, name: str, split: str, size: int) -> FaceDataset:
    """Open a dataset with images aligned to ``size`` pixels.

    Args:
        root: folder of the dataset itself.
        name: ``celeba``, ``ar`` or ``now``; what is below ``root`` has its layout.
        split: ``train``, ``val`` or ``test``; only CelebAMask-HQ holds several in one folder.
        size: side of the aligned images, pixels.

    Raises:
        InputError: if the name is unknown, or a list of the dataset is missing.
    """
    from focsbench.data.ar import ARFaces
    from focsbench.data.celebahq import CelebAMaskHQ
    from focsbench.data.now import NoWImages

    if name == "celeba":
        return CelebAMaskHQ(root, split, size)
    if name == "ar":
        return ARFaces(root, size)
    if name == "now":
        return NoWImages(root, size)
    raise InputError(f"{root}: no reader for a dataset called {name!r}; use celeba, ar or now.")


def fingerprint(root: Path) -> str:
    """Return a hash of the lists of a dataset folder, which stands for its content.

    Images are not read: a real dataset has hundreds of thousands of files that nobody edits.

    Raises:
        InputError: if the folder does not exist.
    """
    if not root.is_dir():
        raise InputError(f"{root}: this dataset folder does not exist; check the path.")
    digest = hashlib.sha256()
    for path in sorted(root.iterdir()):
        if path.suffix in LIST_SUFFIXES and path.is_file():
            digest.update(f"{path.name} {hashlib.sha256(path.read_bytes()).hexdigest()}\n".encode())
    return digest.hexdigest()
