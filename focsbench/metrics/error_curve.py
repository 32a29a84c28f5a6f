"""Cumulative error curves: share of a pool of distances within x mm, counted part by part.

The parts of a pool may be too large to hold together, so each is counted into one fixed grid.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from focsbench.metrics.distance_pool import GRID_MM, DistancePool, count_distances
from focsbench.metrics.intervals import FEWEST_SUBJECTS, LEVEL, studentised, subject_draws
from focsbench.types import FloatArray, IntArray

STEP_MM = 0.01
RANGE_MM = 7.0
POINTS = round(RANGE_MM / STEP_MM) + 1
BAND_RESAMPLES = 2_000


def curve_grid() -> FloatArray:
    """Return the errors that a curve is given for: 0, 0.01, … 7 mm; (701,)."""
    return np.arange(POINTS) * STEP_MM


def count_within(distances: FloatArray) -> IntArray:
    """Count distances up to each grid value 0, 0.01, … 7 mm; (701,) int64.

    Distances beyond the last value count for none of them.

    Raises:
        ValueError: if a distance is negative or not finite.
    """
    counts = np.zeros(POINTS + 1, dtype=np.int64)
    count_distances(distances, counts, STEP_MM)
    return np.cumsum(counts[:POINTS])


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


def share_band(
    within: IntArray, sizes: IntArray, *, resamples: int = BAND_RESAMPLES, seed: int = 0
) -> tuple[FloatArray, FloatArray] | None:
    """Return the pointwise 95 % band of a curve over resampled subjects, (M,) each in [0, 1].

    Args:
        within: (n, M) distances of each subject within each of the M grid values.
        sizes: (n,) all distances of each subject.
        resamples: draws of subjects; of those of :func:`.intervals.subject_draws`.
        seed: of the draws.

    Returns:
        The studentised limits, as :func:`.intervals.mean_interval` gives them for a single number;
        they rise with the error as the curve itself does. None for too few subjects.
    """
    n = len(sizes)
    if n < FEWEST_SUBJECTS:
        return None
    counts, total = within.astype(np.float64), sizes.astype(np.float64)
    draws = subject_draws(n, resamples, seed).astype(np.float64)
    value, variance = _shares(counts, total, np.ones((1, n)))
    low, high = studentised(value[0], variance[0], *_shares(counts, total, draws), LEVEL)
    low, high = np.clip(low, 0, 1), np.clip(high, 0, 1)
    return np.maximum.accumulate(low), np.minimum.accumulate(high[::-1])[::-1]


def _shares(
    within: FloatArray, sizes: FloatArray, weights: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return shares and their variances over draws, (B, M) each."""
    n = len(sizes)
    total = (weights @ sizes)[:, None]
    shares = (weights @ within) / total
    # Squared deviations of the subjects from the share, multiplied out: no (B, n, M) array.
    squares = weights @ within**2
    squares -= 2 * shares * (weights @ (within * sizes[:, None]))
    squares += shares**2 * (weights @ sizes**2)[:, None]
    return shares, n / (n - 1) * np.maximum(squares, 0) / total**2


@dataclass(frozen=True)
class ErrorCurve:
    """A curve with its band.

    share: (701,) share of the pool within each value of :func:`curve_grid`, in [0, 1].
    low, high: (701,) limits by subject; None where there are too few.
    """

    share: FloatArray
    low: FloatArray | None = None
    high: FloatArray | None = None


def curve_of(pool: DistancePool, seed: int = 0) -> ErrorCurve:
    """Return the curve of a pool with its band over resampled subjects."""
    within = pool.within(round(STEP_MM / GRID_MM), POINTS)
    band = share_band(within, pool.sizes, seed=seed)
    low, high = (None, None) if band is None else band
    return ErrorCurve(np.asarray(within.sum(axis=0) / pool.sizes.sum()), low, high)


def axis_limit(curves: Sequence[FloatArray]) -> float:
    """Return the whole mm at which every curve has passed 99 %, between 2 and 7."""
    passed = np.flatnonzero(np.min(curves, axis=0) >= 0.99)
    needed = math.ceil(curve_grid()[passed[0]]) if passed.size else RANGE_MM
    return float(np.clip(needed, 2, RANGE_MM))
