from __future__ import annotations

import numpy as np
import pytest
from geometry_support import brute_force_distances, closest_distance, grid_face
from hypothesis import given
from hypothesis import strategies as st

from focsbench.geometry.closest_point import ClosestPointTree
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


def test_blocks_do_not_change_the_answer():
    mesh, _ = grid_face(20)
    tree = ClosestPointTree(mesh.vertices, mesh.triangles)
    points = np.random.default_rng(0).uniform(-100, 100, (20000, 3))
    whole = tree.query(points)
    parts = [tree.query(part).distances for part in np.array_split(points, 7)]
    np.testing.assert_array_equal(whole.distances, np.concatenate(parts))
    assert tree.query(points[:0]).distances.shape == (0,)


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
    ],
)
def test_unusable_meshes(vertices, triangles):
    with pytest.raises(ValueError, match=r"mesh has no|not finite"):
        ClosestPointTree(vertices, triangles)


def test_unusable_points():
    tree = ClosestPointTree(np.eye(3), np.array([[0, 1, 2]]))
    with pytest.raises(ValueError, match="not finite"):
        tree.query(np.array([[0, 0, np.inf]]))
