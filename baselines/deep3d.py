"""Deep3D: the published network with its own face model, camera, order and light (Deng 2019).

It needs two files that cannot come along: the checkpoint ``epoch_20.pth``, imported once with
``focsbench weights import``, and ``BFM_model_front.mat``, named with
``--set rows.deep3d.face_model_file=PATH``. No profile has this row by default.

Samples are aligned as the method aligns them, which differs from Deep3D's own alignment by one
pixel of the photograph in height.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from focsbench.face_models import load_face_model
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.networks.deep3d import Deep3DCoefficients, Deep3DEncoder
from focsbench.networks.pretrained import load_weights, weights_path
from focsbench.rendering import deep3d
from focsbench.rendering.renderer import Renderer, RenderOutput
from focsbench.types import BaselineContext, Mesh, Reconstruction, Sample

MM_PER_DM = 100.0


class Deep3DDecoder:
    """Draws what the coefficients of Deep3D say.

    model: Deep3D's own face model, centred on its mean shape, mm. image_size: S, px.
    """

    def __init__(self, model: MorphableModel, image_size: int) -> None:
        self._shape = (torch.as_tensor(model.mean_shape), _flat(model.identity_basis))
        self._expression = _flat(model.expression_basis)
        self._albedo = (torch.as_tensor(model.mean_albedo), _flat(model.albedo_basis))
        self._triangles = torch.as_tensor(model.triangles, dtype=torch.int32)
        # Deep3D's rasteriser draws both sides of a triangle.
        self._renderer = Renderer(self._triangles, image_size, cull_backfaces=False)

    def __call__(self, coefficients: Deep3DCoefficients) -> RenderOutput:
        """Render a batch: image (B, 3, S, S) on black, region (B, S, S), uv (B, V, 2) px."""
        mean, identity = self._shape
        vertices = mean + _combined(coefficients.identity, identity)
        vertices = vertices + _combined(coefficients.expression, self._expression)
        rotation = deep3d.rotation_matrix(coefficients.angles)
        vertices = vertices @ rotation.transpose(1, 2)
        vertices = vertices + MM_PER_DM * coefficients.translation[:, None]
        mean, basis = self._albedo
        albedo = mean + _combined(coefficients.albedo, basis)
        normals = deep3d.vertex_normals(vertices, self._triangles)
        colours = deep3d.shade(albedo, normals, coefficients.light)
        still = vertices.new_zeros(len(vertices), 3)
        light = deep3d.light_of_one(len(vertices), vertices)
        shown: RenderOutput = self._renderer(
            deep3d.for_renderer(vertices), colours, still, still, light
        )
        return shown


def _flat(basis: np.ndarray) -> Tensor:
    return torch.as_tensor(basis.reshape(len(basis), -1))


def _combined(coefficients: Tensor, basis: Tensor) -> Tensor:
    """Sum over modes: (B, K) with (K, 3V) to (B, V, 3)."""
    return (coefficients @ basis).view(len(coefficients), -1, 3)


class Deep3D:
    """The published checkpoint as it is; nothing is trained, and it does not segment."""

    name: ClassVar[str] = "deep3d"
    label: ClassVar[str] = "Deep3D"
    stages: ClassVar[tuple[str, ...]] = ()
    weights: ClassVar[str] = "deep3d"  # name of the imported weights, unless the row names others
    own_face_model: ClassVar[str] = "bfm2009_front"

    def __init__(self, context: BaselineContext) -> None:
        file = context.row.get("face_model_file")
        self._model = load_face_model(self.own_face_model, Path(file) if file else None)
        self._network = Deep3DEncoder()
        load_weights(self._network, weights_path(context.row.get("weights") or self.weights))
        self._network.eval()
        self._decoder = Deep3DDecoder(self._model, context.image_size)

    @torch.no_grad()
    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct each sample; images of another size are resized for the network alone."""
        start = time.perf_counter()
        images = torch.from_numpy(np.stack([sample.image for sample in samples]))
        images = images.permute(0, 3, 1, 2).float()
        size = (deep3d.IMAGE_SIZE, deep3d.IMAGE_SIZE)
        if images.shape[-2:] != size:
            images = functional.interpolate(images, size, mode="bicubic", antialias=True)
        coefficients: Deep3DCoefficients = self._network(images.clamp(0, 1))
        shown = self._decoder(coefficients)
        seconds = (time.perf_counter() - start) / len(samples)
        neutral = self._model.shape(coefficients.identity.numpy())
        return [
            Reconstruction(
                neutral=Mesh(neutral[place], self._model.triangles),
                landmarks7=neutral[place][self._model.landmarks7],
                render=shown.image[place].permute(1, 2, 0).numpy(),
                region=shown.region[place].numpy(),
                parameters={
                    name: block[place].numpy() for name, block in coefficients._asdict().items()
                },
                seconds=seconds,
            )
            for place in range(len(samples))
        ]
