from __future__ import annotations

import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focsbench.metrics.scan_distance import distance_statistics
from focsbench.metrics.statistics import mean_and_std

DISTANCES = st.lists(st.floats(0, 100), min_size=1, max_size=30)


@given(st.lists(DISTANCES, min_size=1, max_size=4))
def test_pool_agrees_with_the_standard_library(parts):
    pool = [value for part in parts for value in part]
    found = distance_statistics([np.array(part) for part in parts])
    assert found.n == len(pool)
    assert found.median == pytest.approx(statistics.median(pool))
    assert found.mean == pytest.approx(statistics.fmean(pool))
    assert found.std == pytest.approx(statistics.pstdev(pool), abs=1e-7)


def test_images_weigh_by_their_number_of_vertices():
    found = distance_statistics([np.zeros(900), np.ones(100)])
    assert (found.median, found.mean, found.n) == (0, 0.1, 1000)


@pytest.mark.parametrize("bad", [[], [np.zeros(0)], [np.array([1, np.nan])], [np.array([-1.0])]])
def test_unusable_pools(bad):
    with pytest.raises(ValueError, match=r"empty|not finite"):
        distance_statistics(bad)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=30), st.randoms())
def test_mean_and_std(values, random):
    mean, std = mean_and_std(values)
    assert mean == pytest.approx(statistics.fmean(values), abs=1e-6)
    assert std == pytest.approx(statistics.pstdev(values), rel=1e-6, abs=1e-6)
    shuffled = random.sample(values, len(values))
    assert mean_and_std(shuffled) == (mean, std)


@pytest.mark.parametrize("bad", [[], [1.0, float("nan")], [float("inf")]])
def test_no_mean_of_failures(bad):
    with pytest.raises(ValueError, match=r"no values|not finite"):
        mean_and_std(bad)
