"""Loops over millions of distances that numpy could only do with copies of them."""

from __future__ import annotations

import numpy as np

from focsbench.jit import helper, kernel
from focsbench.types import FloatArray, IntArray


@helper
def _bin(distance: float, step: float, last: int) -> int:
    """The least k with distance <= k * step, at most ``last``; the quotient may be off by one."""
    quotient = distance / step
    if quotient > last:
        return last
    k = int(np.ceil(quotient))
    if k > 0 and (k - 1) * step >= distance:
        return k - 1
    if k * step < distance:
        return k + 1
    return k


@kernel
def add_distances(distances: FloatArray, step: float, counts: IntArray) -> tuple[float, float]:
    """Count distances up to each multiple of a step.

    Args:
        distances: (N,) float.
        step: width of a bin, in the unit of the distances.
        counts: (K + 2,) int64, added to: at k those above (k - 1) * step and up to k * step, at
            the last place those above K * step.

    Returns:
        Their sum and the sum of their squares; (-1, -1), with counts half done, if one is negative
        or not finite.
    """
    last = len(counts) - 1
    total, squares = 0.0, 0.0
    for index in range(len(distances)):
        distance = np.float64(distances[index])
        if not (distance >= 0 and distance < np.inf):
            return -1.0, -1.0
        total += distance
        squares += distance * distance
        counts[_bin(distance, step, last)] += 1
    return total, squares


@kernel
def distances_in_bins(
    distances: FloatArray, step: float, last: int, first_bin: int, last_bin: int, found: FloatArray
) -> int:
    """Copy the distances of some bins of :func:`add_distances`; return how many there are.

    Args:
        distances: (N,) float.
        step: width of a bin.
        last: index of the last bin, which has all that is beyond.
        first_bin: the first wanted bin.
        last_bin: the last wanted bin.
        found: (M,) float64 with room for them, written from its start.
    """
    count = 0
    for index in range(len(distances)):
        distance = np.float64(distances[index])
        # Most distances are far from the bin: two comparisons spare them the division.
        if distance < (first_bin - 2) * step or (
            distance > (last_bin + 2) * step and last_bin < last
        ):
            continue
        if first_bin <= _bin(distance, step, last) <= last_bin:
            found[count] = distance
            count += 1
    return count
