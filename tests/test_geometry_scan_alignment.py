from __future__ import annotations

import numpy as np
import pytest
from geometry_support import brute_force_distances, grid_face, random_similarity
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import least_squares

from focsbench.geometry.closest_point import ClosestPointTree
from focsbench.geometry.procrustes import Similarity
from focsbench.geometry.scan_alignment import align_to_scan
from focsbench.geometry.scan_crop import crop_ball, crop_scan
from focsbench.geometry.scan_residuals import ScanToMesh
from focsbench.geometry.trust_region import DoglegRules, dogleg_step, minimise
from focsbench.types import Mesh

SEEDS = st.integers(0, 2**32 - 1)


def scan_and_prediction(seed=0):
    """A noisy dense scan of one face, and a coarser mesh of a slightly different one."""
    rng = np.random.default_rng(seed)
    scan, scan_landmarks = grid_face(45, seed)
    noisy = scan.vertices + rng.normal(size=scan.vertices.shape) * 0.2
    prediction, landmarks = grid_face(25, seed + 1)
    points = noisy[crop_scan(noisy, scan_landmarks)]
    return points, scan_landmarks, prediction, landmarks


POINTS, SCAN_LANDMARKS, PREDICTION, LANDMARKS = scan_and_prediction()
REFERENCE = align_to_scan(POINTS, SCAN_LANDMARKS, PREDICTION, LANDMARKS)
CONVERGED = align_to_scan(POINTS, SCAN_LANDMARKS, PREDICTION, LANDMARKS, mode="converged")


def test_crop_ball_by_hand():
    landmarks = np.array(
        [
            [-45, 0, 0],
            [-15, 0, 0],
            [15, 0, 0],
            [45, 0, 0],
            [0, -50, 0],
            [-25, -80, 0],
            [25, -80, 0],
        ],
        dtype=float,
    )
    centre, radius = crop_ball(landmarks)
    np.testing.assert_allclose(centre, [0, -35, 0])
    assert radius == pytest.approx(1.4 * (90 + 50) / 2)
    vertices = np.array([[0, -35 + 98, 0], [0, -35 + 98.001, 0], [0, -35, 0], [0, 0, 98]], float)
    assert crop_scan(vertices, landmarks).tolist() == [0, 2]
    with pytest.raises(ValueError, match="no scan vertex"):
        crop_scan(vertices * 0.001 + 1000, landmarks)


def test_the_distances_are_those_of_the_transform():
    moved = Mesh(REFERENCE.transform.apply(PREDICTION.vertices), PREDICTION.triangles)
    chosen = np.random.default_rng(0).choice(len(POINTS), 20, replace=False)
    np.testing.assert_allclose(
        REFERENCE.distances[chosen], brute_force_distances(POINTS[chosen], moved), atol=1e-9
    )
    assert REFERENCE.sum_of_squares == pytest.approx((REFERENCE.distances**2).sum())


def test_ground_truth_as_prediction_scores_zero():
    scan, landmarks = grid_face(45)
    known = random_similarity(np.random.default_rng(5), (0.5, 2))
    mesh = Mesh(known.apply(scan.vertices), scan.triangles)
    points = scan.vertices[crop_scan(scan.vertices, landmarks)]
    fit = align_to_scan(points, landmarks, mesh, known.apply(landmarks))
    assert fit.distances.max() < 1e-9
    # Landmarks that are off by millimetres only choose the start.
    noise = np.random.default_rng(6).normal(size=(7, 3)) * 2
    fit = align_to_scan(points, landmarks, mesh, known.apply(landmarks + noise), mode="converged")
    assert np.median(fit.distances) < 1e-4


def test_an_exact_start_does_not_divide_by_zero():
    scan, landmarks = grid_face(20)
    fit = align_to_scan(scan.vertices, landmarks, scan, landmarks)
    assert fit.distances.max() < 1e-12


