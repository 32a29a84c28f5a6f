"""Pose and projection of the fused CPU path, forward and backward; `camera` says it readably."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.jit import helper, kernel
from focsbench.rendering.camera import CAMERA_DISTANCE

Array = NDArray[Any]


@helper
def rotation(angles: Array) -> Array:
    """R = F Rx Ry Rz (3, 3) of three angles, in their precision."""
    sx, sy, sz = math.sin(angles[0]), math.sin(angles[1]), math.sin(angles[2])
    cx, cy, cz = math.cos(angles[0]), math.cos(angles[1]), math.cos(angles[2])
    R = np.empty((3, 3), angles.dtype)
    R[0, 0], R[0, 1], R[0, 2] = cy * cz, -cy * sz, sy
    R[1, 0], R[1, 1], R[1, 2] = -(cx * sz + sx * sy * cz), -(cx * cz - sx * sy * sz), sx * cy
    R[2, 0], R[2, 1], R[2, 2] = -(sx * sz - cx * sy * cz), -(sx * cz + cx * sy * sz), -cx * cy
    return R


@kernel
def project_images(
    first: int,
    last: int,
    vertices: Array,
    angles: Array,
    translation: Array,
    focal: float,
    centre: float,
    camera: Array,
    uv: Array,
    inverse_depth: Array,
) -> None:
    """Fill camera (B, V, 3) mm, uv (B, V, 2) px and 1/depth (B, V) of the images of the range."""
    for image in range(first, last):
        R = rotation(angles[image])
        one = camera.dtype.type(1)
        v, c, p, d = vertices[image], camera[image], uv[image], inverse_depth[image]
        tx, ty = translation[image, 0], translation[image, 1]
        tz = translation[image, 2] + camera.dtype.type(CAMERA_DISTANCE)
        for i in range(len(v)):
            x = R[0, 0] * v[i, 0] + R[0, 1] * v[i, 1] + R[0, 2] * v[i, 2] + tx
            y = R[1, 0] * v[i, 0] + R[1, 1] * v[i, 1] + R[1, 2] * v[i, 2] + ty
            z = R[2, 0] * v[i, 0] + R[2, 1] * v[i, 1] + R[2, 2] * v[i, 2] + tz
            c[i, 0], c[i, 1], c[i, 2] = x, y, z
            p[i, 0], p[i, 1] = focal * (x / z) + centre, focal * (y / z) + centre
            d[i] = one / z


@kernel
def project_images_backward(
    first: int,
    last: int,
    angles: Array,
    translation: Array,
    focal: float,
    camera: Array,
    grad_camera: Array,
    grad_corners: Array,
    grad_uv: Array,
    grad_vertices: Array,
    grad_angles: Array,
    grad_translation: Array,
) -> None:
    """Fill the gradients of vertices (B, V, 3), angles (B, 3) and translation (B, 3).

    grad_camera (B, V, 3) comes through the normals, grad_corners (B, V, 6) through the pixels (see
    `interpolation_kernels`), grad_uv (B, V, 2) from whatever else reads the projected vertices.
    """
    for image in range(first, last):
        R = rotation(angles[image])
        one = camera.dtype.type(1)
        c, gc, gp, gi = camera[image], grad_camera[image], grad_uv[image], grad_corners[image]
        tx, ty = translation[image, 0], translation[image, 1]
        tz = translation[image, 2] + camera.dtype.type(CAMERA_DISTANCE)
        force_x = force_y = force_z = 0.0
        torque_x = torque_y = torque_z = 0.0
        for i in range(len(c)):
            x, y, z = c[i, 0], c[i, 1], c[i, 2]
            nearness = one / z
            plane_x = (gp[i, 0] + gi[i, 4]) * focal * nearness
            plane_y = (gp[i, 1] + gi[i, 5]) * focal * nearness
            gx, gy = gc[i, 0] + plane_x, gc[i, 1] + plane_y
            gz = gc[i, 2] - (gi[i, 3] * nearness + plane_x * x + plane_y * y) * nearness
            for k in range(3):
                grad_vertices[image, i, k] = R[0, k] * gx + R[1, k] * gy + R[2, k] * gz
            force_x, force_y, force_z = force_x + gx, force_y + gy, force_z + gz
            arm_x, arm_y, arm_z = x - tx, y - ty, z - tz
            torque_x += arm_y * gz - arm_z * gy
            torque_y += arm_z * gx - arm_x * gz
            torque_z += arm_x * gy - arm_y * gx
        grad_translation[image, 0] = force_x
        grad_translation[image, 1] = force_y
        grad_translation[image, 2] = force_z
        # The gradient of an angle is the torque about the axis it turns: for rx the camera's x;
        # for ry the model's y moved by F Rx; for rz the model's z moved by all of R.
        sx, cx = math.sin(angles[image, 0]), math.cos(angles[image, 0])
        grad_angles[image, 0] = torque_x
        grad_angles[image, 1] = -cx * torque_y - sx * torque_z
        grad_angles[image, 2] = R[0, 2] * torque_x + R[1, 2] * torque_y + R[2, 2] * torque_z
