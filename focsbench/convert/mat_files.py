"""Arrays of MATLAB files, within bounds."""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np

from focsbench.errors import InputError
from focsbench.types import FloatArray

MAX_BYTES = 2 << 30
_NUMERIC = frozenset({"double", "single", *(f"{u}int{n}" for u in ("", "u") for n in (8, 16, 32))})
_DAMAGED = (
    OSError, ValueError, TypeError, KeyError, IndexError, NotImplementedError, OverflowError,
    MemoryError, struct.error, zlib.error,
)  # fmt: skip
Shape = tuple[int | None, ...]


def read_mat(path: Path, wanted: Mapping[str, Shape]) -> dict[str, FloatArray]:
    """Read named arrays of numbers from a .mat file (versions 4 to 7).

    Args:
        path: of the file.
        wanted: shape by name; None stands for any length. Leading axes of length 1 are dropped
            where an array has one more than wanted.

    Raises:
        InputError: if the file is missing, damaged or too large, or an array is missing, of another
            shape or kind, or not finite.
    """
    from scipy.io import loadmat, whosmat

    try:
        if path.stat().st_size > MAX_BYTES:
            raise ValueError(f"larger than {MAX_BYTES >> 30} GiB")
        there = {name: (shape, kind) for name, shape, kind in whosmat(path)}
        for name in wanted:
            if name not in there:
                raise ValueError(f"it has no array called {name}")
            shape, kind = there[name]
            # Compressed arrays unpack to what their header says, so it is checked before.
            if kind not in _NUMERIC or 8 * math.prod(shape) > MAX_BYTES:
                raise ValueError(f"{name} is {kind} of shape {shape}")
        found = loadmat(path, variable_names=list(wanted))
        return {name: _fitting(name, found[name], shape) for name, shape in wanted.items()}
    except _DAMAGED as error:
        raise InputError(
            f"{path}: not readable as what this method writes ({error}); run the method again."
        ) from None


def _fitting(name: str, array: FloatArray, shape: Shape) -> FloatArray:
    while array.ndim > len(shape) and array.shape[0] == 1:
        array = array[0]
    fits = array.ndim == len(shape) and all(
        want in (None, have) for want, have in zip(shape, array.shape, strict=True)
    )
    if not fits:
        raise ValueError(f"{name} has the shape {array.shape} instead of {shape}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} is not finite")
    return np.asarray(array, dtype=np.float64)
