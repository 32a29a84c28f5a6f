"""Medians of pools of scan distances as functions of subject weights.

The pool of a draw of persons is never put together: each person keeps one histogram on a fine
grid, and the median of a draw is found by bisection in the weighted sum of the cumulative ones.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from focsbench.types import FloatArray, IntArray

GRID_MM = 0.001
RANGE_MM = 30.0
BINS = round(RANGE_MM / GRID_MM)


def distance_histogram(parts: Iterable[FloatArray]) -> IntArray:
    """Count the distances of one person in bins of 0.001 mm; (30,001,) int64, the last is the rest.

    Raises:
        ValueError: if a distance is negative or not finite.
    """
    counts = np.zeros(BINS + 1, dtype=np.int64)
    for part in parts:
        distances = np.ravel(part).astype(np.float64)
        if not (np.isfinite(distances).all() and (distances >= 0).all()):
            raise ValueError("a distance is negative or not finite")
        bins = np.minimum(distances / GRID_MM, BINS).astype(np.int64)
        counts += np.bincount(bins, minlength=BINS + 1)
    return counts


@dataclass(frozen=True)
class PooledMedian:
    """Median of the pooled distances, to 0.001 mm.

    within: (30,001, n) number of distances up to the end of each bin, per subject; the transpose
        of cumulative histograms, so that one bin of all subjects lies together.
    """

    within: FloatArray

    @classmethod
    def of(cls, histograms: IntArray) -> PooledMedian:
        """Make it from (n, 30,001) histograms of :func:`distance_histogram`."""
        return cls(np.ascontiguousarray(np.cumsum(histograms, axis=1).T, dtype=np.float64))

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Return (B,) medians, mm; nan where the pool is empty or the median beyond 30 mm."""
        half = (weights @ self.within[-1]) / 2
        low = np.full(len(weights), -1)  # the last bin known to end below the median
        high = np.full(len(weights), BINS)
        while (high - low).max() > 1:
            middle = (low + high + 1) // 2  # high itself, once the two are neighbours
            reached = self._counts(weights, middle) >= half
            high = np.where(reached, middle, high)
            low = np.where(reached, low, middle)
        before = np.where(low >= 0, self._counts(weights, np.maximum(low, 0)), 0.0)
        inside = self._counts(weights, high) - before
        with np.errstate(invalid="ignore", divide="ignore"):
            median = GRID_MM * (high + (half - before) / inside)
        return np.where((half > 0) & (high < BINS), median, np.nan)

    def _counts(self, weights: FloatArray, bins: IntArray) -> FloatArray:
        counts: FloatArray = np.einsum("bn,bn->b", weights, self.within[bins])
        return counts
