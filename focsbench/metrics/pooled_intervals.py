"""Medians of pools of scan distances as functions of subject weights.

The pool of a draw of persons is never put together: each person keeps one histogram on a fine
grid, and the median of a draw is found by bisection in the weighted sum of the cumulative ones.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.metrics.weighted_statistics import Exchangeable, Expansion, Statistic
from focsbench.types import FloatArray, IntArray

# Half-width of the stretch that the density of the pool at its median is taken from, in medians.
DENSITY_REACH = 0.2


@dataclass(frozen=True)
class PooledMedian:
    """Median of the pooled distances, to the width of a bin.

    within: (K, n) number of distances up to k bins, per subject: the transpose of cumulative
        histograms, so that one bin of all subjects lies together. The last row has all.
    step: width of a bin, mm.
    last: the last bin that has an upper end; what is in the one after it is not known closer.
    """

    within: FloatArray
    step: float
    last: int

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Return (B,) medians, mm; nan where the pool is empty or the median beyond the grid."""
        return self._located(weights)[0]

    def expanded(self, weights: FloatArray) -> Expansion:
        """Return the medians and their derivatives.

        A further distance below the median moves it by half a distance over the density there.
        """
        medians, bins = self._located(weights)
        end = len(self.within) - 1
        reach = np.maximum(1, np.round(DENSITY_REACH * bins)).astype(np.int64)
        low, high = np.maximum(bins - reach, 0), np.minimum(bins + reach, end)
        inside = self._counts(weights, high) - self._counts(weights, low)
        with np.errstate(invalid="ignore", divide="ignore"):
            density = inside / (self.step * (high - low))
            share = (medians / self.step - (bins - 1))[:, None]  # of its own bin
            before = np.where((bins > 0)[:, None], self.within[np.maximum(bins - 1, 0)], 0.0)
            below = before + share * (self.within[bins] - before)
            # Exactly half of the pool is below: the derivatives add up to nothing.
            gradient = (self.within[-1] / 2 - below) / density[:, None]
        return medians, gradient

    def joined(self, other: Exchangeable) -> Statistic:
        """Return the median over the subjects of both."""
        if not isinstance(other, PooledMedian) or (self.step, self.last) != (
            other.step,
            other.last,
        ):
            raise TypeError("only medians on one grid can be exchanged")
        rows = max(len(self.within), len(other.within))
        both = [
            np.pad(each.within, ((0, rows - len(each.within)), (0, 0)), mode="edge")
            for each in (self, other)
        ]
        return PooledMedian(np.concatenate(both, axis=1), self.step, self.last)

    def _located(self, weights: FloatArray) -> tuple[FloatArray, IntArray]:
        """Return medians (mm) and the bins that hold them, (B,) each."""
        total = weights @ self.within[-1]
        half = total / 2
        low = np.full(len(weights), -1)  # the last bin known to end below the median
        high = np.full(len(weights), len(self.within) - 1)
        while (high - low).max() > 1:
            middle = (low + high + 1) // 2  # high itself, once the two are neighbours
            reached = self._counts(weights, middle) >= half
            high = np.where(reached, middle, high)
            low = np.where(reached, low, middle)
        before = np.where(low >= 0, self._counts(weights, np.maximum(low, 0)), 0.0)
        inside = self._counts(weights, high) - before
        with np.errstate(invalid="ignore", divide="ignore"):
            median = self.step * np.maximum(high - 1 + (half - before) / inside, 0.0)
        known = (total > 0) & (high <= self.last)
        return np.where(known, median, np.nan), high

    def _counts(self, weights: FloatArray, bins: IntArray) -> FloatArray:
        counts: FloatArray = np.einsum("bn,bn->b", weights, self.within[bins])
        return counts
