"""The datasets of a run: where they lie below the step that gives them."""

from __future__ import annotations

from pathlib import Path

from focsbench.errors import InputError

# Folder below the data step by dataset and split; CelebAMask-HQ holds all its splits itself.
FOLDERS = {
    ("celeba", "test"): "CelebAMask-HQ",
    ("celeba", "val"): "CelebAMask-HQ",
    ("ar", "test"): "AR",
    ("ar", "val"): "val_AR",
    ("now", "test"): "NoW",
    ("now", "val"): "val_NoW",
}


def dataset_root(data: Path, name: str, split: str) -> Path:
    """Return the root folder of a dataset (``celeba``, ``ar``, ``now``) and split.

    Raises:
        InputError: if the run has no such dataset.
    """
    folder = FOLDERS.get((name, split))
    if folder is None or not (data / folder).is_dir():
        raise InputError(f"{data}: this run has no {split} split of the dataset {name}.")
    return data / folder
