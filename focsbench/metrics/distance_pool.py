"""Pools of scan distances, counted part by part: medians, curves, and both by subject.

A pool may be larger than the memory: ten methods on the scans of NoW have 160 million distances.
Only histograms of 0.001 mm per person are kept. The median of the pool is exact all the same: a
second look at the distances fetches those of the bin that holds it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np

from focsbench.metrics.distance_kernels import add_distances, distances_in_bins
from focsbench.metrics.pooled_intervals import PooledMedian
from focsbench.metrics.scan_distance import DistanceStatistics
from focsbench.metrics.weighted_statistics import PooledStd, StratifiedMean
from focsbench.types import FloatArray, IntArray

GRID_MM = 0.001
RANGE_MM = 30.0
BINS = round(RANGE_MM / GRID_MM)
BAD = "a distance is negative or not finite"


def count_distances(
    distances: FloatArray, counts: IntArray, step: float = GRID_MM
) -> tuple[float, float]:
    """Add distances to a histogram; see :func:`.distance_kernels.add_distances`.

    Raises:
        ValueError: if a distance is negative or not finite.
    """
    total, squares = add_distances(np.ravel(distances), step, counts)
    if total < 0:
        raise ValueError(BAD)
    return total, squares


@dataclass(frozen=True)
class DistancePool:
    """The distances of some images, by subject.

    subjects: (n) in the order of the rows.
    counts: (n, 30,002) int32: at k the distances up to k * 0.001 mm, last those beyond 30 mm.
    sums, squares, sizes: (n,) sum (mm), sum of squares and number of distances.
    parts: keys of the images. read: gives the distances of one.
    """

    subjects: tuple[str, ...]
    counts: IntArray
    sums: FloatArray
    squares: FloatArray
    sizes: IntArray
    parts: tuple[str, ...] = ()
    read: Callable[[str], FloatArray] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, members: Mapping[str, str], read: Callable[[str], FloatArray]) -> DistancePool:
        """Count a pool; one image is in memory at a time.

        Args:
            members: subject by key of every image.
            read: gives the distances of an image by its key, (N,) float mm.

        Raises:
            ValueError: if there is no distance, or one that is negative or not finite.
        """
        by_subject: dict[str, list[str]] = {}
        for key in sorted(members):
            by_subject.setdefault(members[key], []).append(key)
        subjects = tuple(sorted(by_subject))
        counts = np.zeros((len(subjects), BINS + 2), dtype=np.int32)
        sums, squares = np.zeros(len(subjects)), np.zeros(len(subjects))
        own = np.zeros(BINS + 2, dtype=np.int64)
        for place, subject in enumerate(subjects):
            own[:] = 0
            for key in by_subject[subject]:
                total, square = count_distances(read(key), own)
                sums[place] += total
                squares[place] += square
            counts[place] = own
        sizes = counts.sum(axis=1, dtype=np.int64)
        if not sizes.sum():
            raise ValueError("the pool of distances is empty")
        return cls(subjects, counts, sums, squares, sizes, tuple(sorted(members)), read)

    def statistics(self) -> DistanceStatistics:
        """Return median, mean and population standard deviation (mm) of the pool, and its size."""
        n = int(self.sizes.sum())
        mean = float(self.sums.sum()) / n
        variance = max(float(self.squares.sum()) / n - mean**2, 0.0)
        return DistanceStatistics(self._exact_median(), mean, variance**0.5, n)

    @property
    def mean(self) -> StratifiedMean:
        """The mean as a function of weights of the subjects."""
        return StratifiedMean(self.sums[:, None], self.sizes[:, None].astype(np.float64))

    @property
    def std(self) -> PooledStd:
        """The standard deviation as a function of weights of the subjects."""
        return PooledStd(self.sums, self.squares, self.sizes.astype(np.float64))

    @cached_property
    def median(self) -> PooledMedian:
        """The median as a function of weights of the subjects, to 0.001 mm."""
        used = np.flatnonzero(self.counts.any(axis=0))[-1] + 1  # nothing is beyond that bin
        within = np.cumsum(self.counts[:, :used], axis=1, dtype=np.float64)
        return PooledMedian(np.ascontiguousarray(within.T), GRID_MM, BINS)

    def within(self, every: int, points: int) -> IntArray:
        """Return the number of distances within 0, every, … bins, (n, points) int64."""
        within = np.cumsum(self.counts[:, : every * (points - 1) + 1], axis=1, dtype=np.int64)
        return within[:, ::every]

    def _exact_median(self) -> float:
        total = np.cumsum(self.counts.sum(axis=0, dtype=np.int64))
        n = int(total[-1])
        ranks = np.array([(n - 1) // 2, n // 2])
        first, last = (int(k) for k in np.searchsorted(total, ranks, side="right"))
        below = int(total[first - 1]) if first else 0
        if self.read is None:
            raise ValueError("the distances themselves are not at hand")
        found = np.empty(int(total[last]) - below)
        filled = 0
        for key in self.parts:
            part = np.ravel(self.read(key))
            room = found[filled:]
            filled += distances_in_bins(part, GRID_MM, BINS + 1, first, last, room)
        return float(np.partition(found, ranks - below)[ranks - below].mean())
