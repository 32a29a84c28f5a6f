"""ArcFace's iresnet50 with the parameter names of InsightFace, so that its weights load."""

from __future__ import annotations

import torch
from torch import Tensor, nn


class ImprovedBlock(nn.Module):
    """BN, 3x3 convolution, BN, PReLU, 3x3 convolution with the stride, BN; plus shortcut."""

    def __init__(self, inputs: int, outputs: int, stride: int) -> None:
        super().__init__()
        self.bn1 = nn.BatchNorm2d(inputs)
        self.conv1 = nn.Conv2d(inputs, outputs, 3, 1, 1, bias=False)
        self.bn2 = nn.BatchNorm2d(outputs)
        self.prelu = nn.PReLU(outputs)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, stride, 1, bias=False)
        self.bn3 = nn.BatchNorm2d(outputs)
        self.downsample: nn.Module | None = None
        if stride != 1 or inputs != outputs:
            self.downsample = nn.Sequential(
                nn.Conv2d(inputs, outputs, 1, stride, bias=False), nn.BatchNorm2d(outputs)
            )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H/stride, W/stride)."""
        y = self.prelu(self.bn2(self.conv1(self.bn1(x))))
        y = self.bn3(self.conv2(y))
        out: Tensor = y + (x if self.downsample is None else self.downsample(x))
        return out


def _stage(inputs: int, outputs: int, blocks: int) -> nn.Sequential:
    rest = [ImprovedBlock(outputs, outputs, 1) for _ in range(blocks - 1)]
    return nn.Sequential(ImprovedBlock(inputs, outputs, 2), *rest)


class IResNet50(nn.Module):
    """ArcFace r50 for 112 x 112 crops: 43,590,848 parameters, 512-d embedding."""

    def __init__(self) -> None:
        super().__init__()
        self.conv1 = nn.Conv2d(3, 64, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(64)
        self.prelu = nn.PReLU(64)
        self.layer1 = _stage(64, 64, 3)
        self.layer2 = _stage(64, 128, 4)
        self.layer3 = _stage(128, 256, 14)
        self.layer4 = _stage(256, 512, 3)
        self.bn2 = nn.BatchNorm2d(512)
        self.fc = nn.Linear(512 * 7 * 7, 512)
        self.features = nn.BatchNorm1d(512)
        nn.init.ones_(self.features.weight)
        self.features.weight.requires_grad_(False)

    def shallow(self, crops: Tensor) -> Tensor:
        """Map (B, 3, 112, 112) to the features of the first stage, (B, 64, 56, 56)."""
        out: Tensor = self.layer1(self.prelu(self.bn1(self.conv1(crops))))
        return out

    def deep(self, shallow: Tensor) -> Tensor:
        """Map the features of the first stage to (B, 512) embeddings (any length)."""
        x = self.bn2(self.layer4(self.layer3(self.layer2(shallow))))
        out: Tensor = self.features(self.fc(torch.flatten(x, 1)))
        return out
