"""The network of Deep3D (PyTorch version, Deng et al. 2019), with its own parameter names."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from focsbench.networks.blocks import use_channels_last
from focsbench.networks.resnet50 import ResNet50

FEATURES = 2048
# Identity, expression and albedo coefficients, angles, light, translation in x and y, and in z.
HEADS = (80, 64, 80, 3, 27, 2, 1)


class Deep3DCoefficients(NamedTuple):
    """What Deep3D reads from a batch of photographs; units are its own.

    identity (B, 80), expression (B, 64), albedo (B, 80): sigmas of its BFM 2009. angles (B, 3):
    rad. light (B, 27): 9 red, 9 green, 9 blue. translation (B, 3): decimetres.
    """

    identity: Tensor
    expression: Tensor
    albedo: Tensor
    angles: Tensor
    light: Tensor
    translation: Tensor


class Deep3DEncoder(nn.Module):
    """ResNet-50 and seven linear heads on its pooled features (24,034,625 parameters)."""

    def __init__(self) -> None:
        super().__init__()
        self.backbone = ResNet50(1)
        self.backbone.fc = nn.Identity()  # type: ignore[assignment]
        self.final_layers = nn.ModuleList([nn.Conv2d(FEATURES, size, 1) for size in HEADS])
        use_channels_last(self)

    def forward(self, images: Tensor) -> Deep3DCoefficients:
        """Map (B, 3, 224, 224) RGB in [0, 1], not normalised further, to coefficients."""
        pooled = self.backbone(images)[:, :, None, None]
        blocks = [head(pooled).flatten(1) for head in self.final_layers]
        translation = torch.cat(blocks[5:], dim=1)
        identity, expression, albedo, angles, light = blocks[:5]
        return Deep3DCoefficients(identity, expression, albedo, angles, light, translation)
