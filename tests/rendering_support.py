"""Small meshes and scenes for the tests of the renderer."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor


def height_field(side: int, width: float = 80.0) -> tuple[Tensor, Tensor]:
    """A face-like bump of side x side vertices, mm: (V, 3) float64 and (F, 3) int32."""
    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(1, -1, side))
    z = 60 * np.exp(-1.2 * (x**2 + y**2)) + 25 * np.exp(-20 * x**2 - 8 * y**2)
    vertices = np.stack([width * x, 1.2 * width * y, z], axis=-1).reshape(-1, 3)
    index = np.arange(side * side).reshape(side, side)
    a, b, c, d = (
        corner.ravel()
        for corner in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
    )
    triangles = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    return torch.from_numpy(vertices), torch.from_numpy(triangles.astype(np.int32))


Scene = tuple[Tensor, Tensor, Tensor, Tensor, Tensor]


def random_scene(
    vertices: Tensor,
    batch: int,
    dtype: torch.dtype = torch.float64,
    seed: int = 0,
    nearer: float = 0.0,
) -> Scene:
    """Leaf tensors vertices, albedo, angles, translation, light of a batch, needing gradients."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    spacing = (vertices[1] - vertices[0]).norm()
    scene = (
        vertices + 0.1 * spacing * normal(batch, *vertices.shape),
        0.5 + 0.2 * normal(batch, *vertices.shape),
        0.25 * normal(batch, 3),
        3 * normal(batch, 3) - torch.tensor([0.0, 0.0, nearer], dtype=torch.float64),
        0.3 * normal(batch, 27),
    )
    return tuple(tensor.to(dtype).requires_grad_() for tensor in scene)  # type: ignore[return-value]
