"""Rendering in plain torch operations above any rasteriser, on any device.

The readable statement of what the renderer computes, and the check of the fused CPU path.
"""

from __future__ import annotations

import torch
from torch import Tensor

from focsbench.rendering.camera import project, transform
from focsbench.rendering.fragments import Rasterizer, perspective_correct, screen_barycentrics
from focsbench.rendering.normals import vertex_normals
from focsbench.rendering.spherical_harmonics import direction_from_angles, shade

Scene = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]
"""vertices (B, V, 3), albedo (B, V, 3), angles (B, 3), translation (B, 3), light (B, 27)."""


def render_deferred(
    rasterizer: Rasterizer,
    triangles: Tensor,
    image_size: int,
    perspective: bool,
    renormalize_normals: bool,
    scene: Scene,
) -> tuple[Tensor, Tensor, Tensor]:
    """Image (B, 3, S, S), region (B, S, S) and uv (B, V, 2); see `Renderer` for the meanings."""
    vertices, albedo, angles, translation, light = scene
    camera_vertices = transform(vertices, angles, translation)
    uv = project(camera_vertices, image_size)
    normals = vertex_normals(camera_vertices, triangles, renormalize_normals)
    if not renormalize_normals:
        normals = direction_from_angles(normals)
    colours = shade(albedo, normals, light)
    ids = rasterizer(camera_vertices, uv, triangles, image_size).triangle_ids

    image_index, row, column = torch.nonzero(ids >= 0, as_tuple=True)
    corners = triangles.long()[ids[image_index, row, column].long()]
    batch = image_index[:, None]
    # The barycentrics are formed again from the vertices, this time with gradients.
    pixels = torch.stack([column, row], dim=-1).to(uv.dtype)
    weights = screen_barycentrics(uv[batch, corners], pixels)
    if perspective:
        weights = perspective_correct(weights, camera_vertices[..., 2][batch, corners])
    seen = (weights[..., None] * colours[batch, corners]).sum(-2)
    blank = seen.new_zeros(*ids.shape, 3)
    image = blank.index_put((image_index, row, column), seen).permute(0, 3, 1, 2)
    return image.contiguous(), ids >= 0, uv