@settings(max_examples=15, deadline=None)
@given(SEEDS)
def test_a_similarity_of_the_prediction_changes_nothing(seed):
    known = random_similarity(np.random.default_rng(seed), (0.001, 1000))
    mesh = Mesh(known.apply(PREDICTION.vertices), PREDICTION.triangles)
    fit = align_to_scan(POINTS, SCAN_LANDMARKS, mesh, known.apply(LANDMARKS))
    assert fit.steps == REFERENCE.steps
    np.testing.assert_allclose(fit.distances, REFERENCE.distances, atol=1e-4)
    assert abs(np.median(fit.distances) - np.median(REFERENCE.distances)) < 1e-5


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.floats(0, 1000))
def test_a_rigid_motion_of_the_scan_changes_next_to_nothing(seed, distance):
    rng = np.random.default_rng(seed)
    turn = random_similarity(rng, (1, 1))
    known = Similarity(1.0, turn.rotation, turn.translation / 100 * distance)
    scan = known.apply(POINTS), known.apply(SCAN_LANDMARKS)
    fit = align_to_scan(*scan, PREDICTION, LANDMARKS, mode="converged")
    np.testing.assert_allclose(fit.distances, CONVERGED.distances, atol=5e-4)
    # The official walk depends on the origin (rotations are about it); where it ends hardly does.
    fit = align_to_scan(*scan, PREDICTION, LANDMARKS)
    assert abs(np.median(fit.distances) - np.median(REFERENCE.distances)) < 2e-3
    assert abs(fit.distances.mean() - REFERENCE.distances.mean()) < 2e-3


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_vertex_order_face_order_and_winding_change_nothing(seed):
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(PREDICTION.vertices))
    vertices = PREDICTION.vertices[order]
    triangles = np.argsort(order)[PREDICTION.triangles]
    reversed_ones = rng.random(len(triangles)) < 0.5
    triangles[reversed_ones] = triangles[reversed_ones, ::-1]
    mesh = Mesh(vertices, rng.permutation(triangles))
    fit = align_to_scan(POINTS, SCAN_LANDMARKS, mesh, LANDMARKS)
    assert fit.steps == REFERENCE.steps
    np.testing.assert_allclose(fit.distances, REFERENCE.distances, atol=1e-8)


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_unused_vertices_change_nothing_at_all(seed):
    unused = np.random.default_rng(seed).normal(size=(3, 3)) * 500
    mesh = Mesh(np.concatenate([PREDICTION.vertices, unused]), PREDICTION.triangles)
    fit = align_to_scan(POINTS, SCAN_LANDMARKS, mesh, LANDMARKS)
    np.testing.assert_array_equal(fit.distances, REFERENCE.distances)
    np.testing.assert_array_equal(fit.triangles, REFERENCE.triangles)


@settings(max_examples=15, deadline=None)
@given(SEEDS, st.sampled_from(["official", "converged"]))
def test_far_geometry_never_lowers_the_error(seed, mode):
    rng = np.random.default_rng(seed)
    direction = rng.normal(size=3)
    middle = direction / np.linalg.norm(direction) * rng.uniform(500, 5000)
    count = len(PREDICTION.vertices)
    mesh = Mesh(
        np.concatenate([PREDICTION.vertices, middle + rng.normal(size=(30, 3)) * 50]),
        np.concatenate([PREDICTION.triangles, count + np.arange(30).reshape(10, 3)]),
    )
    fit = align_to_scan(POINTS, SCAN_LANDMARKS, mesh, LANDMARKS, mode=mode)
    alone = REFERENCE if mode == "official" else CONVERGED
    assert fit.sum_of_squares >= alone.sum_of_squares * (1 - 1e-12)
    np.testing.assert_array_equal(fit.distances, alone.distances)


