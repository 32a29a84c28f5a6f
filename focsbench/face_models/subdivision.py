"""Catmull-Clark subdivision as a sparse matrix, for closed quad meshes."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import sparse


def catmull_clark(
    quads: NDArray[np.int64], vertex_count: int
) -> tuple[sparse.csr_matrix, NDArray[np.int64]]:
    """One Catmull-Clark step of a closed quad mesh.

    quads: (Q, 4) consistently wound, every edge shared by exactly two quads.
    Returns the matrix (V + E + Q, V) that makes new positions from old ones (rows sum to one;
    order: moved old vertices, edge points, face points) and the 4 Q new quads, same winding.
    Source: E. Catmull, J. Clark, Recursively generated B-spline surfaces, 1978.
    """
    count = len(quads)
    following = np.roll(quads, -1, axis=1)
    pairs = np.sort(np.stack([quads, following], axis=-1).reshape(-1, 2), axis=1)
    edges, edge_of_corner = np.unique(pairs, axis=0, return_inverse=True)
    edge_of_corner = edge_of_corner.reshape(count, 4)
    face = _average(np.repeat(np.arange(count), 4), quads.ravel(), (count, vertex_count))
    middle = _average(
        np.repeat(np.arange(len(edges)), 2), edges.ravel(), (len(edges), vertex_count)
    )
    faces_of_edge = _average(
        edge_of_corner.ravel(), np.repeat(np.arange(count), 4), (len(edges), count)
    )
    edge = 0.5 * (middle + faces_of_edge @ face)
    mean_face = (
        _average(quads.ravel(), np.repeat(np.arange(count), 4), (vertex_count, count)) @ face
    )
    mean_middle = (
        _average(edges.ravel(), np.repeat(np.arange(len(edges)), 2), (vertex_count, len(edges)))
        @ middle
    )
    valence = np.bincount(edges.ravel(), minlength=vertex_count).astype(np.float64)
    vertex = sparse.diags(1 / valence) @ (
        mean_face + 2 * mean_middle + sparse.diags(valence - 3) @ sparse.identity(vertex_count)
    )
    matrix = sparse.vstack([vertex, edge, face]).tocsr()
    edge_ids = vertex_count + edge_of_corner
    face_ids = np.repeat(vertex_count + len(edges) + np.arange(count), 4).reshape(count, 4)
    corners = np.stack([quads, edge_ids, face_ids, np.roll(edge_ids, 1, axis=1)], axis=-1)
    return matrix, corners.reshape(-1, 4)


def _average(
    rows: NDArray[np.int64], columns: NDArray[np.int64], shape: tuple[int, int]
) -> sparse.csr_matrix:
    """Matrix whose row r averages all columns listed with r."""
    totals = np.bincount(rows, minlength=shape[0])
    return sparse.csr_matrix((1.0 / totals[rows], (rows, columns)), shape)
