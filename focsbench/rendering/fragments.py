"""What a rasteriser is and what it answers, and the arithmetic that all backends share.

A rasteriser answers one question without gradients: which triangle does each pixel show? The
shading above it is differentiable with this visibility held fixed (as in the released code, there
is no gradient of silhouettes).
"""

from __future__ import annotations

from typing import NamedTuple, Protocol

import torch
from torch import Tensor


class Fragments(NamedTuple):
    """What every pixel of a batch of images shows.

    triangle_ids: (B, S, S) int32, -1 where nothing is seen.
    barycentrics: (B, S, S, 3) affine barycentrics on the screen, zero where nothing is seen.
    """

    triangle_ids: Tensor
    barycentrics: Tensor


class Rasterizer(Protocol):
    """Visibility of one mesh topology in a batch of square images; no gradients.

    Rules that all backends share: a pixel shows a triangle that contains its centre (border
    included); of several, the one with the smallest depth there (1/depth is interpolated, which
    is exact under perspective); triangles that face away (clockwise for the viewer) or have no
    area or any vertex at depth <= 0 are dropped.
    """

    def __call__(
        self, camera_vertices: Tensor, uv: Tensor, triangles: Tensor, image_size: int
    ) -> Fragments:
        """camera_vertices (B, V, 3) mm, uv (B, V, 2) px, triangles (F, 3) -> Fragments."""
        ...


def screen_barycentrics(corners: Tensor, points: Tensor) -> Tensor:
    """Affine barycentrics of points in triangles on the screen, differentiable.

    corners: (..., 3, 2) px; points: (..., 2) px. Returns (..., 3).
    """
    x, y = (corners - points[..., None, :]).unbind(-1)
    # Relative to the point, an edge function changes only its sign with the direction of the
    # edge, to the last bit: neighbours leave neither gaps nor overlaps along a shared edge.
    edges = torch.stack(
        [
            x[..., 1] * y[..., 2] - y[..., 1] * x[..., 2],
            x[..., 2] * y[..., 0] - y[..., 2] * x[..., 0],
            x[..., 0] * y[..., 1] - y[..., 0] * x[..., 1],
        ],
        dim=-1,
    )
    return edges / edges.sum(-1, keepdim=True)


def drawn_triangles(corners: Tensor, depths: Tensor, cull_backfaces: bool) -> Tensor:
    """Which triangles are drawn: (F,) bool of corners (F, 3, 2) px and depths (F, 3) mm."""
    (x0, x1, x2), (y0, y1, y2) = corners[..., 0].unbind(1), corners[..., 1].unbind(1)
    area = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
    # y points down: counter-clockwise for the viewer is a negative area.
    facing = area < 0 if cull_backfaces else area != 0
    return facing & area.isfinite() & (depths > 0).all(1)


def fragments(uv: Tensor, triangles: Tensor, ids: Tensor) -> Fragments:
    """Add the barycentrics to visible triangles ids (B, S, S), -1 for none; uv (B, V, 2)."""
    barycentrics = uv.new_zeros(*ids.shape, 3)
    image, row, column = torch.nonzero(ids >= 0, as_tuple=True)
    corners = uv[image[:, None], triangles.long()[ids[image, row, column].long()]]
    points = torch.stack([column, row], dim=1).to(uv.dtype)
    barycentrics[image, row, column] = screen_barycentrics(corners, points)
    return Fragments(ids.int(), barycentrics)


def perspective_correct(barycentrics: Tensor, depths: Tensor) -> Tensor:
    """Barycentrics on the 3D triangle from those on the screen.

    barycentrics, depths: (..., 3), depths > 0 of the three corners. Returns (..., 3).
    """
    weights = barycentrics / depths
    return weights / weights.sum(-1, keepdim=True)
