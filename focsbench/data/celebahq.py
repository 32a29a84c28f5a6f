"""CelebAMask-HQ in its published layout, with lists beside the image folder.

CelebA-HQ-img/{i}.jpg                              30,000 photographs, 1024 x 1024
CelebAMask-HQ-mask-anno/{i // 2000}/{i:05d}_{part}.png     parts, 512 x 512, 255 or 0
CelebA-HQ-to-CelebA-mapping.txt                    idx orig_idx orig_file, with this header
{train,val,test,all}_landmarks.csv                 file name, 136 numbers; not part of the download

Optional, and absent from the download of CelebAMask-HQ:

list_eval_partition.txt     of CelebA: orig_file 0|1|2; without it the same split by orig_idx
identity_CelebA.txt         of CelebA: orig_file identity; the unit of statistics
identities.csv              idx,subject; wins over the list of CelebA
occlusion.csv               idx,subset (unoccluded | occluded)
policies.json               names of rules (:mod:`.celebahq_rules`), from ``focsbench data lists``
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from PIL import Image

from focsbench.data.celebahq_lists import (
    OCCLUSION,
    PARTITION,
    read_celeba_landmarks,
    read_subjects,
    read_subsets,
    split_members,
)
from focsbench.data.celebahq_rules import (
    PAINT_ORDER,
    SUBSET_RULE,
    SUBSET_RULES,
    VISIBLE_FACE_RULE,
    VISIBLE_FACE_RULES,
    Occlusion,
    known,
    occlusion,
    subset_of,
    visible_face,
)
from focsbench.data.photos import aligned_sample, open_image
from focsbench.data.policies import POLICY_FILE, read_policies
from focsbench.errors import InputError
from focsbench.types import BoolArray, FloatArray, Sample

IMAGES = "CelebA-HQ-img"
MASKS = "CelebAMask-HQ-mask-anno"
PER_FOLDER = 2000  # images whose parts share a folder


@dataclass(frozen=True)
class CelebAPolicies:
    """The rules by which a folder is read.

    visible_face: name of the rule that merges the parts.
    subsets: name of the rule that tells occluded from unoccluded; where the folder has a list,
        the rule that made it, or nothing if nobody knows.
    only_listed: how the validation and test images in ``occlusion.csv`` were chosen, if the others
        are left out; else empty.
    """

    visible_face: str = VISIBLE_FACE_RULE
    subsets: str = SUBSET_RULE
    only_listed: str = ""


def mask_path(masks: Path, index: int, part: str) -> Path:
    """Return where a part of an image is; masks is the folder ``CelebAMask-HQ-mask-anno``."""
    return masks / str(index // PER_FOLDER) / f"{index:05d}_{part}.png"


def read_parts(masks: Path, index: int) -> dict[str, BoolArray]:
    """Return the annotated parts of an image as masks (H, W); absent parts have no file.

    Raises:
        InputError: if there is none, a file is damaged, or they differ in size.
    """
    parts: dict[str, BoolArray] = {}
    for part in PAINT_ORDER:
        path = mask_path(masks, index, part)
        if path.exists():
            parts[part] = np.asarray(open_image(path, "L")) > 127
    if not parts:
        raise InputError(f"{masks}: no part masks for image {index}; unpack the annotations again.")
    if len({mask.shape for mask in parts.values()}) > 1:
        raise InputError(
            f"{masks}: the parts of image {index} differ in size; unpack the annotations again."
        )
    return parts


def merge_parts(masks: Path, index: int, rule: str = VISIBLE_FACE_RULE) -> Image.Image:
    """Merge the part masks of one image into its visible-face mask (255 = visible face).

    Raises:
        InputError: as :func:`read_parts`.
    """
    return _as_image(visible_face(read_parts(masks, index), rule))


def measure_occlusion(
    parts: Mapping[str, BoolArray], landmarks: FloatArray, photo_width: int, rule: str
) -> Occlusion:
    """Return :func:`.celebahq_rules.occlusion` for landmarks in pixels of the photograph.

    Raises:
        InputError: if the landmarks enclose no part of the photograph.
    """
    width = next(iter(parts.values())).shape[1]
    scale = width / photo_width  # the parts have half the size of the photographs
    try:
        return occlusion(parts, (landmarks + 0.5) * scale - 0.5, rule)
    except ValueError as error:
        raise InputError(f"{error}; detect them again.") from None


class CelebAMaskHQ:
    """One split (train, val, test) of CelebAMask-HQ as aligned samples."""

    def __init__(self, root: Path, split: str, size: int, name: str = "celeba") -> None:
        self.name = name
        self.root = root
        self.split = split
        self.size = size
        self._rules = read_celeba_policies(root)
        self._landmarks = read_celeba_landmarks(root, split)
        self._subsets = read_subsets(root / OCCLUSION)
        images = {image.index: image for image in split_members(root, split)}
        if self._rules.only_listed and split != "train":
            images = {index: images[index] for index in images if index in self._subsets}
        self._indices = sorted(self._landmarks.keys() & images.keys())
        if not self._indices:
            raise InputError(f"{root}: no image of the {split} split has landmarks.")
        self._subjects = read_subjects(root, images)

    @property
    def policies(self) -> Mapping[str, str]:
        """See :mod:`focsbench.data.policies`."""
        rules = self._rules
        by = PARTITION if (self.root / PARTITION).exists() else "the index in CelebA"
        rule = f"{rules.subsets}: {SUBSET_RULES[rules.subsets]}" if rules.subsets else ""
        return {
            "visible face": f"part masks merged by {rules.visible_face}, above one half after "
            "alignment",
            "split": f"official partition of CelebA, by {by}",
            "subsets": rule or f"{OCCLUSION} of the dataset",
            "images": rules.only_listed or "all of the split that have landmarks",
        }

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
        photo = open_image(self.root / IMAGES / f"{number}.jpg", "RGB")
        landmarks = self._landmarks[number]
        parts = read_parts(self.root / MASKS, number)
        return aligned_sample(
            key=str(number),
            subject=self.subject(index),
            subset=self._subset(number, parts, photo.width),
            photo=photo,
            landmarks=landmarks,
            size=self.size,
            visible=_as_image(visible_face(parts, self._rules.visible_face)),
        )

    def _subset(self, number: int, parts: Mapping[str, BoolArray], photo_width: int) -> str:
        if self._subsets or self.split == "train":
            return self._subsets.get(number, "all")
        rules = self._rules
        try:
            found = measure_occlusion(
                parts, self._landmarks[number], photo_width, rules.visible_face
            )
        except InputError as error:
            raise InputError(f"{number}: {error}") from None
        return subset_of(found, rules.subsets)


def read_celeba_policies(root: Path) -> CelebAPolicies:
    """Return the rules that a folder is read by.

    Raises:
        InputError: if its ``policies.json`` is damaged; ConfigError for a rule that is not there.
    """
    path = root / POLICY_FILE
    given = read_policies(path)
    rule = given.get("visible_face", VISIBLE_FACE_RULE)
    visible = known(f"{path}: visible_face", rule, VISIBLE_FACE_RULES)
    subsets = "" if (root / OCCLUSION).exists() else SUBSET_RULE
    if "subsets" in given:
        subsets = known(f"{path}: subsets", given["subsets"], SUBSET_RULES)
    return CelebAPolicies(visible, subsets, given.get("only_listed", ""))


def _as_image(mask: BoolArray) -> Image.Image:
    return Image.fromarray(mask.astype(np.uint8) * 255)
