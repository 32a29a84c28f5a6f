"""Test-time optimisation of one face: what the encoder began, finished on the photograph itself.

First pose and shape from the landmarks and light by least squares, then identity, expression,
albedo and pose together by the loss of the autoencoder (L_pixel inside the mask, L_lm, L_reg; paper
3.1), the light solved again at intervals. The mask is that of the segmentation network and, since a
network that learnt elsewhere may err, of the error itself: pixels whose error is far above the
usual one count less and less (Eq. 9 made soft).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from focsbench.face_models.morphable_model import MorphableModel
from focsbench.fit.landmark_fit import Pose, fit_landmarks
from focsbench.fit.light_fit import fit_light
from focsbench.focs.autoencoder import Decoded, FaceDecoder
from focsbench.focs.loss_config import ReconstructionConfig
from focsbench.focs.losses import reconstruction_loss
from focsbench.focs.reductions import pixel_error
from focsbench.networks.resnet import Latents
from focsbench.types import FloatArray, IntArray

MaskOf = Callable[[Latents], Tensor]
"""From the face as it is now to the mask M (1, S, S) of the segmentation network."""


# Weights as in the preset quick where not said otherwise. A squared pixel counts 1 / 5.4 of what it
# does at its 96 pixels, and the prior more, since one photograph says less than a training set.
LOSS = ReconstructionConfig(
    lambda_pixel=60.0,
    lambda_perceptual=0.0,
    lambda_landmark=0.04,
    lambda_regularisation=0.5,
    landmark_weight=1.0,
    contour_weight=0.3,
    landmark_reduction="weights",
    regularisation_divisor=224.0,
)


@dataclass(frozen=True)
class RefineSettings:
    """How the optimisation goes.

    iterations: of Adam. mask_every: iterations between two looks at mask and light.
    rates: steps of Adam for identity, expression and albedo (coefficients), angles (rad) and
        translation (mm). smallest_scale, scale: of the error that still counts fully, as a colour
        distance and in medians. loss: weights of the terms.
    """

    iterations: int = 200
    mask_every: int = 25
    rates: tuple[float, ...] = (0.05, 0.04, 0.08, 0.003, 0.3)
    smallest_scale: float = 0.03
    scale: float = 1.0
    loss: ReconstructionConfig = LOSS


@dataclass(frozen=True)
class Refined:
    """Latents (a batch of one), and the (68,) vertices that stood for the landmarks."""

    latents: Latents
    landmark_vertices: IntArray


def refine(
    decoder: FaceDecoder,
    model: MorphableModel,
    images: Tensor,
    landmarks: FloatArray,
    start: Latents,
    mask_of: MaskOf | None,
    settings: RefineSettings | None = None,
) -> Refined:
    """Optimise the latents of one face.

    Args:
        decoder: draws at the size of the photograph.
        model: the part of the face model that it draws.
        images: (1, 3, S, S) aligned photograph in [0, 1].
        landmarks: (68, 2) pixels of it.
        start: latents of the encoder.
        mask_of: the segmentation network, or None where the row has none.
    """
    chosen = settings or RefineSettings()
    placed, vertices = _from_landmarks(model, landmarks, images.shape[-1], start)
    numbers = torch.from_numpy(vertices)
    latents = _optimise(decoder, numbers, images, landmarks, placed, mask_of, chosen)
    return Refined(latents, vertices)


def _from_landmarks(
    model: MorphableModel, landmarks: FloatArray, size: int, start: Latents
) -> tuple[Latents, IntArray]:
    """Replace pose and shape by what the landmarks say."""
    identity, expression, _, angles, translation, _ = (
        block[0].detach().double().numpy() for block in start
    )
    begun = Pose(np.zeros_like(identity), np.zeros_like(expression), angles, translation)
    pose, vertices = fit_landmarks(model, landmarks, size, begun)

    def row(values: FloatArray) -> Tensor:
        return torch.from_numpy(values)[None].to(start.identity.dtype)

    placed = start._replace(
        identity=row(pose.identity),
        expression=row(pose.expression),
        angles=row(pose.angles),
        translation=row(pose.translation),
    )
    return placed, vertices


def _optimise(
    decoder: FaceDecoder,
    vertices: Tensor,
    images: Tensor,
    landmarks: FloatArray,
    start: Latents,
    mask_of: MaskOf | None,
    settings: RefineSettings,
) -> Latents:
    blocks = [block.detach().clone().requires_grad_(True) for block in start[:5]]
    groups = [
        {"params": [block], "lr": rate} for block, rate in zip(blocks, settings.rates, strict=True)
    ]
    optimiser = torch.optim.Adam(groups, betas=(0.9, 0.99))
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, settings.iterations)
    points = torch.from_numpy(landmarks)[None].to(images.dtype)
    light, mask = start.light.detach(), None
    for iteration in range(settings.iterations):
        if iteration % settings.mask_every == 0:
            now = _latents(blocks, light).detach()
            mask = None if mask_of is None else mask_of(now)
            light = fit_light(decoder, now, images, mask)
        decoded = decoder(_latents(blocks, light), vertices)
        trusted = robust_mask(images, decoded, mask, settings)
        loss = reconstruction_loss(settings.loss, images, points, decoded, trusted, None)
        optimiser.zero_grad()
        loss.total.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
    return _latents(blocks, light).detach()


def _latents(blocks: Sequence[Tensor], light: Tensor) -> Latents:
    return Latents(*(*blocks, light))


def robust_mask(
    images: Tensor, decoded: Decoded, mask: Tensor | None, settings: RefineSettings
) -> Tensor:
    """Weights (1, S, S) of the drawn pixels: the mask times Geman-McClure weights of the error.

    The scale of the error is its median where the mask trusts the photograph.
    """
    with torch.no_grad():
        error = pixel_error(images, decoded.image, "l2")
        trusted = decoded.region.to(error.dtype) if mask is None else mask * decoded.region
        inside = error[trusted > 0.5]
        if not len(inside):
            return trusted
        scale = settings.scale * inside.median().clamp_min(settings.smallest_scale)
        return trusted / (1 + (error / scale) ** 2) ** 2
