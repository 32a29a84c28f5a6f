"""The skin detector of Deep3D: which pixels have the colour of skin.

Two mixtures of four Gaussians in YCbCr, one of skin and one of everything else, and Bayes' rule
with a prior (Deng et al. 2019, *Accurate 3D Face Reconstruction with Weakly-Supervised Learning*;
constants as in the MIT-licensed Deep3DFaceRecon_pytorch). The detector knows nothing of faces: a
hand is skin, and so is a wall of that colour.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import torch
from torch import Tensor

from focsbench.focs.config import SkinDetectorConfig

# Offset and rows of the matrix that maps RGB in [0, 1] to YCbCr (ITU-R BT.601, video range).
_OFFSET = (16.0, 128.0, 128.0)
_MATRIX = (
    (65.481, 128.553, 24.966),
    (-37.797, -74.203, 112.0),
    (112.0, -93.786, -18.214),
)


class Mixture(NamedTuple):
    """Four Gaussians in YCbCr.

    weights: of the components, they sum to 1. means: Y, Cb, Cr. determinants: of the covariances.
    inverses: of the covariances, upper triangles 11, 12, 13, 22, 23, 33.
    """

    weights: tuple[float, ...]
    means: tuple[tuple[float, ...], ...]
    determinants: tuple[float, ...]
    inverses: tuple[tuple[float, ...], ...]


SKIN = Mixture(
    weights=(0.24063933, 0.16365987, 0.26034665, 0.33535415),
    means=(
        (113.71862, 103.39613, 164.08226),
        (150.19858, 105.18467, 155.51428),
        (183.92976, 107.62468, 152.71820),
        (114.90524, 113.59782, 151.38217),
    ),
    determinants=(5692842.5, 5851930.5, 2329131.0, 1585971.0),
    inverses=(
        (0.0019472069, 0.0020450759, -0.00060243998, 0.017700525, 0.0051420014, 0.0081308950),
        (0.0027110141, 0.0011036990, 0.0023122299, 0.010707724, 0.010742856, 0.017481629),
        (0.0048026871, 0.00022935172, 0.0077668377, 0.011729696, 0.0081661865, 0.025374353),
        (0.0011989699, 0.0022453172, -0.0010748957, 0.047758564, 0.020332102, 0.024502251),
    ),
)
OTHER = Mixture(
    weights=(0.12791070, 0.31130761, 0.34245777, 0.21832393),
    means=(
        (99.200851, 112.07533, 140.20602),
        (110.91392, 125.52969, 130.19237),
        (129.75864, 129.96107, 126.96808),
        (112.29587, 128.85121, 129.05431),
    ),
    determinants=(458703648.0, 6466488.0, 90611376.0, 133097.63),
    inverses=(
        (0.00085371657, 0.00071197288, 0.00023958916, 0.0025935620, 0.00076557708, 0.0015042332),
        (0.00024650150, 0.00045542428, 0.00015019422, 0.026412144, 0.018419769, 0.037497383),
        (0.00037054974, 0.00038146760, 0.00040408765, 0.0085505722, 0.0079136286, 0.010982352),
        (0.00013709733, 0.00051228428, 0.00012777430, 0.28237113, 0.10528370, 0.23468947),
    ),
)


def skin_probability(images: Tensor, prior: float = 0.8) -> Tensor:
    """Return the posterior probability of skin, (B, H, W) in [0, 1].

    Args:
        images: (B, 3, H, W) RGB in [0, 1].
        prior: probability of skin before the colour is known (Deep3D: 0.8).
    """
    colours = ycbcr(images)
    odds = log_likelihood(colours, SKIN) - log_likelihood(colours, OTHER)
    # The sigmoid of the log odds is Bayes' rule without 0 / 0 where both likelihoods underflow.
    return torch.sigmoid(odds + math.log(prior) - math.log1p(-prior))


def skin_mask(images: Tensor, config: SkinDetectorConfig) -> Tensor:
    """Return the detector's mask, (B, H, W), 1 for skin: rounded or soft as the settings say."""
    probability = skin_probability(images, config.prior)
    return (probability >= 0.5).to(images.dtype) if config.mask == "round" else probability


def ycbcr(images: Tensor) -> Tensor:
    """Convert (B, 3, H, W) RGB in [0, 1] to (B, H, W, 3) YCbCr, Y in 16..235, C in 16..240."""
    matrix = images.new_tensor(_MATRIX)
    return images.permute(0, 2, 3, 1) @ matrix.T + images.new_tensor(_OFFSET)


def log_likelihood(colours: Tensor, mixture: Mixture) -> Tensor:
    """Return the log density (...) of (..., 3) YCbCr colours under a mixture."""
    logs = []
    for weight, mean, determinant, inverse in zip(*mixture, strict=True):
        y, cb, cr = (colours - colours.new_tensor(mean)).unbind(-1)
        a, b, c, d, e, f = inverse
        distance = y * (a * y + 2 * b * cb + 2 * c * cr) + cb * (d * cb + 2 * e * cr) + f * cr * cr
        scale = math.log(weight) - 0.5 * (3 * math.log(2 * math.pi) + math.log(determinant))
        logs.append(scale - 0.5 * distance)
    return torch.logsumexp(torch.stack(logs), dim=0)
