"""Closest points on a triangle mesh: one tree per mesh, any number of queries."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.geometry.bvh import build_tree
from focsbench.geometry.bvh_query import GROUP, closest_points
from focsbench.geometry.spatial_order import spatial_order
from focsbench.types import FloatArray, IntArray

_LARGEST = 1e60  # fourth powers of coordinates must not overflow


@dataclass(frozen=True)
class ClosestPoints:
    """Answer to a query of N points.

    distances: (N,) unsigned distances to the surface.
    points: (N, 3) closest points on the surface.
    triangles: (N,) index of the triangle that holds each closest point.
    """

    distances: FloatArray
    points: FloatArray
    triangles: IntArray


class ClosestPointTree:
    """Axis-aligned bounding-box tree over the triangles of one mesh; exact in float64.

    vertices: (V, 3) float64; triangles: (F, 3) int64. Neither may be written to.
    """

    vertices: FloatArray
    triangles: IntArray

    def __init__(self, vertices: FloatArray, triangles: IntArray) -> None:
        """Build the tree.

        Args:
            vertices: (V, 3), finite.
            triangles: (F, 3), F >= 1, indices into ``vertices``. Triangles of zero area count as
                the segment or point that they are.

        Raises:
            ValueError: if the mesh has no triangle, an index out of range or a value not finite.
        """
        if len(triangles) == 0 or triangles.min() < 0 or triangles.max() >= len(vertices):
            raise ValueError("the mesh has no triangles, or a triangle names a missing vertex")
        if not np.isfinite(vertices).all():
            raise ValueError("a vertex has a coordinate that is not finite")
        # Copies, because a read-only array would be a new type to compile the kernels for.
        self.vertices = np.array(vertices, dtype=np.float64, order="C")
        self.triangles = np.array(triangles, dtype=np.int64, order="C")
        self._size = float(np.abs(self.vertices).max())
        if self._size > _LARGEST:
            raise ValueError(f"a vertex has a coordinate of {self._size:.0e}")
        self._tree = build_tree(self.vertices, self.triangles)

    def query(self, points: FloatArray, near: IntArray | None = None) -> ClosestPoints:
        """Find the closest surface point of each of (N, 3) finite points.

        Of triangles that are equally close, the first is named.

        Args:
            points: (N, 3), finite.
            near: (N,) triangles that are likely close to each point, such as those of an earlier
                query. They change the speed alone, never the answer.

        Raises:
            ValueError: if a coordinate is not finite.
        """
        _refuse_unusable(points)
        order = spatial_order(points, GROUP)
        found = self.query_ordered(points[order], None if near is None else near[order])
        back = np.zeros_like(order)
        back[order] = np.arange(len(order))
        return ClosestPoints(found.distances[back], found.points[back], found.triangles[back])

    def query_ordered(self, points: FloatArray, near: IntArray | None = None) -> ClosestPoints:
        """The same without sorting the points first.

        Every run of ``GROUP`` points should lie close together, as ``spatial_order`` arranges.
        Other orders get the same answers, only later.
        """
        _refuse_unusable(points)
        tree, count = self._tree, len(points)
        squared, closest = np.zeros(count), np.zeros((count, 3))
        triangles = np.zeros(count, np.int64)
        closest_points(
            np.array(points, dtype=np.float64, order="C"),
            tree.leaves, tree.numbers, tree.nodes, tree.levels, self._size,
            np.full(count, -1) if near is None else tree.home[near],
            squared, closest, triangles,
        )  # fmt: skip
        return ClosestPoints(np.sqrt(squared), closest, triangles)


def _refuse_unusable(points: FloatArray) -> None:
    if not (np.abs(points) <= _LARGEST).all():
        raise ValueError("a query point has a coordinate that is not finite")
