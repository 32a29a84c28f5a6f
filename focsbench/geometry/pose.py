"""Pose of a known 3D point set from its 2D projections, for the pinhole camera of the renderer."""

from __future__ import annotations

import numpy as np
from scipy.optimize import least_squares
from scipy.spatial.transform import Rotation

from focsbench.types import FloatArray

FOCAL_LENGTH_AT_224 = 1014.72  # pixels
DEFAULT_DEPTH = 1000.0  # mm
FLIP = np.diag([1.0, -1.0, -1.0])  # model frame (y up, z to the camera) -> camera (y down, z away)


def project_points(
    points: FloatArray, angles: FloatArray, translation: FloatArray, image_size: int
) -> FloatArray:
    """Project (N, 3) model-space points, mm, to (N, 2) pixels.

    angles: (3,) rotations about x, y, z in radians, applied as Rx Ry Rz; translation: (3,) mm,
    added to the default depth of 1 m.
    """
    rotation = Rotation.from_euler("XYZ", angles).as_matrix()
    camera = points @ (FLIP @ rotation).T + translation + [0.0, 0.0, DEFAULT_DEPTH]
    focal_length = FOCAL_LENGTH_AT_224 * image_size / 224
    return focal_length * camera[:, :2] / camera[:, 2:] + (image_size - 1) / 2


def fit_pose(
    points: FloatArray, pixels: FloatArray, image_size: int
) -> tuple[FloatArray, FloatArray]:
    """Find the pose that projects (N, 3) points, mm, closest to (N, 2) pixels.

    Least squares over rotation and translation from the frontal pose, Levenberg-Marquardt.

    Returns:
        angles (3,) radians and translation (3,) mm as `project_points` takes them.
    """

    def residuals(pose: FloatArray) -> FloatArray:
        translation = pose[3:] * 100  # decimetres, so that all six variables are of order one
        return (project_points(points, pose[:3], translation, image_size) - pixels).reshape(-1)

    solution = least_squares(residuals, np.zeros(6), method="lm").x
    return solution[:3], solution[3:] * 100
