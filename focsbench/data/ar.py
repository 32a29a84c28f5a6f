"""AR face database (Martinez and Benavente 1998) with the visible-face masks of Egger et al. 2018.

masks/{m|w}-{sss}-{nn}.png      255 = visible face; the image set is what has a mask here
images/{same name}.{png|...}    photographs, or without this folder anywhere else below the root
landmarks.csv                   file name, 136 numbers; not part of either download

``nn`` is the AR numbering: 1 neutral, 2-4 expressions, 5-7 light, 8-10 sunglasses, 11-13 scarf, and
13 more for the second session. Names are taken in any case, with f for w, with or without leading
zeros, and may go on after the number (``M-001-08_mask.png``). Without a folder of masks the images
are those of the landmark list.

120 masks were published (Table 4 of the paper has them by neutral, glasses, scarf); which images
they belong to is not in the authors' code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from PIL import Image

from focsbench.data.landmarks_csv import read_landmarks
from focsbench.data.photos import IMAGE_SUFFIXES, aligned_sample, open_image
from focsbench.errors import InputError, shown
from focsbench.types import FloatArray, Sample

IMAGES, MASKS, LANDMARKS = "images", "masks", "landmarks.csv"
NAME = re.compile(r"([mwf])-(\d{1,3})-(\d{1,2})(?!\d)", re.IGNORECASE)
# The conditions of Table 4; those of the second session repeat the first with 13 added.
SUBSET_BY_NUMBER = {1: "unoccluded", 8: "glasses", 11: "scarf"}
CONDITIONS = 26
_RULE = "AR numbering: 1 to 7 unoccluded, 8 to 10 glasses, 11 to 13 scarf, the same plus 13"


def ar_key(file: str) -> str:
    """Return the canonical name of an AR file, e.g. ``m-001-08`` for ``M-1-8.bmp``.

    Raises:
        InputError: if the name is none of AR.
    """
    key = _key(file)
    if key is None:
        raise InputError(
            f"{shown(file)}: not an AR file name of a known condition (expected m-001-01.png, "
            f"numbers 1 to {CONDITIONS}); rename or remove it."
        )
    return key


def has_ar_name(file: str) -> bool:
    """Whether a file is called as those of AR are, with the number of a known condition."""
    return _key(file) is not None


def _key(file: str) -> str | None:
    match = NAME.match(Path(file).name)
    if match is None or not 1 <= int(match[3]) <= CONDITIONS:
        return None
    sex = "m" if match[1].lower() == "m" else "w"
    return f"{sex}-{int(match[2]):03d}-{int(match[3]):02d}"


def ar_subset(key: str) -> str:
    """Return ``unoccluded``, ``glasses`` or ``scarf`` of a canonical name."""
    condition = (int(key.rsplit("-", 1)[1]) - 1) % 13 + 1
    return SUBSET_BY_NUMBER[max(first for first in SUBSET_BY_NUMBER if first <= condition)]


def ar_files(folder: Path, *, inside: bool = True) -> dict[str, Path]:
    """Return the image files of AR in a folder by canonical name; nothing if it is not there.

    inside: look into the folders below it, too.

    Files that are no images or have no AR name are passed over.

    Raises:
        InputError: if two files have the same canonical name.
    """
    found: dict[str, Path] = {}
    for path in sorted(folder.rglob("*") if inside else folder.glob("*")):
        name = path.name
        if (
            path.suffix.lower() not in IMAGE_SUFFIXES
            or name.startswith(".")
            or (key := _key(name)) is None
        ):
            continue
        if key in found:
            raise InputError(f"{path}: {found[key]} is the same AR image; delete one of them.")
        found[key] = path
    return found


def ar_photos(root: Path) -> dict[str, Path]:
    """Return the photographs of a dataset by canonical name.

    They are below ``images``, or where there is no such folder anywhere but below ``masks``.

    Raises:
        InputError: as :func:`ar_files`.
    """
    if (root / IMAGES).is_dir():
        return ar_files(root / IMAGES)
    found: dict[str, Path] = {}
    for folder in sorted(path for path in root.iterdir() if path.is_dir() and path.name != MASKS):
        found |= ar_files(folder)
    return found | ar_files(root, inside=False)


class ARFaces:
    """The AR images that have a mask, as aligned samples."""

    def __init__(self, root: Path, size: int, name: str = "ar") -> None:
        self.name = name
        self.root = root
        self.size = size
        listed = read_landmarks(root / LANDMARKS)
        # Strange names are passed over, as those of photographs are; `data check` lists both.
        self._landmarks = {ar_key(file): p for file, p in listed.items() if has_ar_name(file)}
        self._masks = ar_files(root / MASKS)
        self._keys = sorted(self._masks or self._landmarks)
        if not self._keys:
            raise InputError(
                f"{root}: no mask and no line of landmarks; see `focsbench data check`."
            )
        self._photos: dict[str, Path] | None = None

    @property
    def policies(self) -> Mapping[str, str]:
        """See :mod:`focsbench.data.policies`."""
        images = (
            f"the {len(self._keys)} that have a mask" if self._masks else "those with landmarks"
        )
        return {"subsets": _RULE, "images": images}

    def __len__(self) -> int:
        return len(self._keys)

    def keys(self) -> list[str]:
        """Keys (canonical names) in order."""
        return list(self._keys)

    def __getitem__(self, index: int) -> Sample:
        key = self._keys[index]
        return aligned_sample(
            key=key,
            subject=key.rsplit("-", 1)[0],
            subset=ar_subset(key),
            photo=open_image(self._photo(key), "RGB"),
            landmarks=self._points(key),
            size=self.size,
            visible=self._mask(key),
        )

    def _photo(self, key: str) -> Path:
        if self._photos is None:
            self._photos = ar_photos(self.root)
        if key not in self._photos:
            raise InputError(
                f"{self.root / IMAGES}: no photograph {key}; add it or remove its mask."
            )
        return self._photos[key]

    def _points(self, key: str) -> FloatArray:
        if key not in self._landmarks:
            raise InputError(
                f"{self.root / LANDMARKS}: no landmarks for {key}; detect them and add a line."
            )
        return self._landmarks[key]

    def _mask(self, key: str) -> Image.Image | None:
        return open_image(self._masks[key], "L") if key in self._masks else None
