from __future__ import annotations

import numpy as np
import pytest
from geometry_support import brute_force_distances, closest_distance, grid_face
from hypothesis import given, settings
from hypothesis import strategies as st

from focsbench.geometry.closest_point import ClosestPoints, ClosestPointTree
from focsbench.types import Mesh


@given(st.integers(0, 2**32 - 1))
def test_agrees_with_trying_every_triangle(seed):
    rng = np.random.default_rng(seed)
    # Few distinct corners on a small lattice give many zero-area triangles and exact hits.
    vertices = rng.integers(-2, 3, (6, 3)) * rng.choice([1.0, 0.3])
    mesh = Mesh(vertices, rng.integers(0, 6, (5, 3)))
    points = np.concatenate([rng.normal(size=(8, 3)) * 2, vertices[:3]])
    found = ClosestPointTree(mesh.vertices, mesh.triangles).query(points)
    np.testing.assert_allclose(found.distances, brute_force_distances(points, mesh), atol=1e-9)
    # The point and the triangle that are named are the ones at that distance.
    np.testing.assert_allclose(
        np.linalg.norm(points - found.points, axis=1), found.distances, atol=1e-9
    )
    for point, number in zip(found.points, found.triangles, strict=True):
        assert closest_distance(point, mesh.vertices[mesh.triangles[number]]) < 1e-9


FACE, _ = grid_face(60)  # deep enough for three levels of nodes
TREE = ClosestPointTree(FACE.vertices, FACE.triangles)
AROUND = np.random.default_rng(0).uniform(-130, 130, (700, 3))


def test_a_deep_tree_agrees_with_trying_every_triangle():
    found = TREE.query(AROUND[:150]).distances
    slow = brute_force_distances(AROUND[:150], FACE)
    np.testing.assert_allclose(found, slow, rtol=0, atol=1e-11)


def same(one, other):
    np.testing.assert_array_equal(one.distances, other.distances)
    np.testing.assert_array_equal(one.points, other.points)
    np.testing.assert_array_equal(one.triangles, other.triangles)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_order_parts_and_hints_change_nothing(seed):
    rng = np.random.default_rng(seed)
    whole = TREE.query(AROUND)
    same(TREE.query_ordered(AROUND), whole)
    same(TREE.query(AROUND, near=whole.triangles), whole)
    same(TREE.query(AROUND, near=rng.integers(0, len(FACE.triangles), len(AROUND))), whole)
    chosen = rng.permutation(len(AROUND))[: rng.integers(1, len(AROUND))]
    part = TREE.query(AROUND[chosen])
    same(part, ClosestPoints(*(values[chosen] for values in vars(whole).values())))


def test_the_order_of_the_triangles_changes_nothing():
    order = np.random.default_rng(1).permutation(len(FACE.triangles))
    shuffled = ClosestPointTree(FACE.vertices, FACE.triangles[order]).query(AROUND)
    np.testing.assert_array_equal(shuffled.distances, TREE.query(AROUND).distances)


def test_the_first_of_equally_close_triangles_is_named():
    triangles = np.concatenate([FACE.triangles[::-1], FACE.triangles, FACE.triangles])
    found = ClosestPointTree(FACE.vertices, triangles).query(AROUND)
    assert (found.triangles < len(FACE.triangles)).all()
    square = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0], [1, 1, 0]])
    for halves in ([[1, 3, 2], [0, 1, 2]], [[0, 1, 2], [1, 3, 2]]):
        on_the_diagonal = ClosestPointTree(square, np.array(halves)).query(
            np.array([[0.5, 0.5, 1]])
        )
        assert on_the_diagonal.triangles.tolist() == [0]
        assert on_the_diagonal.distances.tolist() == [1]


def test_no_points():
    assert TREE.query(AROUND[:0]).points.shape == (0, 3)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(-40, 40), st.floats(-16, 0))
def test_needles_of_any_size(seed, size, height):
    """Triangles whose height shrinks to rounding error, at any scale."""
    rng = np.random.default_rng(seed)
    corners = rng.normal(size=(30, 3, 3))
    share = rng.uniform(-0.5, 1.5, (30, 1))
    on_line = corners[:, 0] + share * (corners[:, 1] - corners[:, 0])
    corners[:, 2] = on_line + 10.0**height * rng.normal(size=(30, 3))
    corners *= 10.0**size
    points = rng.normal(size=(20, 3)) * 2 * 10.0**size
    mesh = Mesh(corners.reshape(-1, 3), np.arange(90).reshape(30, 3))
    found = ClosestPointTree(mesh.vertices, mesh.triangles).query(points)
    np.testing.assert_allclose(
        found.distances, brute_force_distances(points, mesh), rtol=0, atol=1e-9 * 10.0**size
    )


def test_a_mesh_that_is_one_point():
    found = ClosestPointTree(np.ones((300, 3)), np.arange(300).reshape(100, 3)).query(AROUND)
    np.testing.assert_allclose(found.distances, np.linalg.norm(AROUND - 1, axis=1), rtol=1e-15)
    assert (found.triangles == 0).all()


def test_vertices_lie_on_their_mesh():
    mesh, _ = grid_face(10)
    tree = ClosestPointTree(mesh.vertices, mesh.triangles)
    np.testing.assert_allclose(tree.query(mesh.vertices).distances, 0, atol=1e-12)


@pytest.mark.parametrize(
    ("vertices", "triangles"),
    [
        (np.eye(3), np.zeros((0, 3), dtype=int)),
        (np.eye(3), np.array([[0, 1, 3]])),
        (np.eye(3), np.array([[0, 1, -1]])),
        (np.full((3, 3), np.nan), np.array([[0, 1, 2]])),
        (np.eye(3) * 1e70, np.array([[0, 1, 2]])),
    ],
)
def test_unusable_meshes(vertices, triangles):
    with pytest.raises(ValueError, match=r"mesh has no|not finite|coordinate of"):
        ClosestPointTree(vertices, triangles)


def test_unusable_points():
    tree = ClosestPointTree(np.eye(3), np.array([[0, 1, 2]]))
    with pytest.raises(ValueError, match="not finite"):
        tree.query(np.array([[0, 0, np.inf]]))
