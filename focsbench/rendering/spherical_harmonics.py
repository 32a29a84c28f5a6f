"""Spherical-harmonic lighting (bands 0 to 2) of vertices, evaluated in camera axes.

Real spherical harmonics with Condon-Shortley phase in the order m = -l..l, as polynomials of the
unit normal, without Lambertian convolution factors.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

AMBIENT = 0.7 * 2 * math.pi
"""Constant light added to the first coefficient of every channel (4.39823)."""

Y0 = math.sqrt(1 / (4 * math.pi))
Y1 = math.sqrt(3 / (4 * math.pi))
Y2 = math.sqrt(15 / (4 * math.pi))
Y20 = math.sqrt(5 / (16 * math.pi))
Y22 = math.sqrt(15 / (16 * math.pi))

SMALLEST_RADIUS = 1e-6


def sh_basis(normals: Tensor) -> Tensor:
    """The nine basis functions at unit normals (..., 3); returns (..., 9)."""
    x, y, z = normals.unbind(-1)
    return torch.stack(
        [
            torch.full_like(x, Y0),
            -Y1 * y,
            Y1 * z,
            -Y1 * x,
            Y2 * x * y,
            -Y2 * y * z,
            Y20 * (3 * z * z - 1),
            -Y2 * x * z,
            Y22 * (x * x - y * y),
        ],
        dim=-1,
    )


def direction_from_angles(normals: Tensor) -> Tensor:
    """Unit direction that the angle form of the released code sees for a shortened normal.

    The released code feeds theta = acos(n_z), phi = atan2(n_y, n_x) of averaged, not re-normalised
    normals to the harmonics: n_z is kept and (n_x, n_y) is stretched to unit length.
    normals: (..., 3), length at most 1. Returns (..., 3). At the poles, where phi is undefined
    and the original has NaN gradients, the tangential part is shrunk to zero instead.
    """
    xy, z = normals[..., :2], normals[..., 2:].clamp(-1, 1)
    # The root of zero has no gradient: stay a hair away from it on both sides.
    sine = (1 - z * z).clamp_min(SMALLEST_RADIUS**2).sqrt()
    radius = (xy * xy).sum(-1, keepdim=True).clamp_min(SMALLEST_RADIUS**2).sqrt()
    return torch.cat([xy * (sine / radius), z], dim=-1)


def shade(albedo: Tensor, normals: Tensor, light: Tensor) -> Tensor:
    """Light every vertex: albedo times the light's value in the direction of the normal.

    albedo: (B, V, 3), linear factor in [0, 1] (not clamped); normals: (B, V, 3) unit, camera axes;
    light: (B, 27), nine coefficients of red, then green, then blue, *without* the ambient offset,
    which is added here. Returns (B, V, 3), not clamped.
    """
    coefficients = light.reshape(-1, 3, 9)
    ambient = coefficients.new_zeros(9)
    ambient[0] = AMBIENT
    return albedo * (sh_basis(normals) @ (coefficients + ambient).transpose(-1, -2))
