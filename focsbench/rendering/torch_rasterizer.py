"""A rasteriser of plain torch operations, for any device: slower, without compiled code."""

from __future__ import annotations

import torch
from torch import Tensor

from focsbench.rendering.fragments import (
    Fragments,
    drawn_triangles,
    fragments,
    screen_barycentrics,
)

PAIRS_AT_ONCE = 1 << 22
"""Most (triangle, pixel) pairs tested in one go; bounds the memory to some hundred MB."""


class TorchRasterizer:
    """`Rasterizer` that tests every pixel of every bounding box and keeps the nearest hits."""

    def __init__(self, cull_backfaces: bool = True) -> None:
        self.cull_backfaces = cull_backfaces

    @torch.no_grad()
    def __call__(
        self, camera_vertices: Tensor, uv: Tensor, triangles: Tensor, image_size: int
    ) -> Fragments:
        """See `Rasterizer`."""
        index = triangles.long()
        ids = [
            _draw(screen[index], depth[index], image_size, self.cull_backfaces)
            for screen, depth in zip(uv, camera_vertices[..., 2], strict=True)
        ]
        return fragments(uv, triangles, torch.stack(ids))


def _draw(corners: Tensor, depths: Tensor, size: int, cull: bool) -> Tensor:
    """Visible triangle (S, S) of one image; corners (F, 3, 2) px, depths (F, 3)."""
    low = corners.amin(1).clamp_min(0).ceil()
    high = corners.amax(1).clamp_max(size - 1).floor()
    on_image = (low <= high).all(1)
    faces = torch.nonzero(drawn_triangles(corners, depths, cull) & on_image)[:, 0]

    boxes = torch.cat([low[faces], high[faces]], dim=1).long()
    widths, heights = boxes[:, 2] - boxes[:, 0] + 1, boxes[:, 3] - boxes[:, 1] + 1
    nearest = depths.new_full((size * size,), torch.inf)
    ids = torch.full((size * size,), -1, dtype=torch.int64, device=corners.device)
    ends = (widths * heights).cumsum(0)
    start = 0
    while start < len(faces):
        before = int(ends[start - 1]) if start else 0
        stop = max(start + 1, int(torch.searchsorted(ends, before + PAIRS_AT_ONCE, right=True)))
        part = slice(start, stop)
        pair_face, x, y = _pairs(boxes[part], widths[part], heights[part])
        face = faces[part][pair_face]
        _keep_nearest(face, x, y, corners, depths, size, nearest, ids)
        start = stop
    return ids.reshape(size, size)


def _pairs(boxes: Tensor, widths: Tensor, heights: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Every pixel of every box: index of the box, x, y, each (P,)."""
    counts = widths * heights
    box = torch.repeat_interleave(counts)
    within = torch.arange(len(box), device=boxes.device) - (counts.cumsum(0) - counts)[box]
    x = boxes[box, 0] + within % widths[box]
    y = boxes[box, 1] + within // widths[box]
    return box, x, y


def _keep_nearest(
    face: Tensor,
    x: Tensor,
    y: Tensor,
    corners: Tensor,
    depths: Tensor,
    size: int,
    nearest: Tensor,
    ids: Tensor,
) -> None:
    """Update ``nearest`` (-1/depth) and ``ids``, both (S * S,), in place with candidate pairs."""
    points = torch.stack([x, y], dim=1).to(corners.dtype)
    weights = screen_barycentrics(corners[face], points)
    inside = (weights >= 0).all(1)
    face, pixel = face[inside], (y * size + x)[inside]
    key = (weights[inside] * (-1 / depths[face])).sum(1)
    best = torch.full_like(nearest, torch.inf).scatter_reduce(0, pixel, key, "amin")
    # Of equally near triangles the lowest wins, as in the other backends.
    winner = key == best[pixel]
    chosen = torch.full_like(ids, torch.iinfo(ids.dtype).max)
    chosen = chosen.scatter_reduce(0, pixel[winner], face[winner], "amin")
    nearer = best < nearest
    nearest[nearer] = best[nearer]
    ids[nearer] = chosen[nearer]
