"""The true error of a predicted face, where it is known which point of it is which.

That is so where a prediction has the triangles of the true head: vertex numbers are anatomy.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.geometry.barycentric import barycentric_weights, surface_points
from focsbench.geometry.closest_point import ClosestPointTree
from focsbench.geometry.procrustes import procrustes
from focsbench.geometry.scan_alignment import align_to_scan
from focsbench.types import FloatArray, IntArray, Mesh


@dataclass(frozen=True)
class TrueCorrespondence:
    """Where N scan points lie on the true head.

    points: (N, 3) mm, closest points on the true head, placed on the scan.
    held_by: (N,) triangle of each; weights: (N, 3) barycentric weights in it.
    triangles: (F, 3) triangles of the head.
    """

    points: FloatArray
    held_by: IntArray
    weights: FloatArray
    triangles: IntArray

    def fits(self, mesh: Mesh) -> bool:
        """Whether a prediction has the triangles of the true head."""
        return np.array_equal(mesh.triangles, self.triangles)

    def errors(self, vertices: FloatArray) -> FloatArray:
        """Return the true error at each scan point, (N,) mm.

        The prediction is placed by the similarity that brings all its points that correspond to
        scan points together with the true ones best; what remains is its error.

        Args:
            vertices: (V, 3) of a mesh that :meth:`fits`, any unit and pose.
        """
        points = surface_points(
            vertices.astype(np.float64), self.triangles, self.held_by, self.weights
        )
        placed = procrustes(points, self.points).apply(points)
        return np.asarray(np.linalg.norm(placed - self.points, axis=1))


def true_correspondence(
    points: FloatArray, scan_landmarks: FloatArray, head: Mesh, landmarks: FloatArray
) -> TrueCorrespondence:
    """Find cropped scan points on the true head.

    Args:
        points: (N, 3) scan vertices, mm. scan_landmarks: (7, 3) landmarks of the scan, mm.
        head: the true head, mm, in a frame of its own. landmarks: (7, 3) on it, mm.

    Raises:
        ValueError: as :func:`focsbench.geometry.scan_alignment.align_to_scan`.
    """
    alignment = align_to_scan(
        points, scan_landmarks, head, landmarks, mm_per_unit=1.0, mode="converged"
    )
    vertices = alignment.transform.apply(head.vertices.astype(np.float64))
    closest = ClosestPointTree(vertices, head.triangles).query(points)
    weights = barycentric_weights(closest.points, vertices, head.triangles, closest.triangles)
    return TrueCorrespondence(closest.points, closest.triangles, weights, head.triangles)
