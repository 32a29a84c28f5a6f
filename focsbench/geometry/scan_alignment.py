"""Scan-to-mesh evaluation of one predicted face, as the NoW benchmark defines it.

The scan is cropped to a ball around the face; the prediction is placed on it by its seven
landmarks and refined so that the distances of all cropped scan vertices to its surface become
least; those distances are the result. Everything is in mm and float64.

Source: Sanyal et al., "Learning to regress 3D face shape and expression from an image without 3D
supervision", CVPR 2019, and the public description of the benchmark (now.is.tue.mpg.de).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.geometry.closest_point import ClosestPoints, ClosestPointTree
from focsbench.geometry.procrustes import Similarity, procrustes
from focsbench.geometry.rotation import rotation_derivative, rotation_from_vector
from focsbench.geometry.trust_region import DoglegRules, minimise
from focsbench.types import FloatArray, IntArray, Mesh

OFFICIAL_RULES = DoglegRules()
CROP_FACTOR = 1.4
BRIDGE_WEIGHT = 0.3

# Order of the seven landmarks; right is the subject's right.
RIGHT_EYE_OUTER, RIGHT_EYE_INNER, LEFT_EYE_INNER, LEFT_EYE_OUTER, NOSE_BOTTOM = range(5)


@dataclass(frozen=True)
class ScanAlignment:
    """How a prediction was placed on a scan, and the distances that remain.

    transform: from the prediction's own frame and unit to the scan, in mm.
    distances: (N,) mm, unsigned, from each cropped scan vertex (in order) to the surface.
    steps: accepted steps of the refinement.
    sum_of_squares: of the distances, mm^2.
    """

    transform: Similarity
    distances: FloatArray
    steps: int
    sum_of_squares: float


def crop_ball(landmarks: FloatArray) -> tuple[FloatArray, float]:
    """Return the centre (3,) and radius of the ball of a scan that is evaluated, mm.

    Args:
        landmarks: (7, 3) landmarks of the scan, mm. The arithmetic stays in their precision.
    """
    bridge = (landmarks[RIGHT_EYE_INNER] + landmarks[LEFT_EYE_INNER]) / 2
    nose = landmarks[NOSE_BOTTOM]
    centre = nose + BRIDGE_WEIGHT * (bridge - nose)
    eyes = np.linalg.norm(landmarks[RIGHT_EYE_OUTER] - landmarks[LEFT_EYE_OUTER])
    radius = CROP_FACTOR * (eyes + np.linalg.norm(bridge - nose)) / 2
    return centre, float(radius)


def crop_scan(vertices: FloatArray, landmarks: FloatArray) -> IntArray:
    """Return the indices of the scan vertices inside the ball, ascending.

    The triangles of the scan play no role: each vertex in the ball counts once.

    Raises:
        ValueError: if no vertex is inside (scan and landmarks do not belong together).
    """
    centre, radius = crop_ball(landmarks)
    kept = np.flatnonzero(np.linalg.norm(vertices - centre, axis=1) <= radius)
    if len(kept) == 0:
        raise ValueError("no scan vertex lies near the landmarks: check the landmarks' unit")
    return kept


def align_to_scan(
    points: FloatArray,
    scan_landmarks: FloatArray,
    mesh: Mesh,
    landmarks: FloatArray,
    *,
    mm_per_unit: float | None = None,
    rules: DoglegRules = OFFICIAL_RULES,
) -> ScanAlignment:
    """Place a predicted mesh on cropped scan points and measure the distances.

    Args:
        points: (N, 3) cropped scan vertices, mm.
        scan_landmarks: (7, 3) landmarks of the scan, mm.
        mesh: the prediction, any unit.
        landmarks: (7, 3) landmarks of the prediction, in its frame and unit.
        mm_per_unit: None for the scale-invariant evaluation. Otherwise the metrical one: the
            prediction keeps its size, one unit of it being so many mm.
        rules: constants of the refinement.

    Raises:
        ValueError: if the landmarks coincide or a number is not finite.
    """
    start = _landmark_start(scan_landmarks, landmarks, mm_per_unit)
    tree = ClosestPointTree(start.apply(mesh.vertices), mesh.triangles)
    metrical = mm_per_unit is not None
    theta0 = np.zeros(6) if metrical else np.array([1.0, 0, 0, 0, 0, 0, 0])
    _, fit, steps = minimise(lambda theta: _Fit(tree, points, theta), theta0, rules)
    total = Similarity(
        scale=fit.scale * start.scale,
        rotation=fit.rotation @ start.rotation,
        translation=fit.scale * fit.rotation @ start.translation + fit.translation,
    )
    return ScanAlignment(total, fit.distances, steps, fit.sum_of_squares)


def _landmark_start(
    scan_landmarks: FloatArray, landmarks: FloatArray, mm_per_unit: float | None
) -> Similarity:
    """Similarity of the landmarks, mirror images allowed as in the benchmark.

    The metrical variant replaces the scale but keeps the translation that belonged to the
    landmark scale, as the benchmark does; the refinement repairs the offset.
    """
    start = procrustes(landmarks, scan_landmarks, allow_reflection=True)
    if mm_per_unit is None:
        return start
    return Similarity(mm_per_unit, start.rotation, start.translation)


class _Fit:
    """Distances of the scan points to the mesh moved by theta = (scale,) rotation, translation.

    The mesh moves as ``p = s R(r) q + t``. Its tree is built once: the scan points are moved by
    the inverse instead, and distances are scaled back.
    """

    def __init__(self, tree: ClosestPointTree, points: FloatArray, theta: FloatArray) -> None:
        self._points = points
        self._has_scale = len(theta) == 7
        self.scale = float(theta[0]) if self._has_scale else 1.0
        self._vector, self.translation = theta[-6:-3], theta[-3:]
        self.rotation = rotation_from_vector(self._vector)
        self.distances: FloatArray = np.zeros(0)
        self.sum_of_squares = np.inf
        if self.scale > 0:  # a mesh turned inside out is never admissible
            self._closest = self._query(tree)
            self.distances = self.scale * self._closest.distances
            self.sum_of_squares = float(self.distances @ self.distances)

    def _query(self, tree: ClosestPointTree) -> ClosestPoints:
        return tree.query((self._points - self.translation) @ self.rotation / self.scale)

    def normal_equations(self) -> tuple[FloatArray, FloatArray]:
        """J'J and -J'd. A closest point moves with the mesh, so J = -n' dp/dtheta (envelope).

        ``n`` is the unit vector from the closest point to the scan point; where the two coincide
        the distance has no direction and the row is zero.
        """
        q = self._closest.points
        rotated = q @ self.rotation.T
        offset = self._points - (self.scale * rotated + self.translation)
        d = self.distances[:, None]
        n = np.divide(offset, d, out=np.zeros_like(offset), where=d > 0)
        turn = rotation_derivative(self._vector, self.rotation)
        columns = [self.scale * np.einsum("ni,ij,nj->n", n, turn[k], q) for k in range(3)]
        if self._has_scale:
            columns.insert(0, np.einsum("ni,ni->n", n, rotated))
        negative_j = np.column_stack([*columns, n])
        return negative_j.T @ negative_j, negative_j.T @ self.distances
