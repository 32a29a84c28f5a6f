"""The rasteriser of PyTorch3D, for GPUs; optional, since the package has to be built by hand."""

from __future__ import annotations

from importlib import import_module
from typing import Any

import torch
from torch import Tensor

from focsbench.errors import ConfigError
from focsbench.rendering.fragments import Fragments, drawn_triangles, fragments


class PyTorch3DRasterizer:
    """`Rasterizer` by ``pytorch3d.renderer.mesh.rasterize_meshes``.

    Which triangles are drawn at all is decided here, so that every backend follows one rule.
    Raises ConfigError if pytorch3d cannot be imported.
    """

    def __init__(self, cull_backfaces: bool = True) -> None:
        self.cull_backfaces = cull_backfaces
        try:
            self._meshes: Any = import_module("pytorch3d.structures").Meshes
            module = import_module("pytorch3d.renderer.mesh.rasterize_meshes")
        except ImportError as error:
            raise ConfigError(
                f"The rasterizer pytorch3d cannot be imported ({error}): install PyTorch3D for "
                "your versions of torch and CUDA, or choose the rasterizer numba or torch."
            ) from error
        self._rasterize: Any = module.rasterize_meshes

    @torch.no_grad()
    def __call__(
        self, camera_vertices: Tensor, uv: Tensor, triangles: Tensor, image_size: int
    ) -> Fragments:
        """See `Rasterizer`."""
        index = triangles.long()
        kept = [
            torch.nonzero(drawn_triangles(screen[index], depth[index], self.cull_backfaces))[:, 0]
            for screen, depth in zip(uv, camera_vertices[..., 2], strict=True)
        ]
        counts = torch.tensor([len(faces) for faces in kept], device=uv.device)
        if not counts.any():
            ids = torch.full((len(uv), image_size, image_size), -1, device=uv.device)
            return fragments(uv, triangles, ids)
        vertices = normalized_device_coordinates(uv, camera_vertices[..., 2], image_size)
        meshes = self._meshes(verts=list(vertices.float()), faces=[index[faces] for faces in kept])
        packed = self._rasterize(
            meshes,
            image_size=image_size,
            blur_radius=0.0,
            faces_per_pixel=1,
            # Bins must hold every triangle: pytorch3d drops what does not fit.
            max_faces_per_bin=int(counts.max()),
            perspective_correct=True,
            cull_backfaces=False,
        )[0][..., 0]
        # pytorch3d numbers the triangles of the whole batch through.
        first = (counts.cumsum(0) - counts)[:, None, None]
        ids = torch.full_like(packed, -1)
        for image, faces in enumerate(kept):
            seen = packed[image] >= 0
            ids[image, seen] = faces[(packed - first)[image, seen]]
        return fragments(uv, triangles, ids)


def normalized_device_coordinates(uv: Tensor, depth: Tensor, image_size: int) -> Tensor:
    """Vertices as pytorch3d wants them: x left and y up, each edge of the image at +-1, depth kept.

    uv: (B, V, 2) px with pixel centres at integers, so that the edges are at -0.5 and S - 0.5;
    depth: (B, V). Returns (B, V, 3).
    """
    return torch.cat([1 - (2 * uv + 1) / image_size, depth[..., None]], dim=-1)
