"""Numbers of a pool of scan-to-mesh distances.

Source: NoW (Sanyal et al. 2019). The distances of all vertices of all images form one pool;
subjects with a denser scan weigh more than in a mean of per-image values.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from focsbench.types import FloatArray


@dataclass(frozen=True)
class DistanceStatistics:
    """Median, mean and population standard deviation (mm) of n distances."""

    median: float
    mean: float
    std: float
    n: int


def distance_statistics(distances: Sequence[FloatArray]) -> DistanceStatistics:
    """Pool one array of distances per image and describe the pool.

    Raises:
        ValueError: if the pool is empty or a distance is negative or not finite.
    """
    pool = _pool(distances)
    return DistanceStatistics(
        float(np.median(pool)), float(np.mean(pool)), float(np.std(pool)), len(pool)
    )


def check_distances(distances: FloatArray) -> None:
    """Refuse an array that holds no distances.

    Raises:
        ValueError: if it is empty or a value is negative or not finite.
    """
    if distances.size == 0:
        raise ValueError("the pool of distances is empty")
    if not (np.isfinite(distances).all() and distances.min() >= 0):
        raise ValueError("a distance is negative or not finite")


def _pool(distances: Sequence[FloatArray]) -> FloatArray:
    pool = np.concatenate([np.zeros(0), *(np.ravel(part) for part in distances)])
    check_distances(pool)
    return pool
