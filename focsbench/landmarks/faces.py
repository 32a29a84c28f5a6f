"""What every detector takes and gives: a photograph, and the faces in it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from focsbench.data.image_files import read_image
from focsbench.files import sha256_of
from focsbench.types import FloatArray

Pixels = NDArray[np.uint8]


class Box(NamedTuple):
    """Edges of a rectangle, pixels, y down."""

    left: float
    top: float
    right: float
    bottom: float


@dataclass(frozen=True)
class Face:
    """One face in a photograph, pixels, x right, y down, pixel centres at integers.

    landmarks: (68, 2) float64 in iBUG order; they may lie outside the photograph.
    """

    box: Box
    landmarks: FloatArray

    @property
    def size(self) -> float:
        """Longer side of the box, pixels."""
        return max(self.box.right - self.box.left, self.box.bottom - self.box.top)

    @classmethod
    def around(cls, landmarks: FloatArray) -> Face:
        """A face whose box is that of its landmarks."""
        points = np.asarray(landmarks, dtype=np.float64)
        return cls(Box(*points.min(axis=0).tolist(), *points.max(axis=0).tolist()), points)


class Photo:
    """A photograph on disk; nothing is read before it is asked for."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @cached_property
    def image(self) -> Image.Image:
        """The upright photograph as RGB. Raises InputError if it is not readable."""
        return read_image(self.path, "RGB")

    @cached_property
    def pixels(self) -> Pixels:
        """The same as (H, W, 3)."""
        return np.asarray(self.image)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the file."""
        return sha256_of(self.path)


class Detector(Protocol):
    """Finds faces and their landmarks."""

    @property
    def identity(self) -> str | None:
        """What its answers depend on beside the file: versions and weights.

        None if answers do not depend on the content of the file and cannot be kept.
        """
        ...

    def faces(self, photo: Photo) -> list[Face]:
        """Return all faces, the largest first.

        Raises:
            InputError: if the photograph cannot be read, naming it.
        """
        ...


def largest_first(faces: Sequence[Face]) -> list[Face]:
    """Sort by size, equal ones from left to right."""
    return sorted(faces, key=lambda face: (-face.size, face.box))
