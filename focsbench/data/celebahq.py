"""CelebAMask-HQ in its own layout, with landmark lists beside the image folder.

CelebA-HQ-img/{i}.jpg
CelebAMask-HQ-mask-anno/{i // 2000}/{i:05d}_{part}.png
CelebA-HQ-to-CelebA-mapping.txt            official split by the original CelebA index
{train,val,test}_landmarks.csv             file name, 136 numbers
occlusion.csv                              idx,subset   (unoccluded | occluded)
identities.csv                             idx,subject  (optional)
"""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
from PIL import Image

from focsbench.data.landmarks_csv import read_landmarks
from focsbench.data.photos import aligned_sample, open_image
from focsbench.errors import InputError
from focsbench.types import BoolArray, Sample

# Later parts overwrite earlier ones (the order of the official colour-mask script).
PAINT_ORDER = (
    "skin", "nose", "eye_g", "l_eye", "r_eye", "l_brow", "r_brow", "l_ear", "r_ear", "mouth",
    "u_lip", "l_lip", "hair", "hat", "ear_r", "neck_l", "neck", "cloth",
)  # fmt: skip
FACE_PARTS = frozenset(
    {"skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip"}
)
VISIBLE_FACE_RULE = "paint-order-v1"  # name of the merge rule on protocol cards


def split_of(original_index: int) -> str:
    """Return train, val or test by the official CelebA index of an image."""
    if original_index < 162771:
        return "train"
    return "val" if original_index < 182638 else "test"


def merge_parts(folder: Path, index: int) -> Image.Image:
    """Merge the part masks of one image into its visible-face mask (255 = visible face).

    The parts are painted in the official order, so eyes annotated behind clear lenses are face
    while frames and dark lenses (``eye_g``) are not. A part without a file is absent in the image.

    Raises:
        InputError: if the image has no ``skin`` part at all.
    """
    painted: BoolArray | None = None
    for part in PAINT_ORDER:
        path = folder / str(index // 2000) / f"{index:05d}_{part}.png"
        if not path.is_file():
            continue
        mask = np.asarray(open_image(path, "L")) > 127
        painted = np.zeros_like(mask) if painted is None else painted
        painted[mask] = part in FACE_PARTS
    if painted is None:
        raise InputError(
            f"{folder}: no part masks for image {index}; unpack the annotations again."
        )
    return Image.fromarray(painted.astype(np.uint8) * 255)


def _read_table(path: Path, key: str, value: str) -> dict[int, str]:
    if not path.is_file():
        raise InputError(f"{path}: this list is missing; write it with columns {key},{value}.")
    with path.open(newline="", encoding="utf-8") as file:
        return {int(row[key]): row[value] for row in csv.DictReader(file)}


class CelebAMaskHQ:
    """One split (train, val, test) of CelebAMask-HQ as aligned samples."""

    def __init__(self, root: Path, split: str, size: int, name: str = "celeba") -> None:
        self.name = name
        self.root = root
        self.split = split
        self.size = size
        landmarks = read_landmarks(root / f"{split}_landmarks.csv")
        members = self._members()
        self._landmarks = {
            int(Path(file).stem): points
            for file, points in landmarks.items()
            if int(Path(file).stem) in members
        }
        self._indices = sorted(self._landmarks)
        if not self._indices:
            raise InputError(f"{root}: no image of the {split} split has landmarks.")
        subsets = root / "occlusion.csv"
        self._subsets = _read_table(subsets, "idx", "subset") if subsets.is_file() else {}
        identities = root / "identities.csv"
        self._subjects = _read_table(identities, "idx", "subject") if identities.is_file() else {}

    def _members(self) -> set[int]:
        path = self.root / "CelebA-HQ-to-CelebA-mapping.txt"
        if not path.is_file():
            raise InputError(
                f"{path}: the official mapping is missing; copy it from CelebAMask-HQ."
            )
        rows = (line.split() for line in path.read_text(encoding="utf-8").splitlines()[1:])
        return {int(row[0]) for row in rows if row and split_of(int(row[1])) == self.split}

    def __len__(self) -> int:
        return len(self._indices)

    def keys(self) -> list[str]:
        """Keys (image numbers) in order."""
        return [str(index) for index in self._indices]

    def subject(self, index: int) -> str:
        """Identity of the i-th sample, without reading its image."""
        number = self._indices[index]
        return self._subjects.get(number, str(number))

    def __getitem__(self, index: int) -> Sample:
        number = self._indices[index]
        return aligned_sample(
            key=str(number),
            subject=self.subject(index),
            subset=self._subsets.get(number, "all"),
            photo=open_image(self.root / "CelebA-HQ-img" / f"{number}.jpg", "RGB"),
            landmarks=self._landmarks[number],
            size=self.size,
            visible=merge_parts(self.root / "CelebAMask-HQ-mask-anno", number),
        )
