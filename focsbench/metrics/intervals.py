"""Confidence intervals by subject.

Images of one person are not independent, so persons are drawn with replacement, each with all of
its images (the cluster bootstrap; Davison and Hinkley 1997, section 3.8). A draw is written as
weights: how often each of the n persons was drawn. Every number here is a function of weights,
(B, n) to (B,), which makes B draws a matrix product over sums per person, and makes numbers of
several methods see the same persons: the interval of a difference is a paired one.

The interval is the bias-corrected accelerated one (Efron 1987), the default of
``scipy.stats.bootstrap``; that function draws anew for each statistic and cannot draw rows of
histograms, so it serves the tests as the reference.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.special import ndtr, ndtri

from focsbench.types import FloatArray, IntArray

Statistic = Callable[[FloatArray], FloatArray]
"""Weights (B, n) of the n subjects to values (B,); nan where a draw leaves nothing to measure."""

RESAMPLES = 10_000
LEVEL = 0.95
FEWEST_SUBJECTS = 5  # below that, draws are too few different ones for an interval
_BLOCK = 1 << 21  # weights held as float64 at a time


@dataclass(frozen=True)
class Interval:
    """A confidence interval of a level in (0, 1)."""

    low: float
    high: float
    level: float = LEVEL

    def __contains__(self, value: float) -> bool:
        return self.low <= value <= self.high


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
    value, values, moments = 0.0, np.zeros(resamples), np.zeros(2)
    for place, each in enumerate(populations):
        n = each.subjects
        value += float(each.statistic(np.ones((1, n)))[0])
        values += _resampled(each, subject_draws(n, resamples, seed + place))
        influence = (n - 1) * _leave_one_out(each)
        moments += [(influence**2).sum() / n**2, (influence**3).sum() / n**3]
    if not (np.isfinite(value) and np.isfinite(values).all() and np.isfinite(moments).all()):
        return None
    low, high = _corrected_quantiles(values, value, moments, level)
    return Interval(low / len(populations), high / len(populations), level)


def _resampled(population: Population, draws: IntArray) -> FloatArray:
    rows = max(1, _BLOCK // population.subjects)
    blocks = [
        population.statistic(draws[start : start + rows].astype(np.float64))
        for start in range(0, len(draws), rows)
    ]
    return np.concatenate(blocks)


def _leave_one_out(population: Population) -> FloatArray:
    """Return mean minus value of the statistic without each subject in turn, (subjects,)."""
    n = population.subjects
    rows = max(1, _BLOCK // n)
    parts = []
    for start in range(0, n, rows):
        stop = min(start + rows, n)
        weights = np.ones((stop - start, n))
        weights[np.arange(stop - start), np.arange(start, stop)] = 0
        parts.append(population.statistic(weights))
    values = np.concatenate(parts)
    return np.asarray(values.mean() - values)


def _corrected_quantiles(
    values: FloatArray, value: float, moments: FloatArray, level: float
) -> tuple[float, float]:
    """Return the BCa limits of a bootstrap distribution (Efron and Tibshirani 1993, eq. 14.9)."""
    # Rounding differs between draws that are equal in exact arithmetic; they are no bias.
    same = np.isclose(values, value, rtol=1e-12, atol=1e-15)
    below = ((values < value) & ~same).mean() + same.mean() / 2
    bias = ndtri(np.clip(below, 0.5 / len(values), 1 - 0.5 / len(values)))
    acceleration = moments[1] / (6 * moments[0] ** 1.5) if moments[0] > 0 else 0.0
    normal = bias + ndtri([(1 - level) / 2, (1 + level) / 2])
    low, high = np.quantile(values, ndtr(bias + normal / (1 - acceleration * normal)))
    return float(low), float(high)


@dataclass(frozen=True)
class StratifiedMean:
    """Mean over images of each stratum, then the plain mean of the strata.

    sums, counts: (n, K) sum and number of values per subject and stratum; K = 1 is a mean.
    """

    sums: FloatArray
    counts: FloatArray

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Return (B,) means; nan where a stratum has no image."""
        with np.errstate(invalid="ignore"):
            means = (weights @ self.sums) / (weights @ self.counts)
        return np.asarray(means.mean(axis=1))


def relative_difference(measured: Statistic, reference: Statistic) -> Statistic:
    """Return (measured - reference) / reference on the same draws."""

    def statistic(weights: FloatArray) -> FloatArray:
        return measured(weights) / reference(weights) - 1

    return statistic
