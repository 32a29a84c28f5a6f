"""Closest points on a triangle mesh: one tree per mesh, any number of queries."""

from __future__ import annotations

from dataclasses import dataclass

import igl
import numpy as np

from focsbench.types import FloatArray, IntArray

# libigl starts threads of its own for 10,000 queries and more. Scoring runs one process per
# method, where inner threads only compete with the neighbours, so queries go in smaller blocks.
_BLOCK = 8192


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
    """Axis-aligned bounding-box tree over the triangles of one mesh (libigl, float64)."""

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
        self.vertices: FloatArray = np.ascontiguousarray(vertices, dtype=np.float64)
        self.triangles: IntArray = np.ascontiguousarray(triangles, dtype=np.int64)
        self._tree = igl.AABB()
        self._tree.init(self.vertices, self.triangles)

    def query(self, points: FloatArray, near: IntArray | None = None) -> ClosestPoints:
        """Find the closest surface point of each of (N, 3) finite points.

        Args:
            points: (N, 3), finite.
            near: (N,) triangles that are likely close to each point, such as those of an earlier
                query. They change the speed alone, never the answer.

        Raises:
            ValueError: if a coordinate is not finite.
        """
        del near
        if not np.isfinite(points).all():
            raise ValueError("a query point has a coordinate that is not finite")
        points = np.ascontiguousarray(points, dtype=np.float64)
        squared, triangles, closest = (
            np.concatenate(parts)
            for parts in zip(
                *(
                    self._tree.squared_distance(
                        self.vertices, self.triangles, points[start : start + _BLOCK]
                    )
                    for start in range(0, max(len(points), 1), _BLOCK)
                ),
                strict=True,
            )
        )
        return ClosestPoints(np.sqrt(squared), closest, triangles)
