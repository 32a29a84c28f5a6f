"""The lists beside the images of CelebAMask-HQ: mapping, split, identities, subsets, landmarks."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from focsbench.data.celebahq_rules import SPLITS, split_of
from focsbench.data.landmarks_csv import list_of_split, read_landmarks
from focsbench.errors import InputError, shown
from focsbench.types import FloatArray
from focsbench.user_files import text_lines

MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"
PARTITION = "list_eval_partition.txt"
CELEBA_IDENTITIES = "identity_CelebA.txt"
IDENTITIES = "identities.csv"
OCCLUSION = "occlusion.csv"


@dataclass(frozen=True)
class MappedImage:
    """One line of the mapping: number in CelebA-HQ, index and file name in CelebA."""

    index: int
    original_index: int
    original_file: str


def image_number(file: str) -> int | None:
    """Return the number that a file is called after, or None if it is called otherwise."""
    stem = Path(file).stem
    return int(stem) if len(stem) < 10 and stem.isascii() and stem.isdigit() else None


def read_mapping(path: Path) -> list[MappedImage]:
    """Read the official mapping, in its order.

    Raises:
        InputError: if it is missing, or naming the first line that has another form.
    """
    images: list[MappedImage] = []
    for number, line in enumerate(text_lines(path, "official mapping"), start=1):
        words = line.split()
        if not words or words[0] == "idx":
            continue
        try:
            images.append(MappedImage(int(words[0]), int(words[1]), words[2]))
        except (ValueError, IndexError):
            raise InputError(
                f"{path}, line {number}: expected idx orig_idx orig_file; copy the file again."
            ) from None
    return images


def split_members(root: Path, split: str) -> list[MappedImage]:
    """Return the images of a split by the official partition of CelebA.

    ``list_eval_partition.txt`` decides where it is there, the index in CelebA otherwise; for the
    published files both say the same.

    Raises:
        InputError: if a list is missing or damaged.
    """
    images = read_mapping(root / MAPPING)
    partition = root / PARTITION
    if not partition.exists():
        return [image for image in images if split_of(image.original_index) == split]
    names = dict(_pairs(partition))
    wanted = str(SPLITS.index(split))
    for image in images:
        if image.original_file not in names:
            raise InputError(
                f"{partition}: has no line for {shown(image.original_file)}; get it again."
            )
    return [image for image in images if names[image.original_file] == wanted]


def read_subsets(path: Path) -> dict[int, str]:
    """Return subset by image number from an ``occlusion.csv``; nothing if it is not there.

    Raises:
        InputError: if it is damaged.
    """
    return _read_table(path, "subset") if path.exists() else {}


def read_celeba_landmarks(root: Path, split: str) -> dict[int, FloatArray]:
    """Return (68, 2) pixels by image number: the list of the split, else that of all images.

    Raises:
        InputError: if neither is there, or a line of it cannot be used.
    """
    path = list_of_split(root, split)
    landmarks: dict[int, FloatArray] = {}
    for file, points in read_landmarks(path).items():
        number = image_number(file)
        if number is None:
            raise InputError(
                f"{path}: {shown(file)} is no image of CelebA-HQ; names are like 0.jpg."
            )
        landmarks[number] = points
    return landmarks


def read_subjects(root: Path, images: Mapping[int, MappedImage]) -> dict[int, str]:
    """Return identity by image number, as far as a list says it."""
    if (root / IDENTITIES).exists():
        return _read_table(root / IDENTITIES, "subject")
    if not (root / CELEBA_IDENTITIES).exists():
        return {}
    identities = dict(_pairs(root / CELEBA_IDENTITIES))
    return {
        index: identities[image.original_file]
        for index, image in images.items()
        if image.original_file in identities
    }


def _read_table(path: Path, value: str) -> dict[int, str]:
    """Read a CSV with the columns idx and ``value``, perhaps among others."""
    try:
        rows = csv.DictReader(text_lines(path, "list"))
        table = {int(row["idx"]): row[value] for row in rows}
        if None in table.values():
            raise ValueError("a line ends early")
        return table
    except (ValueError, KeyError, TypeError, csv.Error):
        raise InputError(
            f"{path}: not readable as a list with the columns idx,{value}; write it again."
        ) from None


def _pairs(path: Path) -> Iterator[tuple[str, str]]:
    """Yield the two words of each line of a list of CelebA."""
    for number, line in enumerate(text_lines(path, "list of CelebA"), start=1):
        words = line.split()
        if len(words) not in (0, 2):
            raise InputError(
                f"{path}, line {number}: expected two words; get it from CelebA again."
            )
        if words:
            yield words[0], words[1]
