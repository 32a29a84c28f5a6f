"""The datasets of a run: where they lie below the ``data`` step, and what their content is."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
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


def fingerprint(paths: Mapping[str, Path]) -> str:
    """Return a hash of the lists of a dataset, which stands for its content.

    Images are not read: a real dataset has hundreds of thousands of files that nobody edits.

    Args:
        paths: by field, the folder of the dataset and what belongs to it but lies elsewhere; of a
            folder the lists directly in it count.

    Raises:
        InputError: if one of them does not exist.
    """
    digest = hashlib.sha256()
    for field, path in sorted(paths.items()):
        if not path.exists():
            what = "dataset folder" if field == "folder" else field
            raise InputError(f"{path}: this {what} does not exist; check the path.")
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            if file.suffix in LIST_SUFFIXES and file.is_file():
                content = hashlib.sha256(file.read_bytes()).hexdigest()
                digest.update(f"{field} {file.name} {content}\n".encode())
    return digest.hexdigest()
