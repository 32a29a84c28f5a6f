from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from geometry_support import grid_face, random_similarity
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.distance import cdist

from focsbench.geometry.barycentric import barycentric_weights, surface_points
from focsbench.geometry.nonrigid import RULES, BendableScan, nonrigid_fit
from focsbench.geometry.nonrigid_field import (
    AMPLITUDES_MM,
    WIDEST_MM,
    SmoothField,
    spread_indices,
)
from focsbench.geometry.procrustes import procrustes
from focsbench.geometry.scan_alignment import align_to_scan
from focsbench.geometry.scan_crop import crop_scan
from focsbench.geometry.true_error import true_correspondence
from focsbench.types import Mesh

SEEDS = st.integers(0, 2**32 - 1)
QUICK = replace(RULES, samples=600, nodes=80, modes=50, steps=4)


def fit(points, scan_landmarks, mesh, landmarks, rules=QUICK):
    alignment = align_to_scan(points, scan_landmarks, mesh, landmarks)
    return alignment, nonrigid_fit(
        BendableScan(points, scan_landmarks, rules), landmarks, alignment
    )


def cropped(mesh, landmarks):
    return mesh.vertices[crop_scan(mesh.vertices, landmarks)]


def dome(size=45):
    """A smooth part of a sphere of 90 mm, and seven landmarks on its vertices."""
    x, y = np.meshgrid(np.linspace(-80, 80, size), np.linspace(-80, 80, size))
    flat = np.hypot(x, y)
    angle = flat / 90
    ray = np.divide(np.sin(angle), flat, out=np.full_like(flat, 1 / 90), where=flat > 0)
    vertices = 90 * np.stack([x * ray, y * ray, np.cos(angle)], axis=-1).reshape(-1, 3)
    mesh, _ = grid_face(size)
    wanted = [(-45, 35), (-15, 35), (15, 35), (45, 35), (0, -20), (-25, -50), (25, -50)]
    marks = [np.hypot(x.ravel() - u, y.ravel() - v).argmin() for u, v in wanted]
    return Mesh(vertices, mesh.triangles), marks


def slid(mesh, most):
    """The vertices of a dome moved along it, most at the nose and not at all far from it."""
    vertices = mesh.vertices
    nose = np.array([0, -20, 87.0])
    push = most * np.exp(-((vertices - nose) ** 2).sum(axis=1) / (2 * 30**2))
    moved = vertices + push[:, None] * np.array([0, -1, 0])
    return 90 * moved / np.linalg.norm(moved, axis=1, keepdims=True)


def test_truth_as_prediction_has_no_error():
    mesh, landmarks = grid_face(40)
    alignment, result = fit(cropped(mesh, landmarks), landmarks, mesh, landmarks)
    assert alignment.distances.max() < 1e-9
    assert result.distances.max() < 1e-6
    assert result.matched.all()
    np.testing.assert_allclose(result.transform.apply(mesh.vertices), mesh.vertices, atol=1e-6)


def test_a_slid_surface_is_seen_by_its_landmarks_only_without_rigidity():
    truth, marks = dome()
    points, landmarks = cropped(truth, truth.vertices[marks]), truth.vertices[marks]
    prediction = Mesh(slid(truth, 5.0), truth.triangles)
    moved = prediction.vertices[marks]
    rigid, result = fit(points, landmarks, prediction, moved)
    errors = true_correspondence(points, landmarks, truth, landmarks).errors(prediction.vertices)
    assert errors.max() > 3
    assert rigid.distances.mean() < 0.2  # the surface is the same
    assert result.distances.mean() == pytest.approx(errors.mean(), rel=0.35)
    assert np.corrcoef(result.distances, errors)[0, 1] > 0.9
    # without landmarks that tell, nobody can see it
    _, blind = fit(points, landmarks, prediction, landmarks)
    assert blind.distances.mean() < 0.3


