"""Normals of triangle meshes in numpy; the renderer has its own, which can be differentiated."""

from __future__ import annotations

import numpy as np

from focsbench.types import FloatArray, IntArray


def triangle_normals(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """Return the (F, 3) normal of each triangle, twice its area long.

    Args:
        vertices: (V, 3) in any unit.
        triangles: (F, 3) indices of vertices.
    """
    a, b, c = (vertices[triangles[:, corner]].astype(np.float64) for corner in range(3))
    return np.asarray(np.cross(b - a, c - a))


def vertex_normals(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """Return (V, 3) sums of the normals of the triangles around each vertex.

    The larger a triangle, the more it counts; zero where a vertex has no triangle.

    Args:
        vertices: (V, 3) in any unit.
        triangles: (F, 3) indices of vertices.
    """
    normals = triangle_normals(vertices, triangles)
    count = len(vertices)
    return np.column_stack(
        [
            np.bincount(triangles.ravel(), np.repeat(normals[:, axis], 3), minlength=count)
            for axis in range(3)
        ]
    )


def unit_vectors(vectors: FloatArray) -> FloatArray:
    """Return (N, 3) vectors of length 1 in the same directions; zero stays zero."""
    length = np.linalg.norm(vectors, axis=1, keepdims=True)
    return np.asarray(np.divide(vectors, length, out=np.zeros_like(vectors), where=length > 0))
