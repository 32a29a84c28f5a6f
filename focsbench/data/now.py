"""NoW in its official layout: image list, photographs, scans in mm and their seven landmarks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from focsbench.data.landmarks_csv import read_landmarks
from focsbench.data.photos import aligned_sample, open_image
from focsbench.errors import InputError
from focsbench.geometry.io import read_landmarks7, read_mesh
from focsbench.types import FloatArray, Mesh, Sample

PHOTOS = Path("NoW_Dataset/final_release_version/iphone_pictures")


@dataclass(frozen=True)
class NoWItem:
    """One line of the image list: subject, challenge and the key without suffix."""

    key: str
    subject: str
    challenge: str
    file: str


class NoWImages:
    """The validation images of NoW as aligned samples, with the scans of their subjects."""

    def __init__(self, root: Path, size: int, name: str = "now") -> None:
        self.name = name
        self.root = root
        self.size = size
        self.items = self._read_list(root / "imagepathsvalidation.txt")
        self._landmarks: dict[str, FloatArray] | None = None

    @staticmethod
    def _read_list(path: Path) -> list[NoWItem]:
        if not path.is_file():
            raise InputError(f"{path}: the image list of NoW is missing; copy it from the dataset.")
        items = []
        for number, line in enumerate(path.read_text(encoding="utf-8").split(), start=1):
            parts = line.split("/")
            if len(parts) != 3 or ".." in parts:
                raise InputError(f"{path}, line {number}: expected subject/challenge/image.jpg.")
            items.append(NoWItem(line.rsplit(".", 1)[0], parts[0], parts[1], line))
        return items

    def __len__(self) -> int:
        return len(self.items)

    def keys(self) -> list[str]:
        """Keys ``subject/challenge/image`` in the order of the official list."""
        return [item.key for item in self.items]

    def __getitem__(self, index: int) -> Sample:
        if self._landmarks is None:
            self._landmarks = read_landmarks(self.root / "nowchallenge_landmarks.csv")
        item = self.items[index]
        if item.file not in self._landmarks:
            raise InputError(
                f"{self.root / 'nowchallenge_landmarks.csv'}: no landmarks for {item.file}; "
                "detect them and add a line."
            )
        return aligned_sample(
            key=item.key,
            subject=item.subject,
            subset=item.challenge,
            photo=open_image(self.root / PHOTOS / item.file, "RGB"),
            landmarks=self._landmarks[item.file],
            size=self.size,
        )

    def scan(self, subject: str) -> Mesh:
        """Return the neutral scan of a subject, mm (the first *.obj of its folder)."""
        return read_mesh(self._first(self.root / "scans" / subject, "*.obj"))

    def scan_landmarks(self, subject: str) -> FloatArray:
        """Return the (7, 3) scan landmarks of a subject, mm."""
        return read_landmarks7(self._first(self.root / "scans_lmks_onlypp" / subject, "*.pp"))

    @staticmethod
    def _first(folder: Path, pattern: str) -> Path:
        for path in sorted(folder.glob(pattern)):
            return path
        raise InputError(f"{folder}: no {pattern} file; unpack the scans of NoW again.")