def test_features_reveal_a_shift_that_landmarks_do_not():
    """A ridge that sits 6 mm too low: its landmarks are right, its shape is not."""
    truth, landmarks = grid_face(50)
    x, y, z = truth.vertices.T

    def ridge(height):
        return np.column_stack([x, y, z + 6 * np.exp(-((y - height) ** 2) / 60)])

    points = cropped(Mesh(ridge(60), truth.triangles), landmarks)
    rigid, result = fit(points, landmarks, Mesh(ridge(54), truth.triangles), landmarks)
    near, far = np.abs(points[:, 1] - 60) < 8, points[:, 1] < 0
    assert np.median(result.distances[near]) > 2 * np.median(result.distances[far])
    assert np.median(result.distances[near]) > 2 * np.median(rigid.distances[near])


@settings(max_examples=6, deadline=None)
@given(SEEDS)
def test_similarity_of_the_prediction_changes_nothing(seed):
    rng = np.random.default_rng(seed)
    scan, scan_landmarks = grid_face(40, 1)
    mesh, landmarks = grid_face(25, 2)
    points = cropped(scan, scan_landmarks)
    _, plain = fit(points, scan_landmarks, mesh, landmarks)
    change = random_similarity(rng, (0.01, 10))
    moved = Mesh(change.apply(mesh.vertices), mesh.triangles)
    _, same = fit(points, scan_landmarks, moved, change.apply(landmarks))
    np.testing.assert_allclose(same.distances, plain.distances, atol=1e-4)
    np.testing.assert_array_equal(same.matched, plain.matched)


def test_the_distances_are_those_of_the_correspondence():
    scan, scan_landmarks = grid_face(40, 1)
    mesh, landmarks = grid_face(25, 2)
    points = cropped(scan, scan_landmarks)
    _, result = fit(points, scan_landmarks, mesh, landmarks)
    placed = result.transform.apply(mesh.vertices)
    found = surface_points(placed, mesh.triangles, result.triangles, result.weights)
    np.testing.assert_allclose(np.linalg.norm(found - points, axis=1), result.distances, atol=1e-9)
    assert result.weights.min() >= 0
    np.testing.assert_allclose(result.weights.sum(axis=1), 1)


@pytest.mark.parametrize("kept", ["half", "holes", "shrunk"])
def test_holes_and_partial_predictions_give_finite_numbers(kept):
    scan, scan_landmarks = grid_face(40, 1)
    mesh, landmarks = grid_face(40, 1)
    points = cropped(scan, scan_landmarks)
    centres = mesh.vertices[mesh.triangles].mean(axis=1)
    if kept == "half":
        triangles = mesh.triangles[centres[:, 0] > -20]
    elif kept == "holes":
        triangles = mesh.triangles[np.hypot(centres[:, 0], centres[:, 1] - 10) > 12]
    else:
        triangles = mesh.triangles[np.hypot(*centres[:, :2].T) < 60]
    _, result = fit(points, scan_landmarks, Mesh(mesh.vertices, triangles), landmarks)
    assert np.isfinite(result.distances).all()
    # what is missing is no match, and does not pull at what is there
    assert not result.matched.all()
    there = np.hypot(points[:, 0] - 20, points[:, 1] + 30) < 25
    assert np.median(result.distances[there]) < 1.5


def test_a_hair_decides_nothing():
    """The fit is a continuous function of the scan: rounding stays rounding."""
    rng = np.random.default_rng(0)
    scan, scan_landmarks = grid_face(40, 1)
    mesh, landmarks = grid_face(25, 2)
    points = cropped(scan, scan_landmarks)
    _, plain = fit(points, scan_landmarks, mesh, landmarks)
    _, same = fit(points + 1e-9 * rng.normal(size=points.shape), scan_landmarks, mesh, landmarks)
    np.testing.assert_allclose(same.distances, plain.distances, atol=1e-6)


def test_the_same_input_gives_the_same_bits():
    scan, scan_landmarks = grid_face(40, 1)
    mesh, landmarks = grid_face(25, 2)
    points = cropped(scan, scan_landmarks)
    first, second = (fit(points, scan_landmarks, mesh, landmarks)[1] for _ in range(2))
    np.testing.assert_array_equal(first.distances, second.distances)


