"""Numbers of a group of persons as functions of how often each person counts.

The statistics of this project are functions of weights, (B, n) to (B,): how often each of n persons
is part of one of B draws. That makes B draws a matrix product over sums per person, and makes
numbers of several methods see the same persons. Each also gives its derivatives in the weights,
from which the standard error of every draw follows (the infinitesimal jackknife; Efron 1982,
chapter 6).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from focsbench.types import FloatArray, IntArray

Expansion = tuple[FloatArray, FloatArray]
"""Values (B,), and their derivatives in the weights (B, n)."""


class Statistic(Protocol):
    """A number of n subjects that does not change when all weights are multiplied by one factor."""

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Return (B,) values for weights (B, n); nan where a draw leaves nothing to measure."""
        ...

    def expanded(self, weights: FloatArray) -> Expansion:
        """Return the values and their derivatives in the weights."""
        ...


class Exchangeable(Statistic, Protocol):
    """A number whose subjects may come from either of two methods."""

    def joined(self, other: Exchangeable) -> Statistic:
        """Return the same number of the subjects of both, (B, n + m) weights.

        Raises:
            TypeError: if the other one is another kind of number.
        """
        ...


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

    def expanded(self, weights: FloatArray) -> Expansion:
        """Return the means and their derivatives."""
        totals = weights @ self.counts
        with np.errstate(invalid="ignore", divide="ignore"):
            means = (weights @ self.sums) / totals
            gradient = (1 / totals) @ self.sums.T - (means / totals) @ self.counts.T
        return np.asarray(means.mean(axis=1)), gradient / self.sums.shape[1]

    def joined(self, other: Exchangeable) -> Statistic:
        """Return the mean over the subjects of both."""
        if not isinstance(other, StratifiedMean):
            raise TypeError("only means can be exchanged with means")
        return StratifiedMean(
            np.concatenate([self.sums, other.sums]), np.concatenate([self.counts, other.counts])
        )


@dataclass(frozen=True)
class PooledStd:
    """Population standard deviation of the pool of all values of the subjects.

    sums, squares, counts: (n,) per subject: sum of its values, of their squares, and their number.
    """

    sums: FloatArray
    squares: FloatArray
    counts: FloatArray

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Return (B,) standard deviations; nan where the pool is empty."""
        return self._moments(weights)[2]

    def expanded(self, weights: FloatArray) -> Expansion:
        """Return the standard deviations and their derivatives."""
        total, mean, std = self._moments(weights)
        with np.errstate(invalid="ignore", divide="ignore"):
            centred = self.squares - 2 * mean[:, None] * self.sums
            centred += (mean**2 - std**2)[:, None] * self.counts
            gradient = centred / (2 * std * total)[:, None]
        return std, np.where((std > 0)[:, None], gradient, 0.0 * gradient)

    def joined(self, other: Exchangeable) -> Statistic:
        """Return the standard deviation over the subjects of both."""
        if not isinstance(other, PooledStd):
            raise TypeError("only standard deviations can be exchanged with standard deviations")
        names = ("sums", "squares", "counts")
        return PooledStd(*(np.concatenate([getattr(p, n) for p in (self, other)]) for n in names))

    def _moments(self, weights: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        total = weights @ self.counts
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = (weights @ self.sums) / total
            variance = (weights @ self.squares) / total - mean**2
        return total, mean, np.sqrt(np.maximum(variance, 0.0))


Combination = Callable[[FloatArray], tuple[FloatArray, FloatArray]]
"""Values of K parts (B, K) to the combined values (B,) and their derivatives in the parts."""


@dataclass(frozen=True)
class Combined:
    """A number made of several numbers of the same subjects."""

    parts: Sequence[Statistic]
    combine: Combination

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Return (B,) combined values."""
        return self.combine(np.stack([part(weights) for part in self.parts], axis=1))[0]

    def expanded(self, weights: FloatArray) -> Expansion:
        """Return the combined values and their derivatives, by the chain rule."""
        values, gradients = zip(*(part.expanded(weights) for part in self.parts), strict=True)
        combined, partial = self.combine(np.stack(values, axis=1))
        gradient = sum(
            partial[:, place, None] * each for place, each in enumerate(gradients)
        )  # fmt: skip
        return combined, np.asarray(gradient)


@dataclass(frozen=True)
class Restricted:
    """A number of some of n subjects as a number of all of them.

    columns: places of its own subjects among all.
    """

    part: Statistic
    columns: IntArray

    def __call__(self, weights: FloatArray) -> FloatArray:
        """Return the values; the weights of the others do not matter."""
        return self.part(weights[:, self.columns])

    def expanded(self, weights: FloatArray) -> Expansion:
        """Return the values and their derivatives, which are 0 for the others."""
        values, own = self.part.expanded(weights[:, self.columns])
        gradient = np.zeros(weights.shape)
        gradient[:, self.columns] = own
        return values, gradient


def relative_difference(measured: Statistic, reference: Statistic) -> Statistic:
    """Return (measured - reference) / reference on the same draws."""

    def combine(values: FloatArray) -> tuple[FloatArray, FloatArray]:
        first, second = values.T
        with np.errstate(invalid="ignore", divide="ignore"):
            return first / second - 1, np.stack([1 / second, -first / second**2], axis=1)

    return Combined((measured, reference), combine)


def difference(measured: Statistic, reference: Statistic) -> Statistic:
    """Return measured - reference on the same draws."""
    return weighted_sum((measured, reference), (1.0, -1.0))


def weighted_sum(parts: Sequence[Statistic], factors: Sequence[float]) -> Statistic:
    """Return the sum of the parts, each times its factor."""
    row = np.asarray(factors, dtype=np.float64)

    def combine(values: FloatArray) -> tuple[FloatArray, FloatArray]:
        return values @ row, np.broadcast_to(row, values.shape)

    return Combined(parts, combine)


def value_range(parts: Sequence[Statistic]) -> Statistic:
    """Return the greatest minus the least of the parts."""

    def combine(values: FloatArray) -> tuple[FloatArray, FloatArray]:
        rows = np.arange(len(values))
        high, low = values.argmax(axis=1), values.argmin(axis=1)
        partial = np.zeros(values.shape)
        partial[rows, high] += 1
        partial[rows, low] -= 1
        return values[rows, high] - values[rows, low], partial

    return Combined(parts, combine)
