"""The model-based face autoencoder R: image -> latents -> face model -> rendered image."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from focsbench.face_models.morphable_model import MorphableModel
from focsbench.networks.resnet import Latents
from focsbench.rendering.renderer import Renderer


@dataclass(frozen=True)
class Decoded:
    """What the decoder makes of the latents of a batch.

    latents: the scaled encoder output.
    image: (B, 3, S, S) rendered face on black, not clamped.
    region: (B, S, S) bool, pixels the face covers (no gradient).
    landmarks: (B, 68, 2) projected model landmarks, pixels.
    """

    latents: Latents
    image: Tensor
    region: Tensor
    landmarks: Tensor


class FaceDecoder(nn.Module):
    """Fixed decoder: linear face model, spherical-harmonic light, pinhole camera.

    Has buffers only, no parameters: nothing in it is trained or saved.
    """

    mean_shape: Tensor
    identity_basis: Tensor
    expression_basis: Tensor
    mean_albedo: Tensor
    albedo_basis: Tensor
    landmarks68: Tensor

    def __init__(
        self,
        model: MorphableModel,
        image_size: int,
        rasterizer: str = "auto",
        interpolation: str = "perspective",
        renormalize_normals: bool = True,
    ) -> None:
        super().__init__()
        count = len(model.mean_shape)
        self.vertex_count = count
        self._constant("mean_shape", model.fitted_mean.reshape(-1))
        self._constant("identity_basis", model.identity_basis.reshape(-1, 3 * count))
        self._constant("expression_basis", model.expression_basis.reshape(-1, 3 * count))
        self._constant("mean_albedo", model.mean_albedo.reshape(-1))
        self._constant("albedo_basis", model.albedo_basis.reshape(-1, 3 * count))
        self.register_buffer(
            "landmarks68", torch.as_tensor(model.landmarks68, dtype=torch.long), persistent=False
        )
        triangles = torch.as_tensor(model.triangles, dtype=torch.int32)
        self.renderer = Renderer(
            triangles, image_size, rasterizer, interpolation, renormalize_normals
        )

    def _constant(self, name: str, values: object) -> None:
        self.register_buffer(
            name, torch.as_tensor(values, dtype=torch.float32).contiguous(), persistent=False
        )

    def shape(self, latents: Latents) -> Tensor:
        """Return (B, V, 3) model-space vertices, mm, with expression."""
        shape = (
            self.mean_shape
            + latents.identity @ self.identity_basis
            + latents.expression @ self.expression_basis
        )
        return shape.view(-1, self.vertex_count, 3)

    def forward(self, latents: Latents, landmarks: Tensor | None = None) -> Decoded:
        """Decode a batch of latents.

        landmarks: (68,) vertices to take as landmarks instead of those of the face model.
        """
        albedo = (self.mean_albedo + latents.albedo @ self.albedo_basis).view(
            -1, self.vertex_count, 3
        )
        output = self.renderer(
            self.shape(latents), albedo, latents.angles, latents.translation, latents.light
        )
        chosen = self.landmarks68 if landmarks is None else landmarks
        return Decoded(latents, output.image, output.region, output.uv[:, chosen])


class FaceAutoencoder(nn.Module):
    """R: an encoder network and the fixed decoder (paper 3.1).

    encoder: a `FaceEncoder`, or what an engine makes of one to train it.
    """

    def __init__(self, encoder: nn.Module, decoder: FaceDecoder) -> None:
        super().__init__()
        self.encoder = encoder
        self.decoder = decoder

    def forward(self, images: Tensor) -> Decoded:
        """Reconstruct (B, 3, S, S) photographs in [0, 1]."""
        latents: Latents = self.encoder(images)
        decoded: Decoded = self.decoder(latents)
        return decoded