def test_field_covariance_is_the_sum_of_gaussians():
    rng = np.random.default_rng(0)
    points = rng.uniform(-60, 60, (40, 3))
    basis = SmoothField(points, 40, 40).basis(points)
    squared = cdist(points, points, "sqeuclidean")
    expected = sum(
        amplitude**2 * np.exp(-squared / (2 * (WIDEST_MM / 2**step) ** 2))
        for step, amplitude in enumerate(AMPLITUDES_MM)
    )
    np.testing.assert_allclose(basis @ basis.T, expected, atol=1e-6)


def test_field_basis_of_each_point_stands_alone():
    rng = np.random.default_rng(0)
    points = rng.uniform(-60, 60, (700, 3))  # more than a block
    field = SmoothField(points[:100], 60, 20)
    basis = field.basis(points)
    np.testing.assert_allclose(field.basis(points[510:515]), basis[510:515], atol=1e-9)
    assert field.basis(points[:0]).shape == (0, 20)


def test_spread_points_cover_the_set():
    points = np.random.default_rng(0).uniform(size=(300, 3))
    chosen = spread_indices(points, 30)
    assert len(set(chosen.tolist())) == 30
    apart = cdist(points[chosen], points[chosen])[np.triu_indices(30, 1)].min()
    # a point farther from all the chosen than they are from each other would have been chosen
    assert cdist(points, points[chosen]).min(axis=1).max() <= apart
    assert sorted(spread_indices(points[:5], 99).tolist()) == [0, 1, 2, 3, 4]


@settings(max_examples=20, deadline=None)
@given(SEEDS)
def test_barycentric_weights_name_the_point(seed):
    rng = np.random.default_rng(seed)
    vertices, triangles = rng.normal(size=(12, 3)), rng.permutation(12).reshape(4, 3)
    held_by = rng.integers(0, 4, 20)
    weights = rng.dirichlet([1, 1, 1], 20)
    points = surface_points(vertices, triangles, held_by, weights)
    found = barycentric_weights(points, vertices, triangles, held_by)
    np.testing.assert_allclose(found, weights, atol=1e-6)


def test_barycentric_weights_of_a_triangle_without_area():
    vertices = np.array([[1.0, 2, 3], [1, 2, 3], [4, 5, 6]])
    found = barycentric_weights(vertices[:1], vertices, np.array([[0, 1, 2]]), np.array([0]))
    assert found.tolist() == [[1, 0, 0]]


def test_true_errors_are_those_of_the_vertices():
    """The scan is the head itself, so its points are vertices and the answer is Procrustes."""
    head, landmarks = grid_face(30)
    kept = crop_scan(head.vertices, landmarks)
    rng = np.random.default_rng(0)
    change = random_similarity(rng, (0.5, 2))
    shape = head.vertices + rng.normal(size=head.vertices.shape)
    true = true_correspondence(head.vertices[kept], landmarks, head, landmarks)
    errors = true.errors(change.apply(shape))
    placed = procrustes(shape[kept], head.vertices[kept]).apply(shape[kept])
    expected = np.linalg.norm(placed - head.vertices[kept], axis=1)
    np.testing.assert_allclose(errors, expected, atol=1e-6)
    assert true.fits(Mesh(shape, head.triangles))
    assert not true.fits(Mesh(shape, head.triangles[1:]))


def test_weighted_procrustes_repeats_points():
    rng = np.random.default_rng(0)
    source, target = rng.normal(size=(2, 8, 3))
    times = rng.integers(0, 4, 8)
    weighted = procrustes(source, target, weights=times.astype(float))
    repeated = procrustes(np.repeat(source, times, axis=0), np.repeat(target, times, axis=0))
    np.testing.assert_allclose(weighted.apply(source), repeated.apply(source), atol=1e-9)
    with pytest.raises(ValueError, match="positive weight"):
        procrustes(source, target, weights=np.zeros(8))
