"""Files of scan distances: one array per image, in the order of the points of the cropped scan."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from focsbench.errors import InputError
from focsbench.metrics.scan_distance import check_distances
from focsbench.npy import array_of_bytes
from focsbench.types import FloatArray
from focsbench.user_files import read_bytes

DISTANCES = "distances"


def distance_file(folder: Path, key: str) -> Path:
    """Return the path of an image's distances in a result folder."""
    return folder / DISTANCES / f"{key}.npy"


def read_distances(path: Path, n: int | None = None) -> FloatArray:
    """Read the distances of one image, (N,) float64 mm.

    Args:
        path: of the file.
        n: how many there have to be.

    Raises:
        InputError: naming the file that is missing or damaged.
    """
    try:
        found = array_of_bytes(read_bytes(path, "file of distances"))
        if found.dtype.kind != "f" or found.dtype.itemsize > 8 or found.ndim != 1:
            raise ValueError(f"an array of {found.dtype} with {found.ndim} axes")
        if n not in (None, len(found)):
            raise ValueError(f"{len(found)} distances where {n} belong")
        check_distances(found)
    except ValueError as error:
        raise InputError(f"{path}: {error}; score the method again.") from None
    # A copy: for kernels, a read-only array is another type.
    return found.astype(np.float64)
