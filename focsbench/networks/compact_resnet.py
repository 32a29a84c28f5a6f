"""A residual network small enough to train on a CPU that still knows *where* things are."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from focsbench.networks.blocks import ResidualBlock, norm_layer
from focsbench.networks.config import EncoderConfig


class SoftArgmax(nn.Module):
    """Expected position of one heat map per keypoint, in [-1, 1] x [-1, 1].

    Landmark positions decide pose and shape; average pooling would throw them away.
    """

    def __init__(self, channels: int, keypoints: int) -> None:
        super().__init__()
        self.heat = nn.Conv2d(channels, keypoints, 1)

    def forward(self, features: Tensor) -> Tensor:
        """Map (B, C, H, W) features to (B, 2K): all x, then all y."""
        heat = self.heat(features)
        height, width = heat.shape[-2:]
        weights = heat.flatten(2).softmax(dim=-1).unflatten(2, (height, width))
        xs = torch.linspace(-1.0, 1.0, width, device=heat.device, dtype=heat.dtype)
        ys = torch.linspace(-1.0, 1.0, height, device=heat.device, dtype=heat.dtype)
        return torch.cat([weights.sum(dim=2) @ xs, weights.sum(dim=3) @ ys], dim=1)


class CompactResNet(nn.Module):
    """Stem and residual stages, each halving the grid, then a head that keeps the grid.

    The last grid is squeezed by a 1x1 convolution and flattened, joined with soft-argmax keypoints
    of the stage before, and passed through one hidden layer. The output layer starts at zero, so
    that an untrained network predicts the mean face.
    """

    def __init__(self, config: EncoderConfig, outputs: int) -> None:
        super().__init__()
        widths = config.widths
        # 5x5: the only layer that sees pixels, and too cheap to save on.
        self.stem = nn.Sequential(
            nn.Conv2d(3, widths[0], 5, 2, 2, bias=False),
            norm_layer(config.norm, widths[0]),
            nn.ReLU(inplace=True),
        )
        stages = []
        for inputs, width, count in zip(widths[:-1], widths[1:], config.blocks, strict=True):
            blocks = [ResidualBlock(inputs, width, 2, config.norm)]
            blocks += [ResidualBlock(width, width, 1, config.norm) for _ in range(count - 1)]
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.ModuleList(stages)
        self.keypoints = SoftArgmax(widths[-2], config.keypoints) if config.keypoints else None
        self.squeeze = nn.Conv2d(widths[-1], config.squeeze, 1)
        self.grid = nn.AdaptiveAvgPool2d(config.grid)
        self.hidden = nn.Linear(
            config.squeeze * config.grid**2 + 2 * config.keypoints, config.hidden
        )
        self.head = nn.Linear(config.hidden, outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 3, S, S) images in [0, 1] to (B, outputs) raw latents."""
        # Centred inputs: without pretrained weights the first layer would have to learn it.
        x = self.stem(images - 0.5)
        for stage in self.stages[:-1]:
            x = stage(x)
        parts = [] if self.keypoints is None else [self.keypoints(x)]
        x = self.grid(self.squeeze(self.stages[-1](x)))
        x = torch.cat([x.flatten(1), *parts], dim=1)
        out: Tensor = self.head(functional.relu(self.hidden(x)))
        return out
