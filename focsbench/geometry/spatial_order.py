"""An order of points in which neighbours in the list are neighbours in space."""

from __future__ import annotations

import numpy as np

from focsbench.jit import helper, kernel
from focsbench.types import FloatArray, IntArray

_NUMBER_BITS = 32
_NUMBER_MASK = (1 << _NUMBER_BITS) - 1
_STEPS = 1 << 30
_SAMPLES = 128


def spatial_order(points: FloatArray, run: int) -> IntArray:
    """Return the permutation (N,) that makes every aligned run of points compact.

    The points are split at the median of their widest axis, over and over, each time so that
    the first part is ``run`` times a power of two. So the points ``[k m, (k + 1) m)`` of the new
    order share one box of a k-d tree for every m that is ``run`` times a power of two.

    Args:
        points: (N, 3), finite.
        run: at least 1; inside runs of so many points the order does not matter.
    """
    return _split(_whole_places(np.array(points, dtype=np.float64, order="C")), run)


@kernel
def _whole_places(points: FloatArray) -> IntArray:
    """The points (N, 3) as whole numbers from 0 to _STEPS.

    So the position and the number of a point fit one word, and no two words are equal.
    """
    least, width = np.zeros(3), 0.0
    for k in range(3 if len(points) > 0 else 0):
        least[k] = most = points[0, k]
        for i in range(len(points)):
            least[k], most = min(least[k], points[i, k]), max(most, points[i, k])
        width = max(width, most - least[k])
    places = np.zeros(points.shape, np.int64)
    if width > 0:
        for i in range(len(points)):
            for k in range(3):
                places[i, k] = int((points[i, k] - least[k]) / width * _STEPS)
    return places


@kernel
def _split(places: IntArray, run: int) -> IntArray:
    """The permutation for positions (N, 3) in [0, _STEPS]."""
    words = np.arange(len(places))
    spare = np.zeros_like(words)
    waiting = np.zeros((64, 2), np.int64)  # half of a range waits while the other is split
    waiting[0, 1] = len(places)
    depth = 1
    while depth > 0:
        depth -= 1
        low, high = waiting[depth, 0], waiting[depth, 1]
        if high - low <= run:
            continue
        half = run
        while 2 * half < high - low:
            half *= 2
        axis = _widest_axis(places, words, low, high)
        for i in range(low, high):
            words[i] |= places[words[i], axis] << _NUMBER_BITS
        _select(words, spare, low, high, low + half)
        for i in range(low, high):
            words[i] &= _NUMBER_MASK
        waiting[depth + 1, 0], waiting[depth + 1, 1] = low + half, high
        waiting[depth, 1] = low + half
        depth += 2
    return words


@helper
def _widest_axis(places: IntArray, words: IntArray, low: int, high: int) -> int:
    """The axis along which the points [low, high) spread most, judged by some of them."""
    axis, widest = 0, -1
    for k in range(3):
        least, most = _STEPS, 0
        for i in range(low, high, 1 + (high - low) // _SAMPLES):
            place = places[words[i], k]
            least, most = min(least, place), max(most, place)
        if most - least > widest:
            axis, widest = k, most - least
    return axis


@helper
def _select(words: IntArray, spare: IntArray, low: int, high: int, k: int) -> None:
    """Quickselect on [low, high): afterwards no word before place k exceeds one from k on."""
    seed = 0
    while high - low > 2:
        # Three places by chance: rows of a grid, or what a selection before left, make any fixed
        # places a bad choice time and again.
        seed = _next_seed(seed)
        first = words[low + (seed >> 8) % (high - low)]
        seed = _next_seed(seed)
        middle = words[low + (seed >> 8) % (high - low)]
        seed = _next_seed(seed)
        last = words[low + (seed >> 8) % (high - low)]
        pivot = max(min(first, middle), min(max(first, middle), last))
        front, back = low, high - 1
        for i in range(low, high):
            # Both places are written and one of them kept: a branch nobody can predict costs more.
            word = words[i]
            spare[front] = word
            spare[back] = word
            front += int(word < pivot)
            back -= int(word >= pivot)
        for i in range(low, high):
            words[i] = spare[i]
        if k < front:
            high = front
        else:
            low = front
    if high - low == 2 and words[low] > words[low + 1]:
        words[low], words[low + 1] = words[low + 1], words[low]


@helper
def _next_seed(seed: int) -> int:
    """The next of a row of 32-bit numbers without order (Numerical Recipes' quick generator)."""
    return (seed * 1664525 + 1013904223) & 0xFFFFFFFF
