"""Confidence intervals by subject.

Images of one person are not independent, so persons are drawn with replacement, each with all of
its images (the cluster bootstrap; Davison and Hinkley 1997, section 3.8). All numbers of a
population see the same draws: the interval of a difference of methods is a paired one.

The interval is the studentised one (bootstrap-t; Efron 1982, section 10.10; Davison and Hinkley
1997, section 5.2.1): each draw is measured in standard errors of its own. With twenty persons, as
many as the validation part of NoW has, percentile and BCa intervals (the default of
``scipy.stats.bootstrap``) are too narrow; ``benchmarks/README.md`` has the simulation.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from focsbench.metrics.weighted_statistics import Statistic
from focsbench.types import FloatArray, IntArray

RESAMPLES = 10_000
LEVEL = 0.95
FEWEST_SUBJECTS = 5  # below that, draws are too few different ones for an interval
# A draw of nearly equal persons has next to no spread of its own and would stand far outside; its
# standard error counts as at least this part of that of the data.
LEAST_ERROR = 0.1
_BLOCK = 1 << 20  # weights held as float64 at a time


@dataclass(frozen=True)
class Interval:
    """A confidence interval of a level in (0, 1)."""

    low: float
    high: float
    level: float = LEVEL

    def __contains__(self, value: float) -> bool:
        slack = 1e-12 * max(abs(self.low), abs(self.high))  # equal but for rounding is inside
        return self.low - slack <= value <= self.high + slack

    def within(self, least: float, greatest: float) -> Interval:
        """Return the part of it that the number can have; the level stays what it is."""
        low, high = (min(max(end, least), greatest) for end in (self.low, self.high))
        return Interval(low, high, self.level)


@dataclass(frozen=True)
class Population:
    """Subjects that are drawn from, and what is measured on a draw.

    statistic: of weights (B, subjects).
    """

    statistic: Statistic
    subjects: int


@lru_cache(maxsize=4)
def subject_draws(subjects: int, resamples: int = RESAMPLES, seed: int = 0) -> IntArray:
    """Return how often each subject is drawn, (resamples, subjects) uint16; rows sum to subjects.

    The same arguments give the same draws, so all numbers of a population see the same persons.
    """
    rng = np.random.default_rng(seed)
    draws = np.empty((resamples, subjects), dtype=np.uint16)
    rows = max(1, _BLOCK // subjects)
    for start in range(0, resamples, rows):
        chosen = rng.integers(subjects, size=(min(rows, resamples - start), subjects))
        chosen += subjects * np.arange(len(chosen))[:, None]
        counts = np.bincount(chosen.ravel(), minlength=chosen.size)
        draws[start : start + len(chosen)] = counts.reshape(chosen.shape)
    draws.flags.writeable = False
    return draws


def mean_interval(
    populations: Sequence[Population],
    *,
    resamples: int = RESAMPLES,
    seed: int = 0,
    level: float = LEVEL,
) -> Interval | None:
    """Return the interval of the mean of one statistic per population.

    The populations are independent (other people); their draws differ by their place in the list.
    With one population this is the interval of its statistic.

    Returns:
        None if a population has less than :data:`FEWEST_SUBJECTS`, or if some draw leaves nothing
        to measure: such an interval would hide that the numbers rest on a few persons.
    """
    if any(each.subjects < FEWEST_SUBJECTS for each in populations):
        return None
    value, variance = np.zeros(1), np.zeros(1)
    values, variances = np.zeros(resamples), np.zeros(resamples)
    for place, each in enumerate(populations):
        own, own_variance = _with_variance(each.statistic, np.ones((1, each.subjects)))
        value, variance = value + own, variance + own_variance
        drawn, drawn_variance = _drawn(each, subject_draws(each.subjects, resamples, seed + place))
        values, variances = values + drawn, variances + drawn_variance
    if not all(np.isfinite(each).all() for each in (value, variance, values, variances)):
        return None
    low, high = studentised(value, variance, values[:, None], variances[:, None], level)
    count = len(populations)
    return Interval(float(low[0]) / count, float(high[0]) / count, level)


def _drawn(population: Population, draws: IntArray) -> tuple[FloatArray, FloatArray]:
    rows = max(1, _BLOCK // population.subjects)
    blocks = [
        _with_variance(population.statistic, draws[start : start + rows].astype(np.float64))
        for start in range(0, len(draws), rows)
    ]
    values, variances = zip(*blocks, strict=True)
    return np.concatenate(values), np.concatenate(variances)


def _with_variance(statistic: Statistic, weights: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return values and their variances over other draws of as many subjects, (B,) each."""
    values, gradient = statistic.expanded(weights)
    n = weights.shape[1]
    return values, n / (n - 1) * np.einsum("bn,bn,bn->b", weights, gradient, gradient)


def studentised(
    value: FloatArray, variance: FloatArray, values: FloatArray, variances: FloatArray, level: float
) -> tuple[FloatArray, FloatArray]:
    """Return the studentised limits of M numbers, (M,) each.

    Args:
        value: (M,) the numbers of the data.
        variance: (M,) their variances.
        values: (B, M) the numbers of the draws.
        variances: (B, M) the variances of those.
        level: of the interval, in (0, 1).
    """
    error = np.sqrt(variance)
    errors = np.maximum(np.sqrt(variances), LEAST_ERROR * error)
    # Rounding differs between draws that are equal in exact arithmetic; that is no spread.
    spread = error > 1e-12 * np.abs(value)
    deviations = np.where(spread, (values - value) / np.where(spread, errors, 1.0), 0.0)
    low, high = np.quantile(deviations, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return value - high * error, value - low * error
