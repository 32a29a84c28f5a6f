"""The networks R and S around an exported function: called like the ones they replace.

Exported functions have one output, so that engines need to know nothing of faces: all latents in a
row, or the logits.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from focsbench.inference.engine import Run
from focsbench.networks.resnet import FaceEncoder, Latents, LatentSizes
from focsbench.networks.unet import Segmentation, UNet


class FlatEncoder(nn.Module):
    """What is exported of an encoder: (B, 3, S, S) to the scaled latents, (B, L)."""

    def __init__(self, encoder: FaceEncoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, images: Tensor) -> Tensor:
        """Return all latents in the order of the fields of `Latents`."""
        latents: Latents = self.encoder(images)
        return latents.concatenate()


class FlatUNet(nn.Module):
    """What is exported of a segmentation network: two (B, 3, S, S) to the logits, (B, S, S)."""

    def __init__(self, unet: UNet) -> None:
        super().__init__()
        self.unet = unet

    def forward(self, render: Tensor, target: Tensor) -> Tensor:
        """Return the logits."""
        segmentation: Segmentation = self.unet(render, target)
        return segmentation.logit


class ExportedEncoder(nn.Module):
    """Stands for a `FaceEncoder`. run: an exported `FlatEncoder`; sizes: of its latents."""

    def __init__(self, run: Run, sizes: LatentSizes) -> None:
        super().__init__()
        self._run, self._sizes = run, sizes

    def forward(self, images: Tensor) -> Latents:
        """Map (B, 3, S, S) RGB in [0, 1] to scaled latents."""
        return Latents(*torch.split(self._run(images), list(self._sizes.blocks), dim=1))


class ExportedUNet(nn.Module):
    """Stands for a `UNet`. run: an exported `FlatUNet`."""

    def __init__(self, run: Run) -> None:
        super().__init__()
        self._run = run

    def forward(self, render: Tensor, target: Tensor) -> Segmentation:
        """Segment photographs; see `UNet.forward`."""
        logit = self._run(render, target)
        return Segmentation(torch.sigmoid(logit), logit)
