"""NoW in its official layout: image list, photographs, scans in mm and their seven landmarks.

imagepathsvalidation.txt                    lines subject/challenge/image.jpg (352)
scans/<subject>/*.obj                       neutral scan, mm
scans_lmks_onlypp/<subject>/*.pp            its seven landmarks
NoW_Dataset/final_release_version/iphone_pictures/<subject>/<challenge>/<image>.jpg
nowchallenge_landmarks.csv                  line of the image list, 136 numbers; not in the download

The photographs are found as well where the archive was unpacked without its upper folders.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from focsbench.data.landmarks_csv import read_landmarks
from focsbench.data.photos import aligned_sample, key_of, open_image
from focsbench.errors import InputError, shown
from focsbench.geometry.io import read_landmarks7, read_mesh
from focsbench.now.scans import find_scan
from focsbench.types import FloatArray, Mesh, Sample
from focsbench.user_files import is_plain_path, text_lines

PHOTOS = Path("NoW_Dataset/final_release_version/iphone_pictures")
PHOTO_FOLDERS = (PHOTOS, Path("final_release_version/iphone_pictures"), Path("iphone_pictures"))
LANDMARK_LIST = "nowchallenge_landmarks.csv"


@dataclass(frozen=True)
class NoWItem:
    """One line of the image list: subject, challenge and the key without suffix."""

    key: str
    subject: str
    challenge: str
    file: str


def read_image_list(path: Path) -> list[NoWItem]:
    """Read an image list of NoW: lines ``subject/challenge/image.jpg``.

    Empty lines, blanks around a line and line ends of any system are accepted.

    Raises:
        InputError: if the list is missing, empty or not text, or naming the first line that has
            another form or stands there twice.
    """
    lines = text_lines(path, "image list of NoW")
    items: dict[str, NoWItem] = {}
    for number, line in enumerate(map(str.strip, lines), start=1):
        if not line:
            continue
        if not is_image_line(line):
            raise InputError(f"{path}, line {number}: expected subject/challenge/image.jpg.")
        key = key_of(line)
        if key in items:
            raise InputError(
                f"{path}, line {number}: {shown(line)} is listed twice; delete one line."
            )
        subject, challenge, _ = line.split("/")
        items[key] = NoWItem(key, subject, challenge, line)
    if not items:
        raise InputError(f"{path}: the image list is empty; copy it from the dataset again.")
    return list(items.values())


def is_image_line(text: str) -> bool:
    """Say whether a text is ``subject/challenge/image.jpg``, of any suffix, and no other path."""
    parts = text.split("/")
    return len(parts) == 3 and {"", ".", ".."}.isdisjoint(parts) and is_plain_path(text)


class NoWImages:
    """The validation images of NoW as aligned samples, with the scans of their subjects."""

    def __init__(self, root: Path, size: int, name: str = "now") -> None:
        self.name = name
        self.root = root
        self.size = size
        self.items = read_image_list(root / "imagepathsvalidation.txt")
        self._landmarks: dict[str, FloatArray] | None = None

    def __len__(self) -> int:
        return len(self.items)

    def keys(self) -> list[str]:
        """Keys ``subject/challenge/image`` in the order of the official list."""
        return [item.key for item in self.items]

    def __getitem__(self, index: int) -> Sample:
        if self._landmarks is None:
            self._landmarks = read_landmarks(self.root / LANDMARK_LIST)
        item = self.items[index]
        if item.file not in self._landmarks:
            raise InputError(
                f"{self.root / 'nowchallenge_landmarks.csv'}: no landmarks for {shown(item.file)}; "
                "detect them and add a line."
            )
        return aligned_sample(
            key=item.key,
            subject=item.subject,
            subset=item.challenge,
            photo=open_image(photo_folder(self.root) / item.file, "RGB"),
            landmarks=self._landmarks[item.file],
            size=self.size,
        )

    def photo_landmarks(self) -> dict[str, FloatArray]:
        """Return {key: (68, 2) pixels of the original photograph} where landmarks are known.

        Without the landmark list of the dataset nothing is known.
        """
        if not (self.root / LANDMARK_LIST).exists():
            return {}
        known = read_landmarks(self.root / LANDMARK_LIST)
        return {item.key: known[item.file] for item in self.items if item.file in known}

    def scan(self, subject: str) -> Mesh:
        """Return the neutral scan of a subject, mm."""
        return read_mesh(find_scan(self.root, subject)[0])

    def scan_landmarks(self, subject: str) -> FloatArray:
        """Return the (7, 3) scan landmarks of a subject, mm."""
        return read_landmarks7(find_scan(self.root, subject)[1])

    def true_head(self, subject: str) -> tuple[Mesh, FloatArray] | None:
        """Return the exact neutral head of a subject, see :func:`true_head`."""
        return true_head(self.root, subject)


def photo_folder(root: Path) -> Path:
    """Return the folder of the photographs; where none is there, the official one."""
    there = (root / folder for folder in PHOTO_FOLDERS if (root / folder).is_dir())
    return next(there, root / PHOTOS)


def true_head(root: Path, subject: str) -> tuple[Mesh, FloatArray] | None:
    """Return the exact neutral head that a scan was made from, and its (7, 3) landmarks, mm.

    The head is in a frame of its own. Only the embedded benchmark has such answers, in a folder
    beside the dataset; elsewhere the result is None.

    Args:
        root: folder of the dataset.
        subject: name of the person.

    Raises:
        InputError: if an answer is there but not readable.
    """
    stem = root.parent / "ground_truth" / root.name / subject
    mesh, landmarks = (stem.with_name(stem.name + suffix) for suffix in (".ply", ".npy"))
    if not mesh.is_file():
        return None
    return read_mesh(mesh), read_landmarks7(landmarks)
