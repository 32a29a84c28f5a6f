"""The differentiable renderer: face, pose and light to an image."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from focsbench.errors import ConfigError
from focsbench.rendering.deferred import Scene, render_deferred
from focsbench.rendering.fused import render_fused
from focsbench.rendering.rasterize import get_rasterizer


class RenderOutput(NamedTuple):
    """A rendered batch.

    image: (B, 3, S, S) RGB on black, not clamped (may leave [0, 1]).
    region: (B, S, S) bool, pixels that the mesh covers; carries no gradient.
    uv: (B, V, 2) projected vertices in px, differentiable (landmark losses read it).
    """

    image: Tensor
    region: Tensor
    uv: Tensor


class Renderer(nn.Module):
    """Draws meshes of one topology under the method's camera and spherical-harmonic light.

    Vertices are lit by their area-weighted normals in camera axes, and colours are interpolated
    over the triangles (Gouraud). Differentiable in every input, with visibility held fixed.

    triangles: (F, 3) int, counter-clockwise seen from outside.
    image_size: S, px.
    rasterizer: see `get_rasterizer`; ``auto`` and ``numba`` have a fast, fused path on the CPU.
    interpolation: ``perspective`` (correct) or ``affine`` on screen, as in the released code.
    renormalize_normals: unit normals; False follows the released code, see
        `spherical_harmonics.direction_from_angles`.
    cull_backfaces: draw only triangles that face the camera.
    """

    triangles: Tensor

    def __init__(
        self,
        triangles: Tensor,
        image_size: int,
        rasterizer: str = "auto",
        interpolation: str = "perspective",
        renormalize_normals: bool = True,
        cull_backfaces: bool = True,
    ) -> None:
        super().__init__()
        if interpolation not in ("perspective", "affine"):
            raise ConfigError(
                f"There is no interpolation called {interpolation!r}: choose perspective or affine."
            )
        self.register_buffer("triangles", triangles.to(torch.int32).contiguous(), persistent=False)
        if len(triangles) and int(triangles.min()) < 0:
            raise ValueError("A triangle names a vertex with a negative index.")
        self.vertices_needed = int(triangles.max()) + 1 if len(triangles) else 0
        self.image_size = image_size
        self.rasterizer = get_rasterizer(rasterizer, cull_backfaces)
        self.may_fuse = rasterizer in ("auto", "numba") and renormalize_normals
        self.cull_backfaces = cull_backfaces
        self.perspective = interpolation == "perspective"
        self.renormalize_normals = renormalize_normals

    def render(
        self, vertices: Tensor, albedo: Tensor, angles: Tensor, translation: Tensor, light: Tensor
    ) -> RenderOutput:
        """Render a batch.

        vertices: (B, V, 3) mm, model space; albedo: (B, V, 3) in [0, 1], not clamped;
        angles: (B, 3) rad; translation: (B, 3) mm; light: (B, 27) without the ambient offset.
        """
        scene = _single_or_double(vertices, albedo, angles, translation, light)
        self._check_shapes(scene)
        triangles = self.triangles
        if self._can_fuse(scene):
            output = render_fused(
                triangles, self.image_size, self.perspective, self.cull_backfaces, scene
            )
        else:
            output = render_deferred(
                self.rasterizer,
                triangles,
                self.image_size,
                self.perspective,
                self.renormalize_normals,
                scene,
            )
        return RenderOutput(*output)

    def _check_shapes(self, scene: Scene) -> None:
        """Raise ValueError for shapes that do not fit; compiled code would read out of bounds."""
        batch, count = scene[0].shape[:2]
        expected = [(batch, count, 3)] * 2 + [(batch, 3)] * 2 + [(batch, 27)]
        shapes = [tuple(tensor.shape) for tensor in scene]
        if shapes != expected or count < self.vertices_needed:
            raise ValueError(
                "vertices, albedo, angles, translation and light have the shapes "
                f"{shapes}, but need (B, V, 3), (B, V, 3), (B, 3), (B, 3) and (B, 27) with "
                f"V at least {self.vertices_needed}."
            )

    def _can_fuse(self, scene: Scene) -> bool:
        """Whether the compiled path covers this call; else plain torch operations do."""
        return self.may_fuse and all(tensor.device.type == "cpu" for tensor in scene)

    def forward(
        self, vertices: Tensor, albedo: Tensor, angles: Tensor, translation: Tensor, light: Tensor
    ) -> RenderOutput:
        """Same as `render`."""
        return self.render(vertices, albedo, angles, translation, light)


def _single_or_double(*tensors: Tensor) -> Scene:
    """All float64 if one of them is, else float32: half precision is not enough for geometry."""
    double = any(tensor.dtype == torch.float64 for tensor in tensors)
    dtype = torch.float64 if double else torch.float32
    vertices, albedo, angles, translation, light = (tensor.to(dtype) for tensor in tensors)
    return vertices, albedo, angles, translation, light
