"""Aligned samples packed into arrays: what training reads, thousands of times.

A folder with ``images.npy`` (N, S, S, 3) uint8, ``landmarks.npy`` (N, 68, 2) float32,
``masks.npy`` (N, S, S) bool and ``subjects.npy`` (N,) int32 (identity numbers).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import InputError
from focsbench.items import Answer, answered, each, local_processes
from focsbench.storage import patiently
from focsbench.types import BoolArray, FaceDataset, FloatArray, IntArray

Packed = tuple[str, NDArray[np.uint8], FloatArray, BoolArray]  # subject, image, landmarks, mask


@dataclass(frozen=True)
class AlignedArrays:
    """Aligned photographs in memory; shapes as in the module docstring."""

    images: NDArray[np.uint8]
    landmarks: FloatArray
    masks: BoolArray
    subjects: NDArray[np.int32]

    def __len__(self) -> int:
        return len(self.images)

    def save(self, folder: Path) -> None:
        """Write the four arrays into an existing folder."""
        for name in ("images", "landmarks", "masks", "subjects"):
            np.save(folder / f"{name}.npy", getattr(self, name), allow_pickle=False)

    @classmethod
    def load(cls, folder: Path) -> AlignedArrays:
        """Read the four arrays.

        Raises:
            InputError: naming the file that is missing or damaged.
        """
        arrays = {}
        for name in ("images", "landmarks", "masks", "subjects"):
            path = folder / f"{name}.npy"
            try:
                # Mapped: the photographs of a real dataset need not fit into memory, and the
                # processes that train on them share what does.
                arrays[name] = np.load(path, mmap_mode="r", allow_pickle=False)
            except (OSError, ValueError) as error:
                raise InputError(f"{path}: {error}; delete the folder and run again.") from None
        return cls(**arrays)


def pack(dataset: FaceDataset, workers: int) -> tuple[AlignedArrays, dict[str, str]]:
    """Align all images of a dataset into arrays, in the order of its keys.

    Masks are all false where nobody labelled them.

    Args:
        dataset: with images aligned to the size that the arrays will have; it is sent to the
            worker processes with every hundred images.
        workers: number of processes.

    Returns:
        The arrays, and {key: reason} of images that cannot be used and are left out.

    Raises:
        InputError: if no image can be used.
    """
    chunks = np.array_split(np.arange(len(dataset)), max(len(dataset) // 100, 1))
    spread = local_processes(workers) if workers > 1 else None
    names = [str(chunk[0]) if len(chunk) else "" for chunk in chunks]
    answers = each(f"align {dataset.name}", names, partial(_read, dataset, chunks), spread)
    parts = [_unpacked(answer) for answer in answered(answers)]
    samples = [sample for part, _ in parts for sample in part]
    failures = {key: reason for _, failed in parts for key, reason in failed.items()}
    if not samples:
        reason = next(iter(failures.values()), "it is empty")
        raise InputError(f"dataset {dataset.name}: no image can be used ({reason})")
    names = [sample[0] for sample in samples]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    arrays = AlignedArrays(
        images=np.stack([sample[1] for sample in samples]),
        landmarks=np.stack([sample[2] for sample in samples]),
        masks=np.stack([sample[3] for sample in samples]),
        subjects=np.array([numbers[name] for name in names], dtype=np.int32),
    )
    return arrays, failures


def _unpacked(answer: Answer) -> tuple[list[Packed], dict[str, str]]:
    if not answer.values["subjects"]:
        return [], dict(answer.values["failures"])
    arrays: list[Any] = [answer.arrays[name] for name in ("images", "landmarks", "masks")]
    samples = list(zip(answer.values["subjects"], *arrays, strict=True))
    return samples, dict(answer.values["failures"])


def _read(dataset: FaceDataset, chunks: Sequence[IntArray], number: int) -> Answer:
    """Align the images of one chunk."""
    samples: list[Packed] = []
    failures: dict[str, str] = {}
    keys = dataset.keys()
    for index in chunks[number].tolist():
        try:
            sample = patiently(dataset.__getitem__, index)
        except InputError as error:
            failures[keys[index]] = str(error)
            continue
        image = np.rint(sample.image * 255).astype(np.uint8)
        mask = sample.visible_mask
        mask = np.zeros(image.shape[:2], dtype=bool) if mask is None else np.asarray(mask, bool)
        samples.append((sample.subject, image, sample.landmarks.astype(np.float32), mask))
    arrays = {}
    for place, name in enumerate(("images", "landmarks", "masks"), 1):
        if samples:
            arrays[name] = np.stack([sample[place] for sample in samples])
    return Answer({"subjects": [sample[0] for sample in samples], "failures": failures}, arrays)
