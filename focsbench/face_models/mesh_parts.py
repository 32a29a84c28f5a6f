"""Small measurements on a triangle mesh that the painting fields are built from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from scipy.sparse import coo_matrix, csr_matrix, diags
from scipy.sparse.csgraph import connected_components

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    AnyFloat = NDArray[np.floating[Any]]


def vertex_adjacency(triangles: NDArray[np.int32], count: int) -> csr_matrix:
    """Return the symmetric 0/1 vertex adjacency (V, V) of a triangle mesh."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    ones = np.ones(len(edges), np.float32)
    half = coo_matrix((ones, (edges[:, 0], edges[:, 1])), shape=(count, count)).tocsr()
    both = half + half.T
    both.data[:] = 1.0
    return both


def soften(mask: NDArray[np.bool_] | AnyFloat, adjacency: csr_matrix, steps: int) -> FloatArray:
    """Blur a vertex field over the mesh: ``steps`` half-way moves to the neighbours' mean."""
    degree = np.asarray(adjacency.sum(axis=1)).ravel()
    mean_of_neighbours = diags(1.0 / np.maximum(degree, 1.0)) @ adjacency
    value = np.asarray(mask, np.float32)
    for _ in range(steps):
        value = 0.5 * value + 0.5 * (mean_of_neighbours @ value)
    return value.astype(np.float32)


def vertex_areas(base: FloatArray, triangles: NDArray[np.int32]) -> FloatArray:
    """Return the surface area in mm^2 that belongs to each vertex (V,)."""
    corners = base[triangles]
    cross = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    third = np.linalg.norm(cross, axis=1) / 6.0
    area = np.zeros(len(base))
    for corner in range(3):
        np.add.at(area, triangles[:, corner], third)
    return area.astype(np.float32)


def sphere_centre(points: FloatArray) -> NDArray[np.float64]:
    """Return the centre (3,) of the least-squares sphere through ``points`` (N, 3), N >= 4."""
    shift = points.mean(axis=0).astype(np.float64)
    centred = points - shift
    design = np.column_stack([2.0 * centred, np.ones(len(points))])
    solution = np.linalg.lstsq(design, np.sum(centred**2, axis=1), rcond=None)[0]
    return np.asarray(solution[:3] + shift)


def eyeball_components(
    triangles: NDArray[np.int32], base: FloatArray
) -> tuple[NDArray[np.intp], ...]:
    """Return the vertex indices of the (subject's left, right) eyeball.

    An eyeball is a mesh component of its own, away from the symmetry plane.
    """
    adjacency = vertex_adjacency(triangles, len(base))
    count, label = connected_components(adjacency, directed=False)
    size = np.bincount(label, minlength=count)
    eyes = []
    for component in np.argsort(-size)[1:]:
        members = np.flatnonzero(label == component)
        if len(members) > 20 and np.abs(base[members, 0]).min() > 8.0:
            eyes.append(members)
    left = [e for e in eyes if base[e, 0].mean() > 0]
    right = [e for e in eyes if base[e, 0].mean() < 0]
    return left[0], right[0]
