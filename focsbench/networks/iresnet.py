"""ArcFace's iresnets with the parameter names of InsightFace, so that its weights load."""

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


WIDTHS = (64, 128, 256, 512)
EMBEDDING = 512


class IResNet(nn.Module):
    """A network of ArcFace for 112 x 112 crops, 512-d embedding; r50 has 43,590,848 parameters.

    blocks: of the four stages; widths: their channels.
    """

    def __init__(
        self, blocks: tuple[int, int, int, int], widths: tuple[int, int, int, int] = WIDTHS
    ) -> None:
        super().__init__()
        first, second, third, fourth = widths
        self.conv1 = nn.Conv2d(3, first, 3, 1, 1, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        self.prelu = nn.PReLU(first)
        self.layer1 = _stage(first, first, blocks[0])
        self.layer2 = _stage(first, second, blocks[1])
        self.layer3 = _stage(second, third, blocks[2])
        self.layer4 = _stage(third, fourth, blocks[3])
        self.bn2 = nn.BatchNorm2d(fourth)
        self.fc = nn.Linear(fourth * 7 * 7, EMBEDDING)
        self.features = nn.BatchNorm1d(EMBEDDING)
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
