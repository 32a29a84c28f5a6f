"""From an error per pixel to one number: the normalisations that the losses choose from."""

from __future__ import annotations

import torch
from torch import Tensor

from focsbench.focs.collectives import processes, sum_over_processes
from focsbench.focs.loss_config import PixelNorm, Reduction


def pixel_error(first: Tensor, second: Tensor, norm: PixelNorm) -> Tensor:
    """Colour difference per pixel, (B, H, W), of two (B, 3, H, W) images.

    ``squared``: sum of squares over the channels; ``l2``: its root.
    """
    squared = (first - second).square().sum(dim=1)
    return squared if norm == "squared" else safe_sqrt(squared)


def safe_sqrt(squared: Tensor) -> Tensor:
    """Square root whose gradient at 0 is 0 instead of infinite."""
    positive = squared > 0
    return torch.where(positive, torch.where(positive, squared, 1.0).sqrt(), 0.0)


def reduce_map(values: Tensor, mask: Tensor, region: Tensor, reduction: Reduction) -> Tensor:
    """Reduce a map that is already weighted by the mask.

    Args:
        values: (B, H, W), zero outside the mask.
        mask: (B, H, W) face mask M in [0, 1].
        region: (B, H, W) rendered region m, bool.
        reduction: ``mask_ratio``: sum over the batch / max(sum of the mask over the batch, 1),
            released; ``region_ratio``: sum / max(rendered area S_R, 1) per image, then the mean;
            ``all_pixels``: mean over all pixels.
    """
    if reduction == "all_pixels":
        return values.mean()
    if reduction == "mask_ratio":
        # The mask of the whole batch, also where other processes have parts of it.
        return processes() * values.sum() / sum_over_processes(mask.sum()).clamp(min=1.0)
    area = region.sum(dim=(1, 2)).clamp(min=1)
    return (values.sum(dim=(1, 2)) / area).mean()
