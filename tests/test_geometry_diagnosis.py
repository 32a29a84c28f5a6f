"""Each finding fires on the case made for it, alone, and a good prediction yields none."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from diagnosis_support import (
    HEAD,
    LANDMARKS,
    MESH,
    Head,
    both,
    diagnose,
    heads,
    keep,
    names,
    scan_of,
    seeds,
)
from geometry_support import random_similarity
from hypothesis import given, settings
from hypothesis import strategies as st

from focsbench.geometry.diagnosis import Severity, diagnose_landmarks
from focsbench.types import Mesh

FEW = settings(max_examples=12, deadline=None)


@FEW
@given(scanned=heads, predicted=heads, seed=seeds)
def test_good_predictions_yield_nothing_in_any_frame(scanned, predicted, seed):
    scan = scan_of(scanned, seed=seed)
    move = random_similarity(np.random.default_rng(seed), (1e-3, 1e3))
    mesh = predicted.mesh()
    moved, landmarks = move.apply(mesh.vertices), move.apply(predicted.landmarks())
    prediction = Mesh(moved, mesh.triangles)
    assert names(prediction, landmarks, scan) == []
    assert names(prediction, landmarks, scan, mm_per_unit=1 / move.scale) == []
    assert diagnose_landmarks(prediction, landmarks) == []


@FEW
@given(head=heads, axis=st.integers(0, 2), seed=seeds)
def test_flipped_axis_is_told_from_swapped_landmarks(head, axis, seed):
    mesh, landmarks = head.mesh(), head.landmarks()
    turn = random_similarity(np.random.default_rng(seed), (0.01, 100))
    swapped = turn.apply(landmarks[[3, 2, 1, 0, 4, 6, 5]])
    turned = Mesh(turn.apply(mesh.vertices), mesh.triangles)
    assert names(turned, swapped) == ["landmarks_left_right_swapped"]
    flip = np.ones(3)
    flip[axis] = -1
    flipped = Mesh(mesh.vertices * flip, mesh.triangles)
    assert names(flipped, landmarks * flip) == ["mirrored_mesh"]
    assert [f.name for f in diagnose_landmarks(flipped, landmarks * flip)] == ["mirrored_mesh"]


def test_mirror_image_of_a_mesh_with_mixed_winding():
    triangles = MESH.triangles.copy()
    triangles[::2] = triangles[::2, ::-1]
    flip = np.array([1, -1, 1])
    assert names(Mesh(MESH.vertices * flip, triangles), LANDMARKS * flip) == ["mirrored_fit"]


@FEW
@given(head=heads, order=st.permutations(range(7)))
def test_the_right_order_of_permuted_landmarks_is_found(head, order):
    expected = []
    if list(order) == [3, 2, 1, 0, 4, 6, 5]:
        expected = ["landmarks_left_right_swapped"]
    elif list(order) != list(range(7)):
        expected = ["wrong_landmark_order"]
    found = [f for f in diagnose(head.mesh(), head.landmarks()[list(order)]) if _about_landmarks(f)]
    assert [f.name for f in found] == expected
    if expected == ["wrong_landmark_order"]:
        right = ", ".join(str(i) for i in np.argsort(order))
        assert f"in the order {right} (" in found[0].message


def _about_landmarks(finding):
    return "landmark" in finding.name or "mirrored" in finding.name


def test_landmarks_of_another_kind_are_no_face():
    jaw = np.linspace(-60, 60, 7)
    landmarks = np.column_stack([jaw, 0.02 * jaw**2 - 95, np.full(7, 20.0)])
    found = diagnose(MESH, landmarks)
    assert "landmarks_do_not_fit" in [f.name for f in found]


@FEW
@given(head=heads, seed=seeds)
def test_nose_tip_for_subnasale(head, seed):
    landmarks = head.landmarks()
    landmarks[4] = head.nose_tip()
    move = random_similarity(np.random.default_rng(seed), (0.01, 100))
    mesh = Mesh(move.apply(head.mesh().vertices), head.mesh().triangles)
    assert names(mesh, move.apply(landmarks)) == ["nose_tip_landmark"]
    assert [f.name for f in diagnose_landmarks(mesh, move.apply(landmarks))] == [
        "nose_tip_landmark"
    ]


@pytest.mark.parametrize("shift", [(0, 0, 45.0), (300.0, 0, 0), (0, -20.0, 25.0)])
def test_landmarks_of_another_frame_are_off_the_mesh(shift):
    found = diagnose(MESH, LANDMARKS + shift)
    off = [f for f in found if f.name == "landmarks_off_mesh"]
    assert [f.severity for f in off] == [Severity.ERROR]


def test_one_landmark_off_the_mesh_is_a_warning():
    landmarks = LANDMARKS.copy()
    landmarks[5] += (0, 0, 14.0)
    found = diagnose(MESH, landmarks)
    assert [(f.name, f.severity) for f in found] == [("landmarks_off_mesh", Severity.WARNING)]


@pytest.mark.parametrize(("unit", "mm"), [("m", 1000.0), ("cm", 10.0), ("mm", 1.0)])
@pytest.mark.parametrize("stated", [1000.0, 10.0, 1.0])
def test_wrong_unit_names_the_right_one(unit, mm, stated):
    found = diagnose(Mesh(MESH.vertices / mm, MESH.triangles), LANDMARKS / mm, mm_per_unit=stated)
    if mm == stated:
        assert found == []
    else:
        assert found[0].name == "wrong_unit"
        assert f"fits the unit {unit}," in found[0].message


def test_size_without_a_unit_and_size_of_a_child():
    arbitrary = Mesh(MESH.vertices / 250, MESH.triangles)
    found = diagnose(arbitrary, LANDMARKS / 250, mm_per_unit=1.0)
    assert found[0].name == "wrong_unit"
    assert "no usual unit fits (250 mm" in found[0].message
    small = Mesh(MESH.vertices * 0.7, MESH.triangles)
    assert names(small, LANDMARKS * 0.7, mm_per_unit=1.0)[0] == "implausible_size"
    assert names(small, LANDMARKS * 0.7) == []


@FEW
@given(head=heads, opening=st.floats(8, 16))
def test_open_mouth(head, opening):
    expressive = replace(head, opening=opening)
    assert names(expressive.mesh(), head.landmarks()) == ["expression_hint"]


@FEW
@given(smile=st.floats(1.4, 1.6))
def test_wide_mouth_if_the_landmarks_are_points_of_the_mesh(smile):
    assert names(MESH, replace(HEAD, smile=smile).landmarks()) == ["expression_hint"]
    noisy = replace(HEAD, smile=smile).landmarks()
    noisy[0, 2] += 4.0
    assert names(MESH, noisy) == []


def test_open_mouth_without_a_surface_behind_it():
    x, y, z = MESH.vertices.T
    hole = (np.abs(x) < 18) & (np.abs(y + 42) < 6) & (z > 0)
    assert names(keep(MESH, ~hole), LANDMARKS) == ["expression_hint"]


@settings(max_examples=5, deadline=None)
@given(head=heads, radius=st.floats(55, 65))
def test_mesh_smaller_than_the_crop(head, radius):
    mesh = head.mesh()
    middle = np.array([0, 0, head.depth])
    small = keep(mesh, np.linalg.norm(mesh.vertices - middle, axis=1) < radius)
    assert "mesh_smaller_than_crop" in names(small, head.landmarks(), scan_of(head))
    # The same with every triangle on its own vertices: all edges but those of the cut are seams.
    torn = Mesh(
        small.vertices[small.triangles].reshape(-1, 3),
        np.arange(3 * len(small.triangles)).reshape(-1, 3),
    )
    assert "mesh_smaller_than_crop" in names(torn, head.landmarks(), scan_of(head))


def test_large_cropped_mesh_is_enough():
    assert names(keep(MESH, MESH.vertices[:, 2] > -20), LANDMARKS) == []


@FEW
@given(head=heads, scale=st.one_of(st.floats(0.94, 0.98), st.floats(1.02, 1.06)))
def test_second_copy_of_the_surface(head, scale):
    mesh = head.mesh()
    copy = Mesh(mesh.vertices * scale, mesh.triangles)
    assert names(both(mesh, copy), head.landmarks()) == ["layered_surface"]
    inwards = Mesh(mesh.vertices * scale, mesh.triangles[:, ::-1])
    assert names(both(mesh, inwards), head.landmarks()) == ["layered_surface"]


def test_copy_shifted_backwards():
    copy = Mesh(MESH.vertices - (0, 0, 3.0), MESH.triangles)
    assert names(both(MESH, copy), LANDMARKS) == ["layered_surface"]


def test_eyeballs_and_mouth_bag_are_no_layers():
    ball = Head(width=12, height=12, depth=12, nose=0.0)
    sphere = Mesh(ball.mesh(30).vertices * (1, 1, 0.8), ball.mesh(30).triangles)
    mesh = MESH
    for x, y, size in ((-29, 30, 1), (29, 30, 1), (0, -45, 2)):
        depth = HEAD.front(np.array(x), np.array(y)) - 13 * size
        mesh = both(mesh, Mesh(sphere.vertices * size + (x, y, depth), sphere.triangles))
    assert names(mesh, LANDMARKS) == []


@FEW
@given(seed=seeds)
def test_floating_pieces_near_the_scan(seed):
    near = np.linalg.norm(MESH.vertices - (0, 0, 95), axis=1) < 60
    rest = keep(MESH, ~near & (MESH.vertices[:, 2] > 0))
    chosen = np.random.default_rng(seed).choice(len(rest.triangles), len(rest.triangles) // 4)
    dust = rest.vertices[rest.triangles[chosen]].reshape(-1, 3) + np.array([0, 0, 0.5])
    mesh = both(keep(MESH, near), Mesh(dust, np.arange(len(dust)).reshape(-1, 3)))
    assert "floating_pieces" in names(mesh, LANDMARKS)


def test_triangle_soup_is_one_piece():
    soup = MESH.vertices[MESH.triangles].reshape(-1, 3)
    assert names(Mesh(soup, np.arange(len(soup)).reshape(-1, 3)), LANDMARKS) == []


def test_scan_as_its_own_prediction():
    scan = scan_of(HEAD, noise=0.0, rows=90)
    assert names(MESH, LANDMARKS, scan) == ["scan_as_prediction"]


def test_large_distances():
    patch = keep(MESH, np.linalg.norm(MESH.vertices - (0, 0, 95), axis=1) < 52)
    assert names(patch, LANDMARKS)[-2:] == ["mesh_smaller_than_crop", "large_distances"]
