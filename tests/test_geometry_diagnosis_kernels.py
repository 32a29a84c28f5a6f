"""The kernels of the diagnosis against slow, obvious versions."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest
from diagnosis_support import HEAD, MESH, heads, seeds
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from scipy.spatial.distance import cdist

from focsbench.geometry.diagnosis_fit import PROFILE_STEP, mouth_opening
from focsbench.geometry.diagnosis_kernels import (
    component_sizes,
    count_duplicates,
    first_of_position,
    front_profile,
    inspect_triangles,
    protrusion,
    touches_border,
    vertex_distances,
)
from focsbench.geometry.diagnosis_mesh import hashes_of

EXAMPLES = settings(max_examples=50, deadline=None)


def soup(seed, n_vertices, n_triangles):
    """Triangles on vertices of few different coordinates, so that positions and faces repeat."""
    rng = np.random.default_rng(seed)
    vertices = rng.integers(-1, 2, (n_vertices, 3)).astype(np.float64)
    vertices[rng.random(vertices.shape) < 0.2] *= -1  # makes some zeros negative
    return vertices, rng.integers(0, n_vertices, (n_triangles, 3))


sizes = {"seed": seeds, "n_vertices": st.integers(1, 30), "n_triangles": st.integers(1, 60)}


@EXAMPLES
@given(**sizes)
def test_hashes_are_equal_where_positions_are(seed, n_vertices, n_triangles):
    vertices, _ = soup(seed, n_vertices, n_triangles)
    hashes = hashes_of(vertices)
    same = (vertices[:, None] == vertices[None]).all(axis=2)
    np.testing.assert_array_equal(hashes[:, None] == hashes[None], same)


@EXAMPLES
@given(**sizes)
def test_vertices_of_one_position_are_joined(seed, n_vertices, n_triangles):
    vertices, _ = soup(seed, n_vertices, n_triangles)
    same = (vertices[:, None] == vertices[None]).all(axis=2)
    np.testing.assert_array_equal(first_of_position(hashes_of(vertices)), same.argmax(axis=1))


@EXAMPLES
@given(seed=seeds, share=st.floats(0.05, 0.95))
def test_border_by_counting_edges(seed, share):
    rng = np.random.default_rng(seed)
    mesh = HEAD.mesh(12)
    triangles = mesh.triangles[rng.random(len(mesh.triangles)) < share]
    triangles = rng.permuted(triangles, axis=1)  # windings do not agree
    uses = Counter(tuple(sorted(edge)) for t in triangles for edge in combinations(t, 2))
    border = {vertex for edge, count in uses.items() if count == 1 for vertex in edge}
    expected = [not border.isdisjoint(t) for t in triangles]
    asked = np.arange(len(triangles))
    assert touches_border(hashes_of(mesh.vertices), triangles, asked).tolist() == expected


@EXAMPLES
@given(**sizes)
def test_duplicates_by_sets(seed, n_vertices, n_triangles):
    vertices, triangles = soup(seed, n_vertices, n_triangles)
    different = {tuple(sorted(map(tuple, vertices[t] + 0.0))) for t in triangles}
    assert count_duplicates(hashes_of(vertices), triangles) == len(triangles) - len(different)


@EXAMPLES
@given(**sizes)
def test_areas_and_use_of_vertices(seed, n_vertices, n_triangles):
    vertices, triangles = soup(seed, n_vertices, n_triangles)
    flat, used = inspect_triangles(vertices, triangles)
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    assert flat == np.count_nonzero((np.cross(b - a, c - a) == 0).all(axis=1))
    assert set(np.flatnonzero(used)) == set(triangles.ravel())


@EXAMPLES
@given(**sizes)
def test_pieces_by_a_graph_library(seed, n_vertices, n_triangles):
    triangles = soup(seed, n_vertices, n_triangles)[1]
    asked = np.random.default_rng(seed).integers(0, n_triangles, 20)
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]]]).T
    graph = coo_array((np.ones(edges.shape[1]), edges), shape=(n_vertices, n_vertices))
    label = connected_components(graph, directed=False)[1][triangles[:, 0]]
    expected = [np.count_nonzero(label == label[k]) for k in asked]
    assert component_sizes(triangles, n_vertices, asked).tolist() == expected


@EXAMPLES
@given(seed=seeds)
def test_distances_of_vertices(seed):
    rng = np.random.default_rng(seed)
    vertices, points, used = rng.normal(size=(40, 3)), rng.normal(size=(7, 3)), rng.random(40) < 0.5
    used[0] = True
    table = cdist(points, vertices[used])
    nearest, farthest = vertex_distances(vertices, used, points)
    np.testing.assert_allclose(nearest, table.min(axis=1), rtol=1e-13)
    assert farthest == pytest.approx(table[0].max(), rel=1e-13)
    direction = points[1] / np.linalg.norm(points[1])
    near = vertices[np.linalg.norm(vertices - points[0], axis=1) < 1.5]
    expected = max(((near - points[0]) @ direction), default=-np.inf)
    assert protrusion(vertices, points[0], direction, 1.5) == pytest.approx(expected, abs=1e-12)


@EXAMPLES
@given(seed=seeds)
def test_profile_by_brute_force(seed):
    """Each sample is the foremost point of all triangles over one point of the middle plane."""
    rng = np.random.default_rng(seed)
    vertices, triangles = rng.normal(size=(12, 3)), rng.integers(0, 12, (15, 3))
    frame = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    origin, step, back = rng.normal(size=3), 0.1, -np.inf
    found = front_profile(vertices, triangles, frame, origin, step, 20, back)
    local = (vertices - origin) @ frame.T
    for sample, depth in enumerate(found):
        foremost = -np.inf
        for a, b, c in local[triangles]:
            # Weights of the corners at (0, -step * sample), seen along the third axis.
            system = np.array([[a[0], b[0], c[0]], [a[1], b[1], c[1]], [1, 1, 1]])
            if abs(np.linalg.det(system)) < 1e-9:
                continue
            weights = np.linalg.solve(system, [0, -step * sample, 1])
            if weights.min() >= -1e-12:
                foremost = max(foremost, weights @ [a[2], b[2], c[2]])
        assert depth == pytest.approx(foremost, abs=1e-6)


def test_surface_behind_the_face_is_no_front():
    x = np.array([[-1.0, 5, 0], [1.0, 5, 0], [0, -5, 0]])
    arguments = (np.array([[0, 1, 2]]), np.eye(3), np.zeros(3), 0.5, 4)
    np.testing.assert_array_equal(
        front_profile(x + np.array([0, 0, 2.0]), *arguments, 1.0), [2, 2, 2, 2]
    )
    np.testing.assert_array_equal(front_profile(x, *arguments, 1.0), [-np.inf] * 4)


@settings(max_examples=15, deadline=None)
@given(head=heads, opening=st.floats(8, 16))
def test_height_of_an_open_mouth(head, opening):
    eyes = 83.0  # between the outer corners of every head
    mesh = replace(head, opening=opening).mesh(140)
    assert mouth_opening(head.mesh(140).vertices, mesh.triangles, head.landmarks()) == 0
    measured = mouth_opening(mesh.vertices, mesh.triangles, head.landmarks()) * eyes
    rows = 2 * np.pi / 140 * head.height / 2  # the lips are known to one row of vertices each
    assert measured == pytest.approx(opening, abs=2 * rows + 2 * PROFILE_STEP * eyes)


def test_head_of_the_tests_is_closed_and_faces_outwards():
    corners = MESH.vertices[MESH.triangles]
    volume = np.einsum("ni,ni->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6
    assert volume == pytest.approx(4 / 3 * np.pi * HEAD.width * HEAD.height * HEAD.depth, rel=0.02)
