"""The segmentation network S: a UNet on the stacked render and photograph (paper 4.1)."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from focsbench.networks.blocks import norm_layer, use_channels_last
from focsbench.networks.config import NormKind, UNetConfig


class Segmentation(NamedTuple):
    """Face probability of every pixel, (B, S, S) in (0, 1), and its logit, (B, S, S)."""

    probability: Tensor
    logit: Tensor


class DoubleConvolution(nn.Module):
    """Two 3x3 convolutions, each normalised and rectified; optionally dropout behind them."""

    def __init__(self, inputs: int, outputs: int, norm: NormKind, dropout: float | None) -> None:
        super().__init__()
        layers = nn.Sequential(
            nn.Conv2d(inputs, outputs, 3, padding=1),
            norm_layer(norm, outputs),
            nn.ReLU(inplace=True),
            nn.Conv2d(outputs, outputs, 3, padding=1),
            norm_layer(norm, outputs),
            nn.ReLU(inplace=True),
        )
        # The nesting reproduces the parameter names of the released network.
        self.double_conv = layers if dropout is None else nn.Sequential(layers, nn.Dropout(dropout))

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, inputs, H, W) to (B, outputs, H, W)."""
        out: Tensor = self.double_conv(x)
        return out


class UpConvolution(nn.Module):
    """Nearest-neighbour doubling of the grid, then a convolution that halves the channels."""

    def __init__(self, inputs: int, norm: NormKind, kernel: int) -> None:
        super().__init__()
        self.kernel = kernel
        self.up = nn.Sequential(
            nn.Upsample(scale_factor=2),
            nn.Conv2d(inputs, inputs // 2, kernel, padding=kernel // 2),
            norm_layer(norm, inputs // 2),
            nn.ReLU(inplace=True),
        )

    def forward(self, x: Tensor) -> Tensor:
        """Map (B, C, H, W) to (B, C/2, 2H, 2W)."""
        out: Tensor
        if self.kernel == 1:
            # Pointwise layers commute with repeating pixels, and the small grid is cheaper.
            doubling, *pointwise = self.up
            for layer in pointwise:
                x = layer(x)
            out = doubling(x)
        else:
            out = self.up(x)
        return out


class UNet(nn.Module):
    """UNet with 34,528,769 parameters at the released settings (width 64, depth 5).

    Parameter names are those of the released network: ``Conv1..5``, ``Up5..2``, ``Up_conv5..2``
    and ``Conv``. With ``input_stride`` s the network works on a pixel-unshuffled grid s times
    smaller; the input side must be a multiple of ``s * 2 ** (depth - 1)``.
    """

    def __init__(self, config: UNetConfig) -> None:
        super().__init__()
        self.config = config
        self.levels = range(1, config.depth + 1)
        inputs = 6 * config.input_stride**2
        for level in self.levels:
            width = config.width * 2 ** (level - 1)
            dropout = config.dropout if level > config.depth - 2 else None
            self.add_module(f"Conv{level}", DoubleConvolution(inputs, width, config.norm, dropout))
            inputs = width
        for level in reversed(self.levels[1:]):
            width = config.width * 2 ** (level - 1)
            self.add_module(f"Up{level}", UpConvolution(width, config.norm, config.up_kernel))
            self.add_module(
                f"Up_conv{level}", DoubleConvolution(width, width // 2, config.norm, None)
            )
        self.Conv = nn.Conv2d(config.width, config.input_stride**2, 1)
        use_channels_last(self)

    def forward(self, render: Tensor, target: Tensor) -> Segmentation:
        """Segment photographs.

        Args:
            render: (B, 3, S, S) rendered face (on black or composited, as trained).
            target: (B, 3, S, S) photograph in [0, 1].
        """
        x = torch.cat([render, target], dim=1)  # render first, as released
        stride = self.config.input_stride
        if stride > 1:
            x = functional.pixel_unshuffle(x, stride)
        skips: list[Tensor] = []
        for level in self.levels:
            if skips:
                x = functional.max_pool2d(x, 2)
            x = self.get_submodule(f"Conv{level}")(x)
            skips.append(x)
        for level in reversed(self.levels[1:]):
            x = self.get_submodule(f"Up{level}")(x)
            x = torch.cat([skips[level - 2], x], dim=1)
            x = self.get_submodule(f"Up_conv{level}")(x)
        logit = self._full_resolution(self.Conv(x))[:, 0] * self.config.logit_gain
        return Segmentation(torch.sigmoid(logit), logit)

    def _full_resolution(self, logit: Tensor) -> Tensor:
        if self.config.input_stride > 1:
            logit = functional.pixel_shuffle(logit.contiguous(), self.config.input_stride)
        if self.config.blur_logits:
            logit = binomial_blur(logit)
        return logit


def binomial_blur(x: Tensor) -> Tensor:
    """Filter (B, C, H, W) by the outer product of (1/4, 1/2, 1/4), borders replicated."""
    # Sums of slices: a convolution of a single channel takes ten times as long.
    x = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    x = x[:, :, :-2] + 2 * x[:, :, 1:-1] + x[:, :, 2:]
    return (x[..., :-2] + 2 * x[..., 1:-1] + x[..., 2:]) / 16
