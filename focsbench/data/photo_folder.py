"""Two layouts for photographs of one's own: that of the authors' code, and a plain folder.

The authors' form (their README and ``util/load_dataset.py``)::

    Dataset/<name>.jpg                      photographs, folders below are allowed
    Dataset/<name>_visible_skin_mask.png    visible face, 255 or 0; optional
    {train,val,test,all}_landmarks.csv      path below Dataset, 136 numbers

A plain folder::

    <name>.jpg                              photographs, folders below are allowed
    masks/<name>.png                        optional; or <name>_mask.png beside the photograph
    landmarks.csv                           path below the folder, 136 numbers

Both may have ``subsets.csv`` with the columns file,subset and perhaps subject.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path, PurePosixPath

from focsbench.data.landmarks_csv import list_of_split, read_landmarks
from focsbench.data.photos import IMAGE_SUFFIXES, aligned_sample, key_of, open_image
from focsbench.errors import InputError, shown
from focsbench.types import FloatArray, Sample
from focsbench.user_files import is_plain_path, text_lines

DATASET = "Dataset"
SKIN_MASK = "_visible_skin_mask.png"
PLAIN_MASK = "_mask.png"
MASKS = "masks"
SUBSETS = "subsets.csv"
LANDMARKS = "landmarks.csv"


def photo_files(root: Path) -> list[str]:
    """Return the photographs below a plain folder as paths relative to it, sorted.

    Masks, hidden files and the folder of masks are passed over.
    """
    found = []
    for path in root.rglob("*"):
        inside = path.relative_to(root)
        if path.suffix.lower() not in IMAGE_SUFFIXES or inside.parts[0] == MASKS:
            continue
        if path.name.endswith((SKIN_MASK, PLAIN_MASK)) or any(x[0] == "." for x in inside.parts):
            continue
        found.append(inside.as_posix())
    return sorted(found)


def sharing_keys(files: Iterable[str]) -> list[tuple[str, str]]:
    """Return pairs of photographs that have the same key, so that predictions would mix them up."""
    first: dict[str, str] = {}
    seen = ((first.setdefault(key_of(file), file), file) for file in files)
    return [(one, other) for one, other in seen if one != other]


def mask_of(photos: Path, file: str) -> Path | None:
    """Return the mask of a photograph, wherever one of the layouts has it; None without one."""
    photo = photos / file
    inside = photos / MASKS / file
    for path in (
        photo.with_name(photo.stem + SKIN_MASK),
        photo.with_name(photo.stem + PLAIN_MASK),
        inside.with_suffix(".png"),
        inside.with_name(f"{inside.stem}{PLAIN_MASK}"),
    ):
        if path.exists():
            return path
    return None


class PhotoFolder:
    """Photographs of one folder as aligned samples; the unit of statistics is the photograph.

    Where no list names subsets, all images are one subset, ``all``.
    """

    def __init__(
        self, photos: Path, files: list[str], landmarks: Path, size: int, name: str
    ) -> None:
        """photos: folder; files: paths below it; landmarks: list that has to name each of them."""
        self.name = name
        self.size = size
        self._photos = photos
        self._files = files
        self._list = landmarks
        self._landmarks: dict[str, FloatArray] | None = None
        self._groups = _read_groups(landmarks.parent / SUBSETS)
        if not files:
            raise InputError(f"{photos}: holds no photograph; check the path.")
        self._keys = [key_of(file) for file in files]

    def __len__(self) -> int:
        return len(self._files)

    def keys(self) -> list[str]:
        """Keys (paths without suffix) in order."""
        return list(self._keys)

    def __getitem__(self, index: int) -> Sample:
        file = self._files[index]
        key = self._keys[index]
        subset, subject = self._groups.get(file, ("all", ""))
        mask = mask_of(self._photos, file)
        return aligned_sample(
            key=key,
            subject=subject or key,
            subset=subset,
            photo=open_image(self._photos / file, "RGB"),
            landmarks=self._points(file),
            size=self.size,
            visible=None if mask is None else open_image(mask, "L"),
        )

    def _points(self, file: str) -> FloatArray:
        if self._landmarks is None:
            self._landmarks = read_landmarks(self._list)
        if file not in self._landmarks:
            raise InputError(
                f"{self._list}: no landmarks for {shown(file)}; detect them and add a line."
            )
        return self._landmarks[file]


def plain_folder(root: Path, size: int, name: str = "photos") -> PhotoFolder:
    """Open a plain folder of photographs.

    Raises:
        InputError: if there is no photograph, or two have the same key.
    """
    files = photo_files(root)
    _check_keys(root, files)
    return PhotoFolder(root, files, root / LANDMARKS, size, name)


def authors_folder(root: Path, split: str, size: int, name: str = "authors") -> PhotoFolder:
    """Open one split of a folder in the form of the authors' code: the images of its list.

    Without a list of the split, ``all_landmarks.csv`` is taken.

    Raises:
        InputError: if there is neither list, or two photographs of it have the same key.
    """
    path = list_of_split(root, split)
    files = list(read_landmarks(path))
    outside = [file for file in files if not _stays_inside(file)]
    if outside:
        raise InputError(
            f"{path}: {shown(outside[0])} is no path below {DATASET}; correct the list."
        )
    _check_keys(path, files)
    return PhotoFolder(root / DATASET, files, path, size, name)


def _check_keys(where: Path, files: Iterable[str]) -> None:
    for one, other in sharing_keys(files):
        raise InputError(
            f"{where}: {shown(one)} and {shown(other)} would both be {shown(key_of(one))} in "
            "predictions; rename one of them."
        )


def _stays_inside(file: str) -> bool:
    path = PurePosixPath(file)
    usable = is_plain_path(file)
    return usable and path.name != "" and not path.is_absolute() and ".." not in path.parts


def _read_groups(path: Path) -> dict[str, tuple[str, str]]:
    """Return (subset, subject) by file."""
    if not path.exists():
        return {}
    try:
        rows = csv.DictReader(text_lines(path, "list"))
        groups = {row["file"]: (row["subset"], row.get("subject") or "") for row in rows}
        if any(subset is None for subset, _ in groups.values()):
            raise ValueError("a line ends early")
        return groups
    except (ValueError, KeyError, csv.Error):
        raise InputError(
            f"{path}: not readable as a list with the columns file,subset; write it again."
        ) from None
