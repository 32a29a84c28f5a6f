"""Losses of the autoencoder R: paper Eq. 5-7, and Eq. 8-9 for its unsupervised start.

Common arguments: ``target`` I_T and ``render`` I_R are (B, 3, H, W) in [0, 1] (the render may leave
that range), ``mask`` M (B, H, W) in [0, 1], ``region`` m (B, H, W) bool, the rendered pixels.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from focsbench.focs.loss_config import PixelNorm, ReconstructionConfig, Reduction
from focsbench.focs.reductions import pixel_error, reduce_map
from focsbench.networks.resnet import Latents

# Nose ridge without its top, and inner lips; 0-based iBUG indices (released code).
HEAVY_LANDMARKS = (28, 29, 30, *range(60, 68))
JAW_LANDMARKS = tuple(range(17))


def pixel_loss(
    target: Tensor,
    render: Tensor,
    mask: Tensor,
    region: Tensor,
    norm: PixelNorm,
    reduction: Reduction,
) -> Tensor:
    """L_pixel (Eq. 5): colour error weighted by the mask."""
    return reduce_map(mask * pixel_error(target, render, norm), mask, region, reduction)


def log_likelihood(target: Tensor, render: Tensor, sigma: float) -> Tensor:
    """Eq. 8: log-density of each pixel, (B, H, W), under independent Gaussian channel errors."""
    constant = -1.5 * math.log(2 * math.pi) - 3 * math.log(sigma)
    return constant - pixel_error(target, render, "squared") / (2 * sigma**2)


def preliminary_mask(
    target: Tensor, render: Tensor, region: Tensor, xi: float, measure: PixelNorm
) -> Tensor:
    """Eq. 9: rendered pixels whose error is below ``xi``; (B, H, W) of 0 and 1, no gradient."""
    with torch.no_grad():
        accepted = pixel_error(target, render, measure) < xi
        return (accepted & region).to(target.dtype)


def likelihood_loss(
    target: Tensor,
    render: Tensor,
    mask: Tensor,
    region: Tensor,
    sigma: float,
    reduction: Reduction = "all_pixels",
) -> Tensor:
    """Negative log-likelihood of the accepted pixels (released step 1); usually negative.

    The constant of Eq. 8 only shifts the value, since the hard mask has no gradient.
    """
    return reduce_map(-mask * log_likelihood(target, render, sigma), mask, region, reduction)


def landmark_weights(heavy: float, contour: float, like: Tensor) -> Tensor:
    """Return (68,) weights: ``heavy`` on nose ridge and inner lips, ``contour`` on the jaw."""
    weights = like.new_ones(68)
    weights[list(HEAVY_LANDMARKS)] = heavy
    weights[list(JAW_LANDMARKS)] = contour
    return weights


def landmark_loss(target: Tensor, predicted: Tensor, config: ReconstructionConfig) -> Tensor:
    """L_lm (Eq. 7): weighted squared distance of (B, 68, 2) landmarks in pixels."""
    weights = landmark_weights(config.landmark_weight, config.contour_weight, predicted)
    if config.landmark_weight_squared:
        weights = weights.square()
    squared = (predicted - target).square().sum(dim=2)
    divisors: dict[str, float | Tensor] = {
        "coordinates": 2 * 68,
        "points": 68,
        "weights": weights.sum(),
    }
    return (squared * weights).sum(dim=1).mean() / divisors[config.landmark_reduction]


def regularisation_loss(latents: Latents, config: ReconstructionConfig) -> Tensor:
    """L_reg: weighted sum of squared parameters per image, divided by a constant."""
    weights = (
        config.regularise_identity,
        config.regularise_expression,
        config.regularise_albedo,
        config.regularise_angles,
        config.regularise_translation,
        config.regularise_light,
    )
    total = latents.identity.new_zeros(())
    for weight, block in zip(weights, latents, strict=True):
        if weight:
            total = total + weight * block.square().sum(dim=1).mean()
    return total / config.regularisation_divisor
