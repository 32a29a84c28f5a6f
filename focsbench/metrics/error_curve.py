"""Cumulative error curves: share of a pool of distances within x mm, counted part by part.

The parts of a pool may be too large to hold together, so each is counted into one fixed grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np

from focsbench.types import FloatArray, IntArray

STEP_MM = 0.01
RANGE_MM = 7.0
POINTS = round(RANGE_MM / STEP_MM) + 1


def curve_grid() -> FloatArray:
    """Return the errors that a curve is given for: 0, 0.01, … 7 mm; (701,)."""
    return np.arange(POINTS) * STEP_MM


def count_within(distances: FloatArray) -> IntArray:
    """Count distances up to each grid value 0, 0.01, … 7 mm; (701,) int64.

    Distances beyond the last value count for none of them.

    Raises:
        ValueError: if a distance is negative or not finite.
    """
    if not (np.isfinite(distances).all() and (distances >= 0).all()):
        raise ValueError("distances have to be finite and not negative")
    # In float32 the quotient of a distance just above a grid value would round down to it.
    bins = np.minimum(np.ceil(distances.astype(np.float64) / STEP_MM), POINTS).astype(np.int64)
    return np.cumsum(np.bincount(bins.ravel(), minlength=POINTS + 1)[:POINTS])


def share_within(parts: Iterable[FloatArray]) -> FloatArray:
    """Return the share of the pool of all parts within each grid value; (701,) in [0, 1].

    Only one part has to be in memory at a time.

    Raises:
        ValueError: as :func:`count_within`, or if the pool is empty.
    """
    within, total = np.zeros(POINTS, dtype=np.int64), 0
    for part in parts:
        within = within + count_within(part)
        total += part.size
    if not total:
        raise ValueError("the pool of distances is empty")
    return np.asarray(within / total)


def axis_limit(curves: Sequence[FloatArray]) -> float:
    """Return the whole mm at which every curve has passed 99 %, between 2 and 7."""
    passed = np.flatnonzero(np.min(curves, axis=0) >= 0.99)
    needed = math.ceil(curve_grid()[passed[0]]) if passed.size else RANGE_MM
    return float(np.clip(needed, 2, RANGE_MM))
