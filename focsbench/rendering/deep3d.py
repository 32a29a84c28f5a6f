"""Pose and light as Deep3D defines them (Deng et al. 2019; PyTorch version), differentiable.

Deep3D's world is the model's: x towards the subject's left, y up, z towards the camera, which
stands 10 dm in front of the origin. Lengths are mm here. Its light is a spherical-harmonic
expansion in world axes, whose bands carry the factors pi, 2 pi / sqrt(3) and 2 pi / sqrt(8).
"""

from __future__ import annotations

import math

import torch
from torch import Tensor
from torch.nn import functional

from focsbench.rendering.camera import FOCAL_LENGTH_IN_HALF_WIDTHS
from focsbench.rendering.spherical_harmonics import AMBIENT, Y0

IMAGE_SIZE = 224
FOCAL_LENGTH = 1015.0
"""In px of a picture of 224 px; the method's own is 1014.72."""

FOCAL_RATIO = FOCAL_LENGTH / (FOCAL_LENGTH_IN_HALF_WIDTHS * IMAGE_SIZE / 2)
FIRST_LIGHT = 0.8
"""Constant light, added to the first coefficient of every channel."""

# Factor times normalisation of the bands 0, 1 and 2.
BAND0 = math.pi / math.sqrt(4 * math.pi)
BAND1 = 2 * math.pi / math.sqrt(3) * math.sqrt(3) / math.sqrt(4 * math.pi)
BAND2 = 2 * math.pi / math.sqrt(8) * 3 * math.sqrt(5) / math.sqrt(12 * math.pi)


def rotation_matrix(angles: Tensor) -> Tensor:
    """Rz Ry Rx, (B, 3, 3), of (B, 3) angles about x, y, z in radians; for column vectors."""
    (sx, sy, sz), (cx, cy, cz) = angles.sin().unbind(-1), angles.cos().unbind(-1)
    rows = [
        [cz * cy, cz * sy * sx - sz * cx, cz * sy * cx + sz * sx],
        [sz * cy, sz * sy * sx + cz * cx, sz * sy * cx - cz * sx],
        [-sy, cy * sx, cy * cx],
    ]
    return torch.stack([torch.stack(row, dim=-1) for row in rows], dim=-2)


def vertex_normals(vertices: Tensor, triangles: Tensor) -> Tensor:
    """Normalised sum of the unit normals of the incident triangles, not weighted by area.

    vertices: (B, V, 3); triangles: (F, 3) counter-clockwise seen from outside. Returns (B, V, 3).
    Deep3D looks at no more than eight triangles of a vertex; a vertex with more is rare.
    """
    index = triangles.long()
    v0, v1, v2 = (vertices[:, index[:, corner]] for corner in range(3))
    normals = functional.normalize(torch.linalg.cross(v1 - v0, v2 - v0), dim=-1)
    total = torch.zeros_like(vertices)
    for corner in range(3):
        total = total.index_add(1, index[:, corner], normals)
    return functional.normalize(total, dim=-1)


def basis(normals: Tensor) -> Tensor:
    """The nine functions at unit normals (..., 3); returns (..., 9)."""
    x, y, z = normals.unbind(-1)
    return torch.stack(
        [
            torch.full_like(x, BAND0),
            -BAND1 * y,
            BAND1 * z,
            -BAND1 * x,
            BAND2 * x * y,
            -BAND2 * y * z,
            BAND2 * 0.5 / math.sqrt(3) * (3 * z * z - 1),
            -BAND2 * x * z,
            BAND2 * 0.5 * (x * x - y * y),
        ],
        dim=-1,
    )


def shade(albedo: Tensor, normals: Tensor, light: Tensor) -> Tensor:
    """Light every vertex: albedo (B, V, 3) in 0..1, normals (B, V, 3), light (B, 27); unclamped."""
    coefficients = light.reshape(-1, 3, 9)
    first = coefficients.new_zeros(9)
    first[0] = FIRST_LIGHT
    return albedo * (basis(normals) @ (coefficients + first).transpose(-1, -2))


def for_renderer(vertices: Tensor) -> Tensor:
    """Stretch (B, V, 3) vertices sideways, so that the method's camera shows what Deep3D's does.

    Both cameras stand where the other does and look the same way; only the focal lengths differ.
    """
    return vertices * vertices.new_tensor([FOCAL_RATIO, FOCAL_RATIO, 1.0])


def light_of_one(batch: int, like: Tensor) -> Tensor:
    """Light (batch, 27) of the method under which every colour stays what it is."""
    light = like.new_zeros(batch, 3, 9)
    light[:, :, 0] = 1 / Y0 - AMBIENT
    return light.reshape(batch, 27)
