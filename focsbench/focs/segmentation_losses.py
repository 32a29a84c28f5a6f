"""Losses of the segmentation network S: paper Eq. 1-4 without their perceptual parts.

Common arguments: ``target`` I_T and ``render`` I_R are (B, 3, H, W), ``mask`` M (B, H, W) in [0, 1]
(zero outside the rendered region), ``region`` m (B, H, W) bool, the rendered pixels.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from focsbench.focs.loss_config import InitialisationConfig, SegmentationConfig
from focsbench.focs.reductions import reduce_map, safe_sqrt

# Beyond every colour difference: pixels outside the image are nobody's nearest neighbour.
_FAR = 1e3


def neighbour_error(queries: Tensor, candidates: Tensor, window: int) -> Tensor:
    """Smallest squared colour distance to a neighbourhood, (B, H, W).

    Args:
        queries: (B, 3, H, W); each of its pixels looks for its best match.
        candidates: (B, 3, H, W); searched in the ``window`` x ``window`` pixels around.
    """
    height, width = queries.shape[-2:]
    radius = window // 2
    padded = functional.pad(candidates, (radius,) * 4, value=_FAR)
    best: Tensor | None = None
    for dy in range(window):
        for dx in range(window):
            shifted = padded[:, :, dy : dy + height, dx : dx + width]
            error = (queries - shifted).square().sum(dim=1)
            best = error if best is None else torch.minimum(best, error)
    assert best is not None
    return best


def neighbour_loss(
    target: Tensor, render: Tensor, mask: Tensor, region: Tensor, config: SegmentationConfig
) -> Tensor:
    """L_neighbour (Eq. 1): colour error that forgives small misalignments."""
    queries, candidates = target, render
    if config.neighbour_masking == "before":
        queries, candidates = queries * mask[:, None], candidates * mask[:, None]
    if config.neighbour_direction == "render_to_target":
        queries, candidates = candidates, queries
    error = neighbour_error(queries, candidates, config.neighbour_window)
    if config.neighbour_norm == "l2":
        error = safe_sqrt(error)
    if config.neighbour_masking == "after":
        error = error * mask
    if config.neighbour_reduction == "interior_mean":
        radius = config.neighbour_window // 2
        height, width = error.shape[-2:]
        return error[:, radius : height - radius, radius : width - radius].mean()
    return reduce_map(error, mask, region, config.neighbour_reduction)


def area_loss(mask: Tensor, region: Tensor) -> Tensor:
    """L_area (Eq. 3) plus one: discarded fraction of the rendered area, 1 - S_M / S_R."""
    area = region.sum(dim=(1, 2))
    kept = (mask * region).sum(dim=(1, 2))
    return ((area - kept) / area.clamp(min=1)).mean()


def binary_loss(mask: Tensor, region: Tensor, config: SegmentationConfig) -> Tensor:
    """L_bin: lowest where the mask is 0 or 1."""
    distance = mask - 0.5
    values = -distance.square() if config.bin_form == "squared" else 0.5 - distance.abs()
    if config.bin_reduction == "all_pixels":
        return values.mean()
    return reduce_map(values * region, mask, region, "region_ratio")


def mask_cross_entropy(
    logit: Tensor, label: Tensor, region: Tensor, config: InitialisationConfig
) -> Tensor:
    """Pre-training of S on preliminary masks: cross-entropy of (B, H, W) logits and 0/1 labels."""
    if config.pretrain_double_sigmoid:
        logit = torch.sigmoid(logit)
    if config.pretrain_domain == "all_pixels":
        return functional.binary_cross_entropy_with_logits(logit, label)
    values = functional.binary_cross_entropy_with_logits(logit, label, reduction="none")
    return reduce_map(values * region, label, region, "region_ratio")
