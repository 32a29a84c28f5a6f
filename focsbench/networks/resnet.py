"""The face encoder: image to the latent parameters of the face model, pose and light."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from focsbench.errors import ConfigError
from focsbench.networks.blocks import use_channels_last
from focsbench.networks.compact_resnet import CompactResNet
from focsbench.networks.config import EncoderConfig, LatentScales
from focsbench.networks.resnet50 import ResNet50

IDENTITY, EXPRESSION, ALBEDO, ANGLES, TRANSLATION, LIGHT = 80, 64, 80, 3, 3, 27
LATENTS = IDENTITY + EXPRESSION + ALBEDO + ANGLES + TRANSLATION + LIGHT

# Start of each block in the released 1000-d output: shape 199, expression 100, colour 199
# coefficients, then camera and light; only the first 80/64/80 coefficients are used.
RELEASED_OUTPUTS = 1000
RELEASED_STARTS = (0, 199, 299, 498, 501, 504)


class Latents(NamedTuple):
    """All parameters of one rendered face, a batch of B.

    identity (B, 80), expression (B, 64), albedo (B, 80): coefficients of the face model.
    angles (B, 3): rotations about x, y, z in radians. translation (B, 3): mm, camera axes.
    light (B, 27): spherical harmonics, 9 red, 9 green, 9 blue, without the ambient offset.
    """

    identity: Tensor
    expression: Tensor
    albedo: Tensor
    angles: Tensor
    translation: Tensor
    light: Tensor

    def concatenate(self) -> Tensor:
        """Return (B, 257) in the order of the fields."""
        return torch.cat(tuple(self), dim=1)

    def detach(self) -> Latents:
        """Return the same values outside the graph."""
        return Latents(*(block.detach() for block in self))


_SIZES = (IDENTITY, EXPRESSION, ALBEDO, ANGLES, TRANSLATION, LIGHT)


def split_latents(raw: Tensor, scales: LatentScales) -> Latents:
    """Cut (B, 257) or released (B, 1000) raw outputs into scaled blocks.

    The 257-d layout is the released one without its unused entries: identity, expression,
    albedo, angles, translation, light.
    """
    if raw.shape[1] == RELEASED_OUTPUTS:
        pairs = zip(RELEASED_STARTS, _SIZES, strict=True)
        blocks = [raw[:, start : start + size] for start, size in pairs]
    else:
        blocks = list(torch.split(raw, list(_SIZES), dim=1))
    identity, expression, albedo, angles, translation, light = blocks
    per_axis = raw.new_tensor([scales.translation_xy, scales.translation_xy, scales.translation_z])
    return Latents(
        identity * scales.identity,
        expression * scales.expression,
        albedo * scales.albedo,
        angles * scales.angles,
        translation * per_axis,
        light * scales.light,
    )


class FaceEncoder(nn.Module):
    """Predict the latents of an aligned photograph; untrained, it answers the mean face.

    ``backbone`` is a ResNet-50 (paper 4.1) or the compact CPU network, by the configuration.
    """

    def __init__(self, config: EncoderConfig) -> None:
        super().__init__()
        self.scales = config.scales
        self.backbone: nn.Module
        if config.architecture == "resnet50":
            self.backbone = ResNet50(RELEASED_OUTPUTS if config.head == "released" else LATENTS)
        else:
            self.backbone = CompactResNet(config, LATENTS)
        use_channels_last(self)

    def forward(self, images: Tensor) -> Latents:
        """Map (B, 3, S, S) RGB in [0, 1] to scaled latents."""
        return split_latents(self.backbone(images), self.scales)

    def with_keypoints(self, images: Tensor) -> tuple[Latents, Tensor]:
        """Return the latents and the (B, K, 2) keypoints, pixels, of the compact network.

        Raises:
            ConfigError: if the encoder has no keypoints.
        """
        keypoints = None
        if isinstance(self.backbone, CompactResNet):
            raw, keypoints = self.backbone.with_keypoints(images)
        if keypoints is None:
            raise ConfigError("this encoder has no keypoints; choose architecture compact.")
        return split_latents(raw, self.scales), keypoints
