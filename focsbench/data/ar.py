"""AR face database with visible-face masks: neutral, sunglasses and scarf of each subject.

images/{m|w}-{sss}-{nn}.png     AR numbering: 01 neutral, 08 sunglasses, 11 scarf
masks/{same name}.png           255 = visible face (Egger et al. 2018)
landmarks.csv                   file name, 136 numbers
"""

from __future__ import annotations

from pathlib import Path

from focsbench.data.landmarks_csv import read_landmarks
from focsbench.data.photos import aligned_sample, open_image
from focsbench.errors import InputError
from focsbench.types import Sample

# Conditions of the second session repeat the first with 13 added to the number.
SUBSET_BY_NUMBER = {1: "unoccluded", 8: "glasses", 11: "scarf"}


class ARFaces:
    """The AR images that have a mask, as aligned samples."""

    def __init__(self, root: Path, size: int, name: str = "ar") -> None:
        self.name = name
        self.root = root
        self.size = size
        self._landmarks = read_landmarks(root / "landmarks.csv")
        self._files = sorted(self._landmarks)
        if not self._files:
            raise InputError(f"{root}: landmarks.csv lists no image; detect landmarks first.")

    def __len__(self) -> int:
        return len(self._files)

    def keys(self) -> list[str]:
        """Keys (file names without suffix) in order."""
        return [Path(file).stem for file in self._files]

    def __getitem__(self, index: int) -> Sample:
        file = self._files[index]
        try:
            sex, number, condition = Path(file).stem.split("-")
            subset = SUBSET_BY_NUMBER[(int(condition) - 1) % 13 + 1]
        except (ValueError, KeyError):
            raise InputError(
                f"{self.root / file}: not an AR file name of a known condition "
                "(expected m-001-01.png with 01, 08 or 11); rename or remove it."
            ) from None
        return aligned_sample(
            key=Path(file).stem,
            subject=f"{sex}-{number}",
            subset=subset,
            photo=open_image(self.root / "images" / file, "RGB"),
            landmarks=self._landmarks[file],
            size=self.size,
            visible=open_image(self.root / "masks" / f"{Path(file).stem}.png", "L"),
        )
