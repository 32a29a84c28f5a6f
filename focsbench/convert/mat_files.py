"""Arrays of MATLAB files, within bounds."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from focsbench.errors import InputError, brief
from focsbench.face_models.mat_arrays import mat_shapes, numeric_arrays
from focsbench.types import FloatArray

Shape = tuple[int | None, ...]


def read_mat(path: Path, wanted: Mapping[str, Shape]) -> dict[str, FloatArray]:
    """Read named arrays of numbers from a .mat file (version 5, as scipy's ``savemat`` writes).

    Args:
        path: of the file.
        wanted: shape by name; None stands for any length. Leading axes of length 1 are dropped
            where an array has one more than wanted.

    Raises:
        InputError: if the file is missing, damaged or too large, or an array is missing, of another
            shape or kind, or not finite.
    """
    there = mat_shapes(path)
    missing = [name for name in wanted if name not in there]
    if missing:
        raise InputError(f"{path}: has no array called {missing[0]}; run the method again.")
    found = numeric_arrays(path, wanted)
    try:
        return {name: _fitting(name, found[name], shape) for name, shape in wanted.items()}
    except ValueError as error:
        raise InputError(
            f"{path}: not readable as what this method writes ({brief(error)}); run the "
            "method again."
        ) from None


def _fitting(name: str, array: FloatArray, shape: Shape) -> FloatArray:
    while array.ndim > len(shape) and array.shape[0] == 1:
        array = array[0]
    fits = array.ndim == len(shape) and all(
        want in (None, have) for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits or array.size == 0:
        raise ValueError(f"{name} has the shape {array.shape} instead of {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is not finite")
    return np.asarray(array, dtype=np.float64)
