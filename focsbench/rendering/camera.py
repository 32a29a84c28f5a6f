"""Pose and pinhole camera of the method, as differentiable torch functions.

Model space is mm, x towards the subject's left, y up, z out of the nose. Camera space is mm,
x right, y down, z into the scene. Image coordinates are pixels, x right, y down, with pixel
centres at integers. The camera is that of the released code (and of Deep3D): a focal length of
9.06 half image widths, 1014.72 px at 224 px, and a face 1000 mm away.
"""

from __future__ import annotations

import torch
from torch import Tensor

CAMERA_DISTANCE = 1000.0
"""Depth of the model origin at zero translation, mm."""

FOCAL_LENGTH_IN_HALF_WIDTHS = 9.06


def focal_length(image_size: int) -> float:
    """Focal length in px of a square image; 1014.72 at 224 px."""
    return FOCAL_LENGTH_IN_HALF_WIDTHS * image_size / 2


def principal_point(image_size: int) -> float:
    """Both coordinates of the principal point in px: the middle of the image, 111.5 at 224 px."""
    return (image_size - 1) / 2


def rotation_matrix(angles: Tensor) -> Tensor:
    """Rotation from model space to camera axes, R = F Rx(rx) Ry(ry) Rz(rz).

    angles: (B, 3) rx, ry, rz in radians. Returns (B, 3, 3). F = diag(1, -1, -1) turns the
    y-up model into the y-down camera; Rx, Ry, Rz are right-handed elementary rotations.
    """
    (sx, sy, sz), (cx, cy, cz) = angles.sin().unbind(-1), angles.cos().unbind(-1)
    rows = [
        [cy * cz, -cy * sz, sy],
        [-(cx * sz + sx * sy * cz), -(cx * cz - sx * sy * sz), sx * cy],
        [-(sx * sz - cx * sy * cz), -(sx * cz + cx * sy * sz), -cx * cy],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def transform(vertices: Tensor, angles: Tensor, translation: Tensor) -> Tensor:
    """Camera-space vertices R v + (tx, ty, 1000 + tz).

    vertices: (B, V, 3) mm; angles: (B, 3) rad; translation: (B, 3) mm in camera axes.
    Returns (B, V, 3) mm.
    """
    offset = translation + translation.new_tensor([0.0, 0.0, CAMERA_DISTANCE])
    return vertices @ rotation_matrix(angles).transpose(-1, -2) + offset[:, None, :]


def project(camera_vertices: Tensor, image_size: int) -> Tensor:
    """Pinhole projection of camera-space points (..., 3) in mm to pixels (..., 2)."""
    plane = camera_vertices[..., :2] / camera_vertices[..., 2:]
    return focal_length(image_size) * plane + principal_point(image_size)
