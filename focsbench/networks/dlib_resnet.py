"""dlib's face recognition network (``dlib_face_recognition_resnet_model_v1``, CC0), in torch.

29 convolutions on a 150 x 150 chip. The affine layers behind them are part of the convolutions
here, which is the same function. Three things are dlib's own: convolutions that halve the grid have
no padding, the shortcut beside them is a 2 x 2 mean, and where the two differ in grid or channels
the smaller one is filled up with zeros.

Source: dlib 19.24, ``dnn/layers.h``, and its example ``dnn_face_recognition_ex.cpp``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from focsbench.networks.dlib_shapes import AVERAGE, BLOCKS, EMBEDDING, WIDTHS


class DlibBlock(nn.Module):
    """Two 3x3 convolutions around a shortcut that has no parameters."""

    def __init__(self, inputs: int, outputs: int, halves: bool) -> None:
        super().__init__()
        stride, padding = (2, 0) if halves else (1, 1)
        self.halves = halves
        self.conv1 = nn.Conv2d(inputs, outputs, 3, stride, padding)
        self.conv2 = nn.Conv2d(outputs, outputs, 3, 1, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W) or about half of H and W."""
        y = self.conv2(functional.relu(self.conv1(x)))
        return functional.relu(_padded_sum(y, functional.avg_pool2d(x, 2) if self.halves else x))


def _padded_sum(first: Tensor, second: Tensor) -> Tensor:
    sizes = [max(pair) for pair in zip(first.shape[1:], second.shape[1:], strict=True)]
    return _filled(first, sizes) + _filled(second, sizes)


def _filled(x: Tensor, sizes: list[int]) -> Tensor:
    channels, rows, columns = (size - own for size, own in zip(sizes, x.shape[1:], strict=True))
    if not channels | rows | columns:
        return x
    return functional.pad(x, (0, columns, 0, rows, 0, channels))


class DlibResNet(nn.Module):
    """Chips in [0, 1] to 128-d embeddings; 0.6 apart (L2) is dlib's limit of one person."""

    average: Tensor

    def __init__(self) -> None:
        super().__init__()
        average = torch.tensor(AVERAGE).view(3, 1, 1)
        self.register_buffer("average", average, persistent=False)
        self.stem = nn.Conv2d(3, WIDTHS[0], 7, 2)
        stages = []
        for place, (width, count) in enumerate(zip(WIDTHS, BLOCKS, strict=True)):
            inputs = WIDTHS[max(place - 1, 0)]
            blocks = [DlibBlock(inputs, width, halves=place > 0)]
            blocks += [DlibBlock(width, width, halves=False) for _ in range(count - 1)]
            stages.append(nn.Sequential(*blocks))
        self.stages = nn.Sequential(*stages)
        self.fc = nn.Linear(WIDTHS[-1], EMBEDDING, bias=False)

    def shallow(self, crops: Tensor) -> Tensor:
        """Map (B, 3, 150, 150) chips in [0, 1] to features of the first stage, (B, 32, 35, 35)."""
        x = (crops * 255.0 - self.average) / 256.0
        x = functional.max_pool2d(functional.relu(self.stem(x)), 3, 2)
        out: Tensor = self.stages[0](x)
        return out

    def deep(self, shallow: Tensor) -> Tensor:
        """Map the features of the first stage to (B, 128) embeddings, length about 1.4."""
        out: Tensor = self.fc(self.stages[1:](shallow).mean(dim=(2, 3)))
        return out
