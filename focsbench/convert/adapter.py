"""What an adapter is: it finds the outputs of a method, and reads one of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar, Protocol

import numpy as np

from focsbench.errors import InputError, brief
from focsbench.geometry.five_points import NOW_LANDMARKS
from focsbench.geometry.scan_crop import ADULT_EYES_MM, eye_distance
from focsbench.types import FloatArray, Reconstruction
from focsbench.user_files import read_bytes

NOW_IN_68 = NOW_LANDMARKS
_LARGEST_ARRAY = 1 << 20  # bytes; the parameters of a face take a few kB


@dataclass(frozen=True)
class Options:
    """What a user gives beside the outputs, because it cannot be known or may not be shipped.

    landmarks: file that says where the seven landmarks are on the topology.
    model: file of the face model that the method uses.
    keep_expression: accept meshes that carry an expression.
    """

    landmarks: Path | None = None
    model: Path | None = None
    keep_expression: bool = False


class Adapter(Protocol):
    """Reads the outputs of one method.

    name: on the command line; label: as tables print it.
    unit: of the meshes it gives (mm, cm, m), or None where outputs have none.
    reads: one line that says which files.
    """

    name: ClassVar[str]
    label: ClassVar[str]
    reads: ClassVar[str]

    def __init__(self, options: Options) -> None:
        """Read what the options name.

        Raises:
            ConfigError: if something is missing or of no use to this method.
            InputError: if a file cannot be used.
        """
        ...

    @property
    def unit(self) -> str | None: ...

    def find(self, folder: Path) -> Mapping[str, Path]:
        """Return the main file of each output by name, a path without suffix, in order."""
        ...

    def read(self, path: Path) -> Reconstruction:
        """Read one output: a neutral mesh in the adapter's unit, and its seven landmarks.

        Raises:
            InputError: if it cannot be used; one sentence with the reason and what to do.
        """
        ...


def outputs_below(folder: Path, *endings: str) -> dict[str, Path]:
    """Return files with one of the endings by path without it; the first ending wins."""
    found: dict[str, Path] = {}
    for ending in endings:
        for path in sorted(folder.rglob(f"*{ending}")):
            inside = path.relative_to(folder)
            if path.is_file() and not any(part.startswith(".") for part in inside.parts):
                found.setdefault(inside.as_posix().removesuffix(ending), path)
    return dict(sorted(found.items()))


def read_array(path: Path, shape: tuple[int, ...], what: str) -> FloatArray:
    """Read a .npy of numbers with a given shape; leading axes of length 1 are dropped.

    Raises:
        InputError: if it is missing, damaged or has another shape.
    """
    from focsbench.geometry.landmark_files import parse_npy

    data = read_bytes(path, what, _LARGEST_ARRAY)
    try:
        array = parse_npy(data)
    except ValueError as error:
        raise InputError(
            f"{path}: not readable as {what} ({brief(error)}); run the method again."
        ) from None
    while array.ndim > len(shape) and array.shape[0] == 1:
        array = array[0]
    if array.shape != shape or not np.isfinite(array).all():
        raise InputError(
            f"{path}: expected {what} as {shape} finite numbers, found {array.shape}; run the "
            "method again."
        )
    return array


def check_millimetres(path: Path, landmarks: FloatArray, mm_per_unit: float) -> None:
    """Refuse landmarks that are no face in the unit they should have.

    Raises:
        InputError: if the outer eye corners are as far apart as nobody's.
    """
    eyes = eye_distance(landmarks) * mm_per_unit
    if not ADULT_EYES_MM[0] <= eyes <= ADULT_EYES_MM[1]:
        raise InputError(
            f"{path}: the outer eye corners are {eyes:.4g} mm apart, so unit or landmarks are not "
            "those of this method; check that the outputs are as it wrote them."
        )
