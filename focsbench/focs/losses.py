"""The weighted sums L_R and L_S of the method, with every term for the log.

Terms of weight 0 are not computed, so that ablations are also faster.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from focsbench.errors import ConfigError
from focsbench.focs.loss_config import (
    InitialisationConfig,
    ReconstructionConfig,
    SegmentationConfig,
)
from focsbench.focs.perceptual import (
    Recognizer,
    background,
    feature_distance,
    features,
)
from focsbench.focs.reconstruction_losses import (
    landmark_loss,
    likelihood_loss,
    pixel_loss,
    regularisation_loss,
)
from focsbench.focs.segmentation_losses import area_loss, binary_loss, neighbour_loss

if TYPE_CHECKING:  # the losses need no renderer, only what it returned
    from focsbench.focs.autoencoder import Decoded


class Loss(NamedTuple):
    """A weighted sum of terms.

    total: what is minimised; terms: before weighting, detached scalars for the log;
    weighted: the summands with their gradients, to find out which one is to blame.
    """

    total: Tensor
    terms: dict[str, Tensor]
    weighted: dict[str, Tensor]


def reconstruction_loss(
    config: ReconstructionConfig,
    images: Tensor,
    landmarks: Tensor,
    decoded: Decoded,
    mask: Tensor,
    recognizer: Recognizer | None,
    initialisation: InitialisationConfig | None = None,
) -> Loss:
    """L_R = lambda1 L_pixel + lambda2 L_per + lambda3 L_lm + lambda4 L_reg (+ released L_area).

    Args:
        config: weights and reductions.
        images: (B, 3, S, S) photographs in [0, 1].
        landmarks: (B, 68, 2) of the photographs, pixels.
        decoded: what R made of them; gradients flow to all of it.
        mask: (B, S, S) face mask M, zero outside the region. Detached if the config says so.
        recognizer: F; may be None if no perceptual term has a weight.
        initialisation: given before the joint training, where it may replace L_pixel by the
            likelihood of Eq. 8 and switch L_per off.
    """
    mask = mask.detach() if config.detach_mask else mask
    weighted: dict[str, tuple[float, Tensor]] = {}
    if config.lambda_pixel:
        term = _pixel_term(config, images, decoded, mask, initialisation)
        weighted["pixel"] = (config.lambda_pixel, term)
    if config.lambda_perceptual and (initialisation is None or initialisation.perceptual):
        term = perceptual_loss(config, images, landmarks, decoded, _required(recognizer))
        weighted["perceptual"] = (config.lambda_perceptual, term)
    if config.lambda_landmark:
        term = landmark_loss(landmarks, decoded.landmarks, config)
        weighted["landmark"] = (config.lambda_landmark, term)
    if config.lambda_regularisation:
        term = regularisation_loss(decoded.latents, config)
        weighted["regularisation"] = (config.lambda_regularisation, term)
    if config.lambda_area and initialisation is None:
        weighted["area"] = (config.lambda_area, area_loss(mask, decoded.region))
    return _total(weighted, images)


def _pixel_term(
    config: ReconstructionConfig,
    images: Tensor,
    decoded: Decoded,
    mask: Tensor,
    initialisation: InitialisationConfig | None,
) -> Tensor:
    arguments = (images, decoded.image, mask, decoded.region)
    if initialisation is not None and initialisation.loss == "likelihood":
        reduction = initialisation.likelihood_reduction
        return likelihood_loss(*arguments, initialisation.sigma, reduction)
    return pixel_loss(*arguments, config.pixel_norm, config.pixel_reduction)


def perceptual_loss(
    config: ReconstructionConfig,
    images: Tensor,
    landmarks: Tensor,
    decoded: Decoded,
    recognizer: Recognizer,
) -> Tensor:
    """L_per (Eq. 6): distance between the features of photograph and render, unmasked."""
    kind = config.perceptual_feature
    with torch.no_grad():
        wanted = features(recognizer, kind, images, landmarks)
    shown = background(decoded.image, images, decoded.region, config.perceptual_background)
    found = features(recognizer, kind, shown, decoded.landmarks)
    return feature_distance(found, wanted, kind, True, recognizer.distance)


def segmentation_loss(
    config: SegmentationConfig,
    images: Tensor,
    landmarks: Tensor,
    decoded: Decoded,
    mask: Tensor,
    recognizer: Recognizer | None,
) -> Loss:
    """L_S = eta1 L_neighbour + eta2 L_dist + eta3 L_area + eta4 L_presv + eta5 L_bin.

    Args:
        config: weights and reductions.
        images: (B, 3, S, S) photographs in [0, 1].
        landmarks: (B, 68, 2) of the photographs, pixels.
        decoded: what R made of them, without gradient (the E-step keeps R fixed).
        mask: (B, S, S) face mask M = m U with its gradient.
        recognizer: F; may be None if neither perceptual term has a weight.
    """
    render, region = decoded.image, decoded.region
    weighted: dict[str, tuple[float, Tensor]] = {}
    if config.eta_neighbour:
        term = neighbour_loss(images, render, mask, region, config)
        weighted["neighbour"] = (config.eta_neighbour, term)
    if config.eta_dist or config.eta_presv:
        dist, presv = masked_feature_distances(
            config, images, landmarks, decoded, mask, _required(recognizer)
        )
        weighted["dist"] = (config.eta_dist, dist)
        weighted["presv"] = (config.eta_presv, presv)
    if config.eta_area:
        weighted["area"] = (config.eta_area, area_loss(mask, region))
    if config.eta_bin:
        weighted["bin"] = (config.eta_bin, binary_loss(mask, region, config))
    return _total(weighted, images)


def masked_feature_distances(
    config: SegmentationConfig,
    images: Tensor,
    landmarks: Tensor,
    decoded: Decoded,
    mask: Tensor,
    recognizer: Recognizer,
) -> tuple[Tensor, Tensor]:
    """L_dist (Eq. 2) and L_presv (Eq. 4); images are masked before they are cropped for F."""
    kind, width = config.perceptual_feature, config.shallow_width_normalised
    masked_image = features(recognizer, kind, images * mask[:, None], landmarks)
    masked_render = features(recognizer, kind, decoded.image * mask[:, None], decoded.landmarks)
    with torch.no_grad():
        whole_image = features(recognizer, kind, images, landmarks)
    return (
        feature_distance(masked_render, masked_image, kind, width, recognizer.distance),
        feature_distance(whole_image, masked_image, kind, width, recognizer.distance),
    )


def _required(recognizer: Recognizer | None) -> Recognizer:
    if recognizer is None:
        raise ConfigError(
            "the perceptual losses need a recognition network: set recognition.weights, or their "
            "weights (lambda_perceptual, eta_dist, eta_presv) to 0."
        )
    return recognizer


def _total(weighted: dict[str, tuple[float, Tensor]], like: Tensor) -> Loss:
    total = like.new_zeros(())
    summands = {name: weight * term for name, (weight, term) in weighted.items()}
    for summand in summands.values():
        total = total + summand
    return Loss(total, {name: term.detach() for name, (_, term) in weighted.items()}, summands)
