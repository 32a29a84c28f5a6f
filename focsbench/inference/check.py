"""Does an exported network answer what the network itself answers?"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

TOLERANCE = 5e-3  # largest relative error that is accepted
_CELLS = 8  # of the coarse grid that the probe's large shapes come from


def relative_error(answers: Iterable[Tensor], truths: Iterable[Tensor]) -> float:
    """Return the largest error over several outputs, each in parts of its own largest value.

    Args:
        answers: of the exported network.
        truths: of the network itself; same shapes.

    Returns:
        The largest ``max |a - t| / max |t|``; infinite where a number is not finite, or where an
        output that is all zero is missed.
    """
    worst = 0.0
    for answer, truth in zip(answers, truths, strict=True):
        error = float((answer - truth).abs().max())
        scale = float(truth.abs().max())
        if not (error < float("inf") and scale < float("inf")):
            return float("inf")
        if error > 0:
            worst = max(worst, error / scale if scale > 0 else float("inf"))
    return worst


def probe(inputs: int, size: int, batch: int = 1) -> tuple[Tensor, ...]:
    """Return images with large shapes and grain, (B, 3, S, S) in [0, 1]; always the same ones."""
    generator = torch.Generator().manual_seed(0)
    images = []
    for _ in range(inputs):
        coarse = torch.rand(batch, 3, _CELLS, _CELLS, generator=generator)
        shapes = functional.interpolate(
            coarse, size=(size, size), mode="bilinear", align_corners=False
        )
        grain = 0.1 * torch.rand(batch, 3, size, size, generator=generator)
        images.append((shapes * 0.9 + grain).contiguous())
    return tuple(images)


def export_error(network: nn.Module, exported: nn.Module, example: Sequence[Tensor]) -> float:
    """Return the relative error of an exported network on some inputs."""
    with torch.no_grad():
        return relative_error(exported(*example), network(*example))
