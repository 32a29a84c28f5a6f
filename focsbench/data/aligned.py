"""Aligned samples packed into arrays: what training reads, thousands of times.

A folder with ``images.npy`` (N, S, S, 3) uint8, ``landmarks.npy`` (N, 68, 2) float32,
``masks.npy`` (N, S, S) bool and ``subjects.npy`` (N,) int32 (identity numbers).
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import InputError
from focsbench.items import Answer, answered, each, local_processes
from focsbench.storage import patiently
from focsbench.types import BoolArray, FaceDataset, FloatArray, IntArray

Packed = tuple[str, NDArray[np.uint8], FloatArray, BoolArray]  # subject, image, landmarks, mask

PARTS = ".parts"  # what is aligned, until all of it is


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


def pack(dataset: FaceDataset, out: Path, workers: int) -> dict[str, str]:
    """Align all images of a dataset and write the arrays, in the order of its keys.

    Masks are all false where nobody labelled them. Each process has a hundred images or two in
    memory, however many there are.

    Args:
        dataset: with images aligned to the size that the arrays will have; it is sent to the
            worker processes with every hundred images.
        out: existing folder to write the four arrays into.
        workers: number of processes.

    Returns:
        {key: reason} of images that cannot be used and are left out.

    Raises:
        InputError: if no image can be used.
    """
    chunks = np.array_split(np.arange(len(dataset)), max(len(dataset) // 100, 1))
    spread = local_processes(workers) if workers > 1 else None
    names = [str(chunk[0]) if len(chunk) else "" for chunk in chunks]
    parts = out / PARTS
    parts.mkdir(exist_ok=True)
    work = partial(_read, dataset, chunks, parts)
    answers = answered(each(f"align {dataset.name}", names, work, spread))
    subjects = [name for answer in answers for name in answer.values["subjects"]]
    failures = {k: why for answer in answers for k, why in answer.values["failures"].items()}
    if not subjects:
        reason = next(iter(failures.values()), "it is empty")
        raise InputError(f"dataset {dataset.name}: no image can be used ({reason})")
    files = [file for answer in answers for file in answer.files]
    for name in ("images", "landmarks", "masks"):
        _join(out / f"{name}.npy", files, len(subjects))
    numbers = {name: number for number, name in enumerate(sorted(set(subjects)))}
    np.save(out / "subjects.npy", np.array([numbers[name] for name in subjects], dtype=np.int32))
    shutil.rmtree(parts)
    return failures


def _join(path: Path, parts: Sequence[Path], count: int) -> None:
    """Write the arrays of one name in all parts behind each other, as ``np.save`` would.

    Not by a memory map: on a full disk that ends the process instead of raising an error.
    """
    with path.open("wb") as file:
        for number, part in enumerate(parts):
            with np.load(part, allow_pickle=False) as arrays:
                array = arrays[path.stem]
            if number == 0:
                header = np.lib.format.header_data_from_array_1_0(array)
                header["shape"] = (count, *array.shape[1:])
                np.lib.format.write_array_header_1_0(file, header)
            file.write(array.tobytes())


def _read(dataset: FaceDataset, chunks: Sequence[IntArray], parts: Path, number: int) -> Answer:
    """Align the images of one chunk and write them into a file."""
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
    values = {"subjects": [sample[0] for sample in samples], "failures": failures}
    if not samples:
        return Answer(values)
    _, images, landmarks, masks = zip(*samples, strict=True)
    file = parts / f"{number}.npz"
    np.savez(file, images=np.stack(images), landmarks=np.stack(landmarks), masks=np.stack(masks))
    return Answer(values, files=[file])
