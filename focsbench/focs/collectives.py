"""Sums over the processes that share a batch; in an ordinary process they change nothing.

A process computes its share of a loss so that the mean over the processes, which is what gradients
are averaged to, is the loss of the whole batch. Means over images need nothing for that; ratios of
sums over the batch do.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, distributed


def processes() -> int:
    """Return how many processes share each batch."""
    ready = distributed.is_available() and distributed.is_initialized()
    return distributed.get_world_size() if ready else 1


def sum_over_processes(value: Tensor) -> Tensor:
    """Add a tensor up over all processes; differentiable."""
    if processes() == 1:
        return value
    total: Tensor = _Sum.apply(value)  # type: ignore[no-untyped-call]
    return total


class _Sum(torch.autograd.Function):
    """All processes use the sum, so the gradient of each one's part is the sum of theirs."""

    @staticmethod
    def forward(ctx: Any, value: Tensor) -> Tensor:
        total = value.detach().clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(ctx: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone(memory_format=torch.contiguous_format)
        distributed.all_reduce(total)
        return total
