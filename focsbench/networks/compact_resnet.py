"""A residual network small enough to train on a CPU that still knows *where* things are."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from focsbench.networks.blocks import ResidualBlock, norm_layer
from focsbench.networks.config import EncoderConfig


class SoftArgmax(nn.Module):
    """Expected position of one heat map per keypoint, in [-1, 1] x [-1, 1].

    Landmark positions decide pose and shape; average pooling would throw them away. The heat maps
    add up votes of several stages: deep features know which landmark, shallow ones know where.
    """

    def __init__(self, channels: Sequence[int], keypoints: int) -> None:
        super().__init__()
        self.votes = nn.ModuleList([nn.Conv2d(count, keypoints, 1) for count in channels])

    def forward(self, features: Sequence[Tensor]) -> Tensor:
        """Map (B, C, H, W) features, finest first, to (B, 2K): all x, then all y."""
        height, width = features[0].shape[-2:]
        heat = self.votes[0](features[0])
        for vote, stage in zip(self.votes[1:], features[1:], strict=True):
            coarse = vote(stage)
            heat = heat + functional.interpolate(
                coarse, size=(height, width), mode="bilinear", align_corners=False
            )
        weights = heat.flatten(2).softmax(dim=-1).unflatten(2, (height, width))
        xs = torch.linspace(-1.0, 1.0, width, device=heat.device, dtype=heat.dtype)
        ys = torch.linspace(-1.0, 1.0, height, device=heat.device, dtype=heat.dtype)
        return torch.cat([weights.sum(dim=2) @ xs, weights.sum(dim=3) @ ys], dim=1)


class CompactResNet(nn.Module):
    """Stem and residual stages, each halving the grid, then a head that keeps the grid.

    The last grid is squeezed by a 1x1 convolution and flattened, joined with soft-argmax keypoints
    of all stages, and passed through one hidden layer; the keypoints also reach the output layer
    directly, because shape and pose are nearly linear in them. The output layer starts at zero, so
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
        points = 2 * config.keypoints
        self.soft_argmax = SoftArgmax(widths[1:], config.keypoints) if points else None
        # Coordinates move by a few hundredths; without scaling, weights would have to be huge.
        self.standardise = nn.BatchNorm1d(points, affine=False) if points else None
        self.squeeze = nn.Conv2d(widths[-1], config.squeeze, 1)
        self.grid = nn.AdaptiveAvgPool2d(config.grid)
        self.hidden = nn.Linear(config.squeeze * config.grid**2 + points, config.hidden)
        self.head = nn.Linear(config.hidden + points, outputs)
        nn.init.zeros_(self.head.weight)
        nn.init.zeros_(self.head.bias)

    def forward(self, images: Tensor) -> Tensor:
        """Map (B, 3, S, S) images in [0, 1] to (B, outputs) raw latents."""
        return self.with_keypoints(images)[0]

    def with_keypoints(self, images: Tensor) -> tuple[Tensor, Tensor | None]:
        """Return the raw latents and the (B, K, 2) keypoints, pixels (None without keypoints)."""
        # Centred inputs: without pretrained weights the first layer would have to learn it.
        x = self.stem(images - 0.5)
        features = []
        for stage in self.stages:
            x = stage(x)
            features.append(x)
        x = self.grid(self.squeeze(x)).flatten(1)
        if self.soft_argmax is None or self.standardise is None:
            return self.head(functional.relu(self.hidden(x))), None
        points = self.soft_argmax(features)
        scaled = self.standardise(points)
        x = functional.relu(self.hidden(torch.cat([x, scaled], dim=1)))
        raw = self.head(torch.cat([x, scaled], dim=1))
        side = images.shape[-1]
        # The heat map's cells tile the image: its corners' centres lie half a cell inside.
        cells = features[0].shape[-1]
        centred = points.unflatten(1, (2, -1)).transpose(1, 2) * (1 - 1 / cells) / 2
        return raw, centred * side + (side - 1) / 2
