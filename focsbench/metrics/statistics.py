"""Means over images."""

from __future__ import annotations

import math
from collections.abc import Sequence


def mean_and_std(values: Sequence[float]) -> tuple[float, float]:
    """Return the mean and the population standard deviation, independent of the order.

    Raises:
        ValueError: if there is no value, or one that is not finite: a failure must be left out
            and reported, not averaged.
    """
    if not values:
        raise ValueError("no values to average")
    if not all(math.isfinite(value) for value in values):
        raise ValueError("a value is not finite: leave failed items out and report them")
    mean = math.fsum(values) / len(values)
    variance = math.fsum((value - mean) ** 2 for value in values) / len(values)
    return mean, math.sqrt(variance)
