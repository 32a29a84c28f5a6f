"""The part of a face scan that the NoW benchmark evaluates: a ball around the face, mm.

Source: Sanyal et al., "Learning to regress 3D face shape and expression from an image without 3D
supervision", CVPR 2019, and the public description of the benchmark (now.is.tue.mpg.de).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.types import FloatArray, IntArray

CROP_FACTOR = 1.4
BRIDGE_WEIGHT = 0.3

# Order of the seven landmarks; right is the subject's right.
RIGHT_EYE_OUTER, RIGHT_EYE_INNER, LEFT_EYE_INNER, LEFT_EYE_OUTER, NOSE_BOTTOM = range(5)
ADULT_EYES_MM = (60.0, 130.0)  # distance of the outer eye corners of any adult


@dataclass(frozen=True)
class CroppedScan:
    """The part of a scan that is evaluated.

    points: (N, 3) float64 mm, in the order of the file.
    vertices: (N,) their numbers in the scan, ascending.
    landmarks: (7, 3) mm, in the precision of their file.
    """

    points: FloatArray
    vertices: IntArray
    landmarks: FloatArray


def eye_distance(landmarks: FloatArray) -> float:
    """Distance between the outer eye corners of (7, 3) landmarks, in their unit.

    Infinite where the landmarks are too far away for their precision.
    """
    with np.errstate(over="ignore", invalid="ignore"):
        return float(np.linalg.norm(landmarks[LEFT_EYE_OUTER] - landmarks[RIGHT_EYE_OUTER]))


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


def cropped(vertices: FloatArray, landmarks: FloatArray) -> CroppedScan:
    """Return the evaluated part of a scan of (V, 3) vertices with (7, 3) landmarks, mm.

    Raises:
        ValueError: as :func:`crop_scan`.
    """
    points = vertices.astype(np.float64)
    kept = crop_scan(points, landmarks)
    return CroppedScan(points[kept], kept, landmarks)
