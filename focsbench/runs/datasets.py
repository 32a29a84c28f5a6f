"""The datasets of a run: where they lie below the step that gives them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from focsbench.data.layouts import open_dataset
from focsbench.errors import InputError
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


def dataset_root(data: Path, name: str, split: str) -> Path:
    """Return the root folder of a dataset (``celeba``, ``ar``, ``now``) and split.

    Raises:
        InputError: if the run has no such dataset.
    """
    folder = FOLDERS.get((name, split))
    if folder is None or not (data / folder).is_dir():
        raise InputError(f"{data}: this run has no {split} split of the dataset {name}.")
    return data / folder


def open_images(inputs: dict[str, Path], config: dict[str, Any]) -> FaceDataset:
    """Open the dataset that the config of a step names: dataset, split, image_size.

    Raises:
        InputError: if the run has no such dataset, or it cannot be read.
    """
    root = dataset_root(inputs["data"], config["dataset"], config["split"])
    return open_dataset(root, config["dataset"], config["split"], config["image_size"])
