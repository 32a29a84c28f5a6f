"""Head pose from 68 landmarks of a photograph: weak-perspective fit of a mean face.

Fifteen points take part: nose ridge and nose base, eye corners, mouth corners. The jaw line is
left out because a detector puts it on the visible outline, which slides over the skin as the head
turns; brows, lids and lips are left out because they move. Mouth corners move too, but their
distance from the nose steadies yaw by more than that, and the fit is robust.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from focsbench.types import FloatArray

# iBUG numbers (0-based): nose ridge, nose base, outer and inner eye corners, mouth corners.
POINTS = (27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 39, 42, 45, 48, 54)
# Where they lie on the mean of the face model `anny`, made symmetric: mm, +x the subject's left,
# +y up, +z out of the nose.
MEAN_FACE = np.array(
    [
        [0.0, 30.9, 28.0],
        [0.0, 17.8, 32.9],
        [0.0, 5.0, 40.7],
        [0.0, -6.5, 47.1],
        [-13.9, -12.7, 28.3],
        [-6.8, -13.9, 33.7],
        [0.0, -17.5, 35.1],
        [6.8, -13.9, 33.7],
        [13.9, -12.7, 28.3],
        [-41.4, 29.7, 13.7],
        [-16.4, 28.3, 17.5],
        [16.4, 28.3, 17.5],
        [41.4, 29.7, 13.7],
        [-23.3, -37.2, 24.1],
        [23.3, -37.2, 24.1],
    ]
)
TOLERANCE_MM = 3.0  # landmarks further off than this lose weight (soft L1)
STOP = 1e-10  # of every kind; angles are right to far below the printed decimals


@dataclass(frozen=True)
class HeadPose:
    """Turn of a head against the camera, degrees; the mean face looking at the camera is 0, 0, 0.

    yaw: in [-90, 90]; positive where the subject turns to their own left, so that the nose points
        to the right of the picture.
    pitch: in [-180, 180]; positive where the subject looks down (or the camera is above).
    roll: in [-180, 180]; positive where the head leans to the subject's own right shoulder,
        counter-clockwise in the picture.

    The head is first pitched about its own ear-to-ear axis, then turned by yaw, then rolled in the
    picture plane: yaw and pitch do not depend on how the camera was held.
    """

    yaw: float
    pitch: float
    roll: float


def head_pose_from_landmarks(points68: FloatArray) -> HeadPose:
    """Estimate the pose of a head from its landmarks.

    Scale, rotation and translation of the mean face in weak perspective (no foreshortening by
    distance), least sum of soft-L1 residuals. Perspective adds to the yaw of a near face: about
    1 degree from 1.5 m, 2.5 from 0.6 m.

    Args:
        points68: (68, 2) pixels in iBUG order, x right, y down.

    Raises:
        ValueError: if the landmarks are not 68 finite points or lie on one line.

    Source: the start is that of DeMenthon and Davis (POS, IJCV 1995), with the rotation nearest to
    the affine fit; least squares on the image residuals refine it.
    """
    if points68.shape != (68, 2) or not np.isfinite(points68).all():
        raise ValueError(f"expected 68 finite 2D landmarks, got an array of shape {points68.shape}")
    face = MEAN_FACE - MEAN_FACE.mean(axis=0)
    seen = np.asarray(points68, dtype=np.float64)[list(POINTS)] * [1.0, -1.0]  # y up
    seen = seen - seen.mean(axis=0)
    scale, rotation = _affine_start(face, seen)
    return _angles(_refined(face, seen / scale, rotation))


def _affine_start(face: FloatArray, seen: FloatArray) -> tuple[float, FloatArray]:
    """Scale (pixels per mm) and rotation (3, 3) nearest to the linear fit of centred points."""
    linear = np.linalg.lstsq(face, seen, rcond=None)[0].T
    u, values, vt = np.linalg.svd(linear, full_matrices=False)
    if not values[1] > 1e-6 * values[0]:
        raise ValueError("the landmarks lie on one line")
    rows = u @ vt
    return float(values.mean()), np.vstack([rows, np.cross(rows[0], rows[1])])


def _refined(face: FloatArray, seen: FloatArray, start: FloatArray) -> FloatArray:
    """Rotation (3, 3) of the robust fit; ``seen`` in mm of the starting scale."""

    def residuals(variables: FloatArray) -> FloatArray:
        turned = face @ (Rotation.from_rotvec(variables[:3]).as_matrix() @ start).T
        off = variables[3] * turned[:, :2] + variables[4:] - seen
        # Soft L1 of the distance of every point, written as a sum of squares: taken for x and y
        # apart, it would depend on how the camera was held.
        squared = (off**2).sum(axis=1, keepdims=True) / TOLERANCE_MM**2
        return np.ravel(off * np.sqrt(2 / (np.sqrt(1 + squared) + 1)))

    first = np.array([0.0, 0.0, 0.0, 1.0, 0.0, 0.0])
    found = least_squares(residuals, first, method="lm", ftol=STOP, xtol=STOP, gtol=STOP)
    return np.asarray(Rotation.from_rotvec(found.x[:3]).as_matrix() @ start)


def _angles(rotation: FloatArray) -> HeadPose:
    """Split ``Rz(roll) Ry(yaw) Rx(pitch)``; at a yaw of 90 degrees any split is as good."""
    yaw = np.arcsin(np.clip(-rotation[2, 0], -1.0, 1.0))
    pitch = np.arctan2(rotation[2, 1], rotation[2, 2])
    roll = np.arctan2(rotation[1, 0], rotation[0, 0])
    return HeadPose(*(float(np.degrees(angle)) for angle in (yaw, pitch, roll)))