def test_converged_goes_on_from_where_official_stops():
    assert CONVERGED.steps > REFERENCE.steps
    assert CONVERGED.sum_of_squares < REFERENCE.sum_of_squares
    # No small motion of the result is better: it is a minimum, not just the end of the walk.
    placed = Mesh(CONVERGED.transform.apply(PREDICTION.vertices), PREDICTION.triangles)
    measure = ScanToMesh(ClosestPointTree(placed.vertices, placed.triangles), POINTS)
    still = np.array([1.0, 0, 0, 0, 0, 0, 0])
    least = measure(still).sum_of_squares
    assert least == pytest.approx(CONVERGED.sum_of_squares, rel=1e-12)
    for step in np.concatenate([np.eye(7), -np.eye(7)]) * [
        1e-4,
        1e-4,
        1e-4,
        1e-4,
        0.01,
        0.01,
        0.01,
    ]:
        assert measure(still + step).sum_of_squares > least


def test_a_scale_that_turns_the_mesh_inside_out_is_never_taken():
    measure = ScanToMesh(ClosestPointTree(PREDICTION.vertices, PREDICTION.triangles), POINTS)
    assert measure(np.array([-0.1, 0, 0, 0, 0, 0, 0])).sum_of_squares == np.inf


@settings(max_examples=10, deadline=None)
@given(SEEDS)
def test_damaged_meshes_end_with_finite_distances(seed):
    """Collapsed, repeated and needle triangles, up to a mesh without any area."""
    rng = np.random.default_rng(seed)
    vertices, triangles = PREDICTION.vertices.copy(), PREDICTION.triangles.copy()
    some = rng.random(len(triangles)) < rng.choice([0.1, 0.9, 1.0])
    triangles[some, 2] = triangles[some, rng.integers(0, 2)]
    triangles = np.concatenate([triangles, triangles[rng.random(len(triangles)) < 0.5]])
    vertices[triangles[::9, 1]] = vertices[triangles[::9, 0]] + rng.normal(size=3) * 1e-12
    fit = align_to_scan(POINTS, SCAN_LANDMARKS, Mesh(vertices, triangles), LANDMARKS)
    assert np.isfinite(fit.distances).all()
    assert fit.sum_of_squares == pytest.approx(float((fit.distances**2).sum()))
    moved = Mesh(fit.transform.apply(vertices), triangles)
    chosen = rng.choice(len(POINTS), 3, replace=False)
    np.testing.assert_allclose(
        fit.distances[chosen], brute_force_distances(POINTS[chosen], moved), atol=1e-9
    )


def test_zero_area_triangles_do_no_harm():
    extra = np.repeat(np.arange(0, 600, 7)[:, None], 3, axis=1)
    extra[::2, 2] += 1
    mesh = Mesh(PREDICTION.vertices, np.concatenate([PREDICTION.triangles, extra]))
    fit = align_to_scan(POINTS, SCAN_LANDMARKS, mesh, LANDMARKS)
    np.testing.assert_allclose(fit.distances, REFERENCE.distances, atol=1e-6)


def test_a_mirror_image_is_noticed():
    mesh = Mesh(PREDICTION.vertices * [-1, 1, 1], PREDICTION.triangles)
    fit = align_to_scan(POINTS, SCAN_LANDMARKS, mesh, LANDMARKS * [-1, 1, 1])
    assert fit.transform.is_mirror
    np.testing.assert_allclose(fit.distances, REFERENCE.distances, atol=1e-4)
    assert not REFERENCE.transform.is_mirror


def test_metrical_evaluation_keeps_the_size():
    in_metres = Mesh(PREDICTION.vertices / 1000, PREDICTION.triangles)
    fit = align_to_scan(POINTS, SCAN_LANDMARKS, in_metres, LANDMARKS / 1000, mm_per_unit=1000.0)
    assert fit.transform.scale == 1000
    assert fit.sum_of_squares >= REFERENCE.sum_of_squares
    as_mm = align_to_scan(POINTS, SCAN_LANDMARKS, PREDICTION, LANDMARKS, mm_per_unit=1.0)
    np.testing.assert_allclose(fit.distances, as_mm.distances, atol=1e-4)
    bigger = Mesh(PREDICTION.vertices * 1.1, PREDICTION.triangles)
    worse = align_to_scan(POINTS, SCAN_LANDMARKS, bigger, LANDMARKS * 1.1, mm_per_unit=1.0)
    assert np.median(worse.distances) > 1.5 * np.median(as_mm.distances)


