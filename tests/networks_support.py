"""Helpers of the network tests: costs and parameters without allocating the large networks."""

from __future__ import annotations

import torch
from torch import nn


def parameter_count(module: nn.Module) -> int:
    return sum(parameter.numel() for parameter in module.parameters())


def convolution_macs(module: nn.Module, *inputs: torch.Tensor) -> int:
    """Multiply-accumulates of all convolutions and linear layers for these inputs."""
    total = 0

    def count(layer: nn.Module, _: object, output: torch.Tensor) -> None:
        nonlocal total
        per_output = layer.weight[0].numel()
        total += output.numel() * per_output

    hooks = [
        layer.register_forward_hook(count)
        for layer in module.modules()
        if isinstance(layer, nn.Conv2d | nn.Linear)
    ]
    module(*inputs)
    for hook in hooks:
        hook.remove()
    return total
