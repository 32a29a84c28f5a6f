"""Distances of scan points to a mesh that moves, as a least-squares problem.

The mesh moves as ``p = s R(r) q + t`` with theta = (s,) r, t. Its tree is built once: the scan
points are moved by the inverse instead, and distances are scaled back.
"""

from __future__ import annotations

import numpy as np

from focsbench.geometry.bvh_query import GROUP
from focsbench.geometry.closest_point import ClosestPoints, ClosestPointTree
from focsbench.geometry.rotation import rotation_derivative, rotation_from_vector
from focsbench.geometry.spatial_order import spatial_order
from focsbench.jit import kernel
from focsbench.types import FloatArray, IntArray

_LANES = 16  # partial sums kept side by side, so that the processor adds many at once


class ScanDistances:
    """The residuals at one theta; see :class:`ScanToMesh`.

    scale, rotation (3, 3), translation (3,): the motion of the mesh.
    sum_of_squares: of the distances, mm^2; infinite for a scale that is not positive, because a
        mesh turned inside out is never admissible.
    """

    def __init__(self, theta: FloatArray) -> None:
        self._has_scale = len(theta) == 7
        self._vector = theta[-6:-3]
        self.scale = float(theta[0]) if self._has_scale else 1.0
        self.rotation = rotation_from_vector(self._vector)
        self.translation: FloatArray = theta[-3:]
        self.sum_of_squares = np.inf

    def measure(self, tree: ClosestPointTree, points: FloatArray, near: IntArray | None) -> None:
        """Find the distances of the points (N, 3), which stand in spatial order."""
        moved = _move_back(points, self.scale, self.rotation, self.translation)
        self.closest: ClosestPoints = tree.query_ordered(moved, near)
        self._gram = _gram(moved, self.closest.points, self.closest.distances)
        self.sum_of_squares = self.scale**2 * float(self._gram[7, 7])

    def normal_equations(self) -> tuple[FloatArray, FloatArray]:
        """J'J and -J'd. A closest point moves with the mesh, so J = -n' dp/dtheta (envelope).

        n is the unit vector from the closest point to the scan point. In the frame of the mesh
        n' dp/dtheta is (n'q, s w_k'(q x n), n'R'), where w_k is the axis of R' dR/dr_k; so the
        sums over the points are taken once, there, and turned into the ones over theta.
        """
        to_theta = np.zeros((7, 7))
        to_theta[0, 0] = 1
        turn = rotation_derivative(self._vector, self.rotation)
        for k in range(3):
            axis = self.rotation.T @ turn[k]
            to_theta[1 + k, 1:4] = self.scale * np.array([axis[2, 1], axis[0, 2], axis[1, 0]])
        to_theta[4:, 4:] = self.rotation
        if not self._has_scale:
            to_theta = to_theta[1:]
        normal = to_theta @ self._gram[:7, :7] @ to_theta.T
        return normal, self.scale * (to_theta @ self._gram[:7, 7])


class ScanToMesh:
    """Residuals of cropped scan points (N, 3), mm, against one mesh, at any theta."""

    def __init__(self, tree: ClosestPointTree, points: FloatArray) -> None:
        self._tree = tree
        self._near: IntArray | None = None
        self._order = spatial_order(points, GROUP)
        self._points = np.ascontiguousarray(points[self._order], dtype=np.float64)

    def __call__(self, theta: FloatArray) -> ScanDistances:
        """Measure at theta, (7,) or without a scale (6,)."""
        fit = ScanDistances(theta)
        if fit.scale > 0:
            fit.measure(self._tree, self._points, self._near)
            # The motion between two evaluations is small: begin where the last one ended.
            self._near = fit.closest.triangles
        return fit

    def in_scan_order(self, fit: ScanDistances) -> tuple[FloatArray, IntArray]:
        """Return the distances (N,), mm, and triangles (N,) in the order of the given points."""
        distances, triangles = np.zeros(len(self._order)), np.zeros_like(self._order)
        distances[self._order] = fit.scale * fit.closest.distances
        triangles[self._order] = fit.closest.triangles
        return distances, triangles


@kernel
def _move_back(
    points: FloatArray, scale: float, rotation: FloatArray, translation: FloatArray
) -> FloatArray:
    """R'(x - t) / s for every point x."""
    moved = np.zeros_like(points)
    for i in range(len(points)):
        x = points[i, 0] - translation[0]
        y = points[i, 1] - translation[1]
        z = points[i, 2] - translation[2]
        for k in range(3):
            turned = rotation[0, k] * x + rotation[1, k] * y + rotation[2, k] * z
            moved[i, k] = turned / scale
    return moved


@kernel
def _gram(points: FloatArray, closest: FloatArray, distances: FloatArray) -> FloatArray:
    """Sum of u u' (8, 8) over the points, with u = (n'q, q x n, n, d).

    q is the closest point, n the unit vector from it to the point; where the two coincide the
    distance has no direction and n is zero.
    """
    rows = np.zeros((8, _LANES))
    sums = np.zeros((8, 8, _LANES))
    for first in range(0, len(points), _LANES):
        count = min(_LANES, len(points) - first)
        rows[:, count:] = 0
        for j in range(count):
            i = first + j
            d = distances[i]
            inverse = 1 / d if d > 0 else 0.0
            qx, qy, qz = closest[i, 0], closest[i, 1], closest[i, 2]
            nx = (points[i, 0] - qx) * inverse
            ny = (points[i, 1] - qy) * inverse
            nz = (points[i, 2] - qz) * inverse
            rows[0, j] = nx * qx + ny * qy + nz * qz
            rows[1, j], rows[2, j] = qy * nz - qz * ny, qz * nx - qx * nz
            rows[3, j] = qx * ny - qy * nx
            rows[4, j], rows[5, j], rows[6, j], rows[7, j] = nx, ny, nz, d
        for a in range(8):
            for b in range(a, 8):
                for j in range(rows.shape[1]):
                    sums[a, b, j] += rows[a, j] * rows[b, j]
    gram = np.zeros((8, 8))
    for a in range(8):
        for b in range(a, 8):
            for j in range(_LANES):
                gram[a, b] += sums[a, b, j]
            gram[b, a] = gram[a, b]
    return gram
