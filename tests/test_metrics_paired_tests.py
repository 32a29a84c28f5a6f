"""Permutation tests by subject against scipy and against counting by hand."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from focsbench.metrics.distance_pool import DistancePool
from focsbench.metrics.paired_tests import (
    Pair,
    adjusted,
    is_exact,
    permutation_test,
    subject_swaps,
)
from focsbench.metrics.weighted_statistics import StratifiedMean


def mean_of(values: np.ndarray) -> StratifiedMean:
    """One image per person."""
    return StratifiedMean(values[:, None], np.ones((len(values), 1)))


def p_of(first, second, count, **options):
    return permutation_test([Pair(first, second, np.arange(count))], count, **options)


def scipy_p(a, b, resamples=10_000):
    return stats.permutation_test(
        (a, b), lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples",
        vectorized=True, n_resamples=resamples, rng=np.random.default_rng(0),
    ).pvalue  # fmt: skip


@pytest.mark.parametrize("count", [3, 6, 10, 13])
def test_small_samples_are_tested_exactly_as_scipy_does(count: int):
    rng = np.random.default_rng(count)
    for shift in (0.0, 0.3, 1.0):
        a = rng.normal(shift, 1, count)
        b = rng.normal(0, 1, count)
        assert p_of(mean_of(a), mean_of(b), count) == pytest.approx(scipy_p(a, b), rel=1e-12)


@pytest.mark.parametrize("shift", [0.0, 0.2, 0.5, 3.0])
def test_larger_samples_agree_with_scipy_to_the_error_of_sampling(shift: float):
    rng = np.random.default_rng(7)
    a, b = rng.normal(shift, 1, 40), rng.normal(0, 1, 40)
    found, expected = p_of(mean_of(a), mean_of(b), 40), scipy_p(a, b)
    assert found == pytest.approx(expected, abs=4 * np.sqrt(expected / 10_000) + 2e-4)
    assert found > 0


def test_all_exchanges_once_or_random_ones():
    swaps = subject_swaps(4, 100)
    assert sorted(map(tuple, swaps.tolist())) == sorted(product([False, True], repeat=4))
    assert is_exact(13)
    assert not is_exact(14)
    some = subject_swaps(14, 5000, seed=2)
    assert some.shape == (5000, 14)
    assert np.array_equal(some, subject_swaps(14, 5000, seed=2))
    assert some.mean(axis=0) == pytest.approx(np.full(14, 0.5), abs=0.04)


def test_pooled_medians_are_exchanged_by_person():
    """Against putting every exchanged pool together."""
    rng = np.random.default_rng(3)
    sizes = rng.integers(30, 60, 6)
    mine = [np.abs(rng.normal(0, 1.3, size)) for size in sizes]
    theirs = [np.abs(rng.normal(0, 1.0, size)) for size in sizes]

    def pool(parts):
        names = {str(place): str(place) for place in range(6)}
        return DistancePool.of(names, lambda key: parts[int(key)]).median

    def naive(swap):
        first = [b if s else a for a, b, s in zip(mine, theirs, swap, strict=True)]
        second = [a if s else b for a, b, s in zip(mine, theirs, swap, strict=True)]
        return np.median(np.concatenate(first)) - np.median(np.concatenate(second))

    observed = abs(naive([0] * 6))
    every = [abs(naive(swap)) for swap in product([0, 1], repeat=6)]
    # the medians of the histograms are known to 0.001 mm, so ties may fall either way
    low = np.mean([value >= observed + 0.05 for value in every])
    high = np.mean([value >= observed - 0.05 for value in every])
    found = p_of(pool(mine), pool(theirs), 6)
    assert found is not None
    assert low <= found <= high


def test_two_runs_are_one_test():
    rng = np.random.default_rng(5)
    a, b = rng.normal(0.4, 1, 10), rng.normal(0, 1, 10)
    parts = [
        Pair(mean_of(a[:4]), mean_of(b[:4]), np.arange(4)),
        Pair(mean_of(a[4:]), mean_of(b[4:]), np.arange(4, 10)),
    ]
    observed = (a - b)[:4].mean() + (a - b)[4:].mean()
    signs = np.array(list(product([1, -1], repeat=10)))
    every = (signs[:, :4] * (a - b)[:4]).mean(axis=1) + (signs[:, 4:] * (a - b)[4:]).mean(axis=1)
    expected = np.mean(np.abs(every) >= abs(observed) - 1e-12)
    assert permutation_test(parts, 10) == pytest.approx(expected)


def test_a_test_without_people_or_values_says_nothing():
    assert p_of(mean_of(np.ones(1)), mean_of(np.zeros(1)), 1) is None
    empty = StratifiedMean(np.zeros((3, 1)), np.zeros((3, 1)))
    assert p_of(empty, empty, 3) is None
    assert p_of(mean_of(np.ones(6)), mean_of(np.ones(6)), 6) == 1.0


def test_chance_alone_is_rarely_significant():
    rng = np.random.default_rng(1)
    ps = [
        p_of(mean_of(rng.exponential(1, 12)), mean_of(rng.exponential(1, 12)), 12)
        for _ in range(300)
    ]
    assert np.mean([p <= 0.05 for p in ps]) == pytest.approx(0.05, abs=0.035)


@given(st.lists(st.none() | st.floats(1e-4, 1.0), max_size=12))
def test_adjusted_p_values_are_those_of_benjamini_and_hochberg(values):
    found = adjusted(values)
    known = sorted(value for value in values if value is not None)
    for value, after in zip(values, found, strict=True):
        if value is None:
            assert after is None
            continue
        # the textbook step-up rule
        by_rank = [p * len(known) / rank for rank, p in enumerate(known, start=1) if p >= value]
        assert after == pytest.approx(min(1.0, *by_rank))
