"""Aligned samples packed into arrays: what training reads, thousands of times.

A folder with ``images.npy`` (N, S, S, 3) uint8, ``landmarks.npy`` (N, 68, 2) float32,
``masks.npy`` (N, S, S) bool and ``subjects.npy`` (N,) int32 (identity numbers).
"""

from __future__ import annotations

from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focsbench.data.celebahq import CelebAMaskHQ
from focsbench.errors import InputError
from focsbench.progress import track
from focsbench.types import BoolArray, FloatArray

Packed = tuple[NDArray[np.uint8], FloatArray, BoolArray]


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
                arrays[name] = np.load(path, allow_pickle=False)
            except (OSError, ValueError) as error:
                raise InputError(f"{path}: {error}; delete the folder and run again.") from None
        return cls(**arrays)


def pack(root: Path, split: str, size: int, workers: int) -> AlignedArrays:
    """Align one split of a CelebAMask-HQ folder into arrays, in the order of its keys."""
    dataset = CelebAMaskHQ(root, split, size)
    chunks = np.array_split(np.arange(len(dataset)), max(len(dataset) // 100, 1))
    jobs = [(root, split, size, chunk.tolist()) for chunk in chunks]
    if workers <= 1:
        parts = [_pack_chunk(*job) for job in track(jobs, f"align {split}")]
    else:
        with ProcessPoolExecutor(workers, mp_context=get_context("spawn")) as pool:
            results = pool.map(_pack_chunk, *zip(*jobs, strict=True))
            parts = list(track(results, f"align {split}", total=len(jobs)))
    names = [dataset.subject(index) for index in range(len(dataset))]
    numbers = {name: number for number, name in enumerate(sorted(set(names)))}
    return AlignedArrays(
        images=np.concatenate([part[0] for part in parts]),
        landmarks=np.concatenate([part[1] for part in parts]),
        masks=np.concatenate([part[2] for part in parts]),
        subjects=np.array([numbers[name] for name in names], dtype=np.int32),
    )


def _pack_chunk(root: Path, split: str, size: int, indices: list[int]) -> Packed:
    dataset = CelebAMaskHQ(root, split, size)
    samples = [dataset[index] for index in indices]
    images = np.stack([np.rint(sample.image * 255).astype(np.uint8) for sample in samples])
    landmarks = np.stack([sample.landmarks for sample in samples]).astype(np.float32)
    masks = np.stack([np.asarray(sample.visible_mask, dtype=bool) for sample in samples])
    return images, landmarks, masks