@pytest.mark.parametrize("metrical", [False, True])
def test_normal_equations_agree_with_differences(metrical):
    measure = ScanToMesh(ClosestPointTree(PREDICTION.vertices, PREDICTION.triangles), POINTS)

    def distances(theta):
        return measure.in_scan_order(measure(theta))[0]

    theta = np.array([0.02, -0.03, 0.01, 1.0, -2.0, 0.5])
    theta = theta if metrical else np.concatenate([[1.03], theta])
    columns = []
    for step in np.eye(len(theta)) * 1e-6:
        columns.append((distances(theta + step) - distances(theta - step)) / 2e-6)
    jacobian = np.column_stack(columns)
    normal, descent = measure(theta).normal_equations()
    np.testing.assert_allclose(normal, jacobian.T @ jacobian, rtol=1e-3, atol=1)
    np.testing.assert_allclose(descent, -jacobian.T @ distances(theta), rtol=1e-3, atol=1)


def test_the_refinement_ends_where_scipy_ends():
    measure = ScanToMesh(ClosestPointTree(PREDICTION.vertices, PREDICTION.triangles), POINTS)
    start = np.array([1.0, 0, 0, 0, 0, 0, 0])
    solution = least_squares(
        lambda theta: measure.in_scan_order(measure(theta))[0],
        start,
        x_scale=[1, 1, 1, 1, 90, 90, 90],
    )
    _, fit, _ = minimise(measure, start, DoglegRules(relative_drop=1e-10))
    assert fit.sum_of_squares <= 2 * solution.cost * (1 + 1e-6)


class Line:
    """Residuals A x - b of a linear problem, for which one Gauss-Newton step is exact."""

    def __init__(self, matrix, x, b):
        self.matrix, self.residual = matrix, matrix @ x - b
        self.sum_of_squares = self.residual @ self.residual

    def normal_equations(self):
        return self.matrix.T @ self.matrix, -self.matrix.T @ self.residual


@settings(max_examples=50, deadline=None)
@given(SEEDS, st.floats(1e-3, 1e3))
def test_dogleg_steps_stay_in_the_region_and_descend(seed, radius):
    rng = np.random.default_rng(seed)
    problem = Line(rng.normal(size=(9, 4)), np.zeros(4), rng.normal(size=9))
    normal, descent = problem.normal_equations()
    step = dogleg_step(normal, descent, radius)
    assert np.linalg.norm(step) <= radius * (1 + 1e-9)
    assert 2 * descent @ step - step @ normal @ step > 0
    if np.linalg.norm(np.linalg.solve(normal, descent)) <= radius:
        np.testing.assert_allclose(step, np.linalg.solve(normal, descent), rtol=1e-6)


def test_minimise_solves_linear_problems_and_flat_ones():
    rng = np.random.default_rng(0)
    matrix, b = rng.normal(size=(9, 4)), rng.normal(size=9) * 10
    matrix[:, 3] = 0  # a parameter that nothing depends on
    theta, end, _ = minimise(lambda x: Line(matrix, x, b), np.zeros(4), DoglegRules())
    expected = np.linalg.lstsq(matrix, b, rcond=None)
    np.testing.assert_allclose(theta[:3], expected[0][:3], atol=1e-6)
    assert theta[3] == 0
    still, end, steps = minimise(lambda x: Line(matrix, x, 0 * b), np.zeros(4), DoglegRules())
    assert (still == 0).all()
    assert (steps, end.sum_of_squares) == (0, 0)
