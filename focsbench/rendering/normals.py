"""Area-weighted vertex normals."""

from __future__ import annotations

import torch
from torch import Tensor

SMALLEST_AREA = 1e-12
"""Vertices with less incident area (mm^2, twice the triangle area) have the normal zero."""


def vertex_normals(vertices: Tensor, triangles: Tensor, renormalize: bool = True) -> Tensor:
    """Mean of the normals of the incident triangles, weighted by their area.

    vertices: (B, V, 3); triangles: (F, 3), counter-clockwise seen from outside.
    Returns (B, V, 3), of unit length, or with ``renormalize=False`` the plain weighted mean of
    unit normals (shorter than 1 on curved parts, as in the released code). Differentiable;
    a vertex without incident area has the normal zero and passes no gradient.
    """
    index = triangles.long()
    v0, v1, v2 = (vertices[:, index[:, corner]] for corner in range(3))
    doubled_area_normal = torch.linalg.cross(v1 - v0, v2 - v0)
    total = _sum_at_corners(doubled_area_normal, index, vertices.shape[1])
    if renormalize:
        length = _safe_norm(total)
    else:
        length = _sum_at_corners(_safe_norm(doubled_area_normal), index, vertices.shape[1])
    defined = length > SMALLEST_AREA
    return torch.where(defined, total / torch.where(defined, length, 1.0), 0.0)


def _safe_norm(vectors: Tensor) -> Tensor:
    """Length along the last axis, kept; the gradient at zero is zero rather than NaN."""
    squared = (vectors * vectors).sum(-1, keepdim=True)
    defined = squared > SMALLEST_AREA**2
    return torch.where(defined, torch.where(defined, squared, 1.0).sqrt(), 0.0)


def _sum_at_corners(values: Tensor, index: Tensor, count: int) -> Tensor:
    """Add the value (B, F, C) of every triangle to its three vertices; returns (B, count, C)."""
    result = values.new_zeros(values.shape[0], count, values.shape[2])
    for corner in range(3):
        result = result.index_add(1, index[:, corner], values)
    return result
