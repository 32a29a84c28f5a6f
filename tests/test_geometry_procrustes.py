from __future__ import annotations

import numpy as np
import pytest
from geometry_support import random_similarity
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from focsbench.geometry.procrustes import procrustes
from focsbench.geometry.rotation import cross_matrix, rotation_derivative, rotation_from_vector

SEEDS = st.integers(0, 2**32 - 1)


@given(SEEDS)
def test_a_known_similarity_is_found(seed):
    rng = np.random.default_rng(seed)
    known = random_similarity(rng, (0.01, 1000))
    source = rng.normal(size=(7, 3))
    found = procrustes(source, known.apply(source))
    assert found.scale == pytest.approx(known.scale, rel=1e-9)
    np.testing.assert_allclose(found.rotation, known.rotation, atol=1e-9)
    np.testing.assert_allclose(
        found.translation, known.translation, atol=1e-9 * (known.scale + 100)
    )
    assert not found.is_mirror


@given(SEEDS)
def test_rigid_alignment_agrees_with_scipy(seed):
    rng = np.random.default_rng(seed)
    source, target = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))
    found = procrustes(source, target, with_scale=False)
    centred = source - source.mean(axis=0), target - target.mean(axis=0)
    oracle = Rotation.align_vectors(centred[1], centred[0])[0].as_matrix()
    np.testing.assert_allclose(found.rotation, oracle, atol=1e-6)
    np.testing.assert_allclose(found.apply(source).mean(axis=0), target.mean(axis=0), atol=1e-12)
    assert found.scale == 1


def test_no_other_similarity_is_better():
    rng = np.random.default_rng(3)
    source, target = rng.normal(size=(7, 3)), rng.normal(size=(7, 3))

    def cost(theta):
        moved = theta[0] * source @ rotation_from_vector(theta[1:4]).T + theta[4:]
        return ((moved - target) ** 2).sum()

    found = procrustes(source, target)
    best = ((found.apply(source) - target) ** 2).sum()
    starts = rng.normal(size=(12, 7))
    searched = min(minimize(cost, start).fun for start in starts)
    assert best <= searched + 1e-8
    assert best == pytest.approx(searched, rel=1e-5)


def test_a_mirror_image_is_taken_only_where_allowed():
    source = np.random.default_rng(0).normal(size=(7, 3))
    mirrored = source * [-1, 1, 1]
    allowed = procrustes(source, mirrored, allow_reflection=True)
    assert allowed.is_mirror
    np.testing.assert_allclose(allowed.apply(source), mirrored, atol=1e-12)
    proper = procrustes(source, mirrored)
    assert not proper.is_mirror
    assert np.linalg.det(proper.rotation) == pytest.approx(1)


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        (np.ones((7, 3)), np.eye(7)[:, :3], "coincide"),
        (np.eye(7)[:, :3], np.full((7, 3), np.nan), "not finite"),
        (np.eye(7)[:, :3], np.eye(6)[:, :3], "two"),
    ],
)
def test_unusable_points(source, target, words):
    with pytest.raises(ValueError, match=words):
        procrustes(source, target)


@given(st.lists(st.floats(-3, 3), min_size=3, max_size=3))
def test_rotation_derivative_agrees_with_differences(vector):
    vector = np.array(vector)
    derivative = rotation_derivative(vector, rotation_from_vector(vector))
    for k, step in enumerate(np.eye(3) * 1e-6):
        ahead, behind = rotation_from_vector(vector + step), rotation_from_vector(vector - step)
        np.testing.assert_allclose(derivative[k], (ahead - behind) / 2e-6, atol=1e-7)


@pytest.mark.parametrize("length", [1e-13, 1e-11, 1e-8, 1e-5])
def test_rotation_derivative_near_the_identity(length):
    vector = length * np.array([0.6, 0.0, -0.8])
    derivative = rotation_derivative(vector, rotation_from_vector(vector))
    expected = np.stack([cross_matrix(axis) for axis in np.eye(3)])
    np.testing.assert_allclose(derivative, expected, atol=2 * length + 1e-5)
