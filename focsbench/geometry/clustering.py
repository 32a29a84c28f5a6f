"""Coarser meshes by vertex clustering, with what is known at the vertices averaged.

Source: Rossignac and Borrel, "Multi-resolution 3D approximations for rendering complex scenes",
1993: all vertices in a cell of a grid become one, and triangles that collapse go away. Unlike
edge collapse it says for every vertex where it went, so that measured values are averaged over
all vertices and not sampled at some of them.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.types import FloatArray, IntArray

_GROWTH = 1.1  # of the cell from try to try


@dataclass(frozen=True)
class ClusteredMesh:
    """A coarser mesh.

    vertices: (M, 3), means of their clusters. triangles: (F, 3).
    cluster: (N,) for every vertex of the original mesh its number in the coarser one.
    """

    vertices: FloatArray
    triangles: IntArray
    cluster: IntArray

    def average(self, values: FloatArray) -> FloatArray:
        """Return the mean over each cluster of (N,) values at the original vertices, (M,)."""
        return _means(values, self.cluster, len(self.vertices))


def cluster_to(vertices: FloatArray, triangles: IntArray, most: int) -> ClusteredMesh:
    """Coarsen a mesh until it has at most ``most`` vertices.

    Args:
        vertices: (N, 3).
        triangles: (F, 3) indices.
        most: at least 1; a mesh that is small enough stays as it is.
    """
    if len(vertices) <= most:
        return ClusteredMesh(vertices, triangles, np.arange(len(vertices)))
    origin = vertices.min(axis=0)
    extent = float((vertices.max(axis=0) - origin).max())
    cell = extent / 2 / np.sqrt(most)  # a flat square needs twice that; a surface about as much
    while True:
        places = np.floor((vertices - origin) / cell).astype(np.int64)
        cells, cluster = np.unique(places, axis=0, return_inverse=True)
        if len(cells) <= most:
            return _merged(vertices, triangles, cluster.reshape(-1), len(cells))
        cell *= _GROWTH


def _merged(
    vertices: FloatArray, triangles: IntArray, cluster: IntArray, count: int
) -> ClusteredMesh:
    means = np.stack([_means(vertices[:, axis], cluster, count) for axis in range(3)], axis=1)
    moved = cluster[triangles]
    a, b, c = moved.T
    moved = moved[(a != b) & (b != c) & (c != a)]
    # The same three corners may be left several times; the first of them stays.
    _, first = np.unique(np.sort(moved, axis=1), axis=0, return_index=True)
    return ClusteredMesh(means, moved[np.sort(first)], cluster)


def _means(values: FloatArray, cluster: IntArray, count: int) -> FloatArray:
    sums = np.bincount(cluster, values, minlength=count)
    return np.asarray(sums / np.bincount(cluster, minlength=count))
