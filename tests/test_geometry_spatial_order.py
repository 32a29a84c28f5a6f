from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focsbench.geometry.spatial_order import spatial_order


@given(st.integers(0, 2**32 - 1), st.integers(0, 200), st.integers(1, 20), st.booleans())
def test_every_split_is_a_split_of_a_k_d_tree(seed, count, run, on_lattice):
    rng = np.random.default_rng(seed)
    points = rng.integers(0, 3, (count, 3)) * 1.0 if on_lattice else rng.normal(size=(count, 3))
    order = spatial_order(points, run)
    assert sorted(order) == list(range(count))
    step = 2.0**-29 * (np.ptp(points) if count else 0)  # positions are rounded for sorting
    check_splits(points[order], run, step)


def check_splits(points, run, step):
    """The first part of each range lies below the second along some axis."""
    if len(points) <= run:
        return
    half = run
    while 2 * half < len(points):
        half *= 2
    low, high = points[:half], points[half:]
    assert (low.max(axis=0) <= high.min(axis=0) + step).any()
    check_splits(low, run, step)
    check_splits(high, run, step)


@pytest.mark.parametrize("scale", [0.0, 1e-300, 1e300])
def test_any_extent(scale):
    points = np.random.default_rng(0).uniform(size=(500, 3)) * scale
    assert sorted(spatial_order(points, 8)) == list(range(500))
