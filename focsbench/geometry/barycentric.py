"""Points on a triangle mesh, named by triangle and weights, so that they move with the mesh."""

from __future__ import annotations

import numpy as np

from focsbench.types import FloatArray, IntArray


def barycentric_weights(
    points: FloatArray, vertices: FloatArray, triangles: IntArray, held_by: IntArray
) -> FloatArray:
    """Return the weights of the corners of the triangle that holds each point.

    Args:
        points: (N, 3) points on the surface (others are dropped onto the plane of the triangle).
        vertices: (V, 3). triangles: (F, 3).
        held_by: (N,) the triangle of each point.

    Returns:
        (N, 3) not negative, each row with the sum 1. A triangle without area gives all the
        weight to its first corner.
    """
    a, b, c = (vertices[triangles[held_by, corner]] for corner in range(3))
    normal = np.cross(b - a, c - a)
    squared = (normal**2).sum(axis=1)
    flat = squared == 0
    squared = np.where(flat, 1, squared)
    second = (np.cross(points - a, c - a) * normal).sum(axis=1) / squared
    third = (np.cross(b - a, points - a) * normal).sum(axis=1) / squared
    weights = np.column_stack([1 - second - third, second, third])
    weights[flat] = [1, 0, 0]
    weights = np.maximum(weights, 0)
    return np.asarray(weights / weights.sum(axis=1, keepdims=True))


def surface_points(
    vertices: FloatArray, triangles: IntArray, held_by: IntArray, weights: FloatArray
) -> FloatArray:
    """Return the (N, 3) points with these triangles (N,) and corner weights (N, 3)."""
    return np.asarray(np.einsum("nk,nkd->nd", weights, vertices[triangles[held_by]]))
