"""Random similarity transforms, flips and colour changes of a batch of training images.

Released code and Deep3D: shift +-10 px, scale 1 +- 0.1, rotation +- 10 degrees, flip. Unlike
theirs, the transform maps pixel centres to pixel centres exactly, so that a landmark stays on its
pixel when the image is flipped.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from focsbench.focs.config import AugmentationConfig
from focsbench.focs.synthetic_occlusion import occlude
from focsbench.networks.warp import invert_similarity, resample

# Where each iBUG landmark goes when the face is mirrored: subject's right <-> left.
FLIP_PERMUTATION = (
    *reversed(range(17)),  # jaw
    *reversed(range(17, 27)),  # brows
    *range(27, 31),  # nose ridge
    *reversed(range(31, 36)),  # nostrils
    *(45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40),  # eyes
    *(54, 53, 52, 51, 50, 49, 48, 59, 58, 57, 56, 55),  # outer lips
    *(64, 63, 62, 61, 60, 67, 66, 65),  # inner lips
)


class Batch(NamedTuple):
    """Aligned training images and what weak supervision knows of them.

    images: (B, 3, S, S) in [0, 1].
    landmarks: (B, 68, 2) pixels, x right, y down, pixel centres at integers.
    masks: (B, S, S) in [0, 1], visible face (only supervised rows look at it), or None.
    """

    images: Tensor
    landmarks: Tensor
    masks: Tensor | None = None


def augment(batch: Batch, config: AugmentationConfig, generator: torch.Generator) -> Batch:
    """Transform every image of the batch by its own random similarity, its labels with it.

    Rectangles of the supervised rows come last.

    Args:
        batch: not changed.
        config: ranges; with ``enabled=False`` nothing but the rectangles changes the batch.
        generator: source of all randomness, on the CPU.

    Returns:
        A new batch, black and 0 where the old image does not reach. Masks are interpolated, so
        their borders become grey.
    """
    images, landmarks, masks = _moved(batch, config, generator) if config.enabled else batch
    images, masks = occlude(images, masks, config.occlusion, generator)
    return Batch(images, landmarks, masks)


def _moved(batch: Batch, config: AugmentationConfig, generator: torch.Generator) -> Batch:
    """Transform and recolour every image."""
    images, landmarks, masks = batch
    size = images.shape[-1]
    matrix, flipped = random_similarities(len(images), size, config, generator)
    matrix, flipped = matrix.to(images), flipped.to(images.device)
    to_source = invert_similarity(matrix)
    warped = resample(images, to_source, size, size, config.interpolation)
    if config.interpolation == "bicubic":
        warped = warped.clamp(0.0, 1.0)  # cubic kernels overshoot at edges
    if masks is not None:
        masks = resample(masks[:, None], to_source, size, size)[:, 0]
    warped = recolour(warped, config, generator)
    return Batch(warped, transform_landmarks(landmarks, matrix, flipped), masks)


def random_similarities(
    count: int, size: int, config: AugmentationConfig, generator: torch.Generator
) -> tuple[Tensor, Tensor]:
    """Draw transforms about the image centre: flip, then shift, rotation, scale.

    Returns:
        (count, 2, 3) matrices that map pixels of the old image to pixels of the new one, and
        (count,) bool, which of them flip.
    """
    uniform = torch.rand(5, count, generator=generator)
    shift = (2 * uniform[:2] - 1) * config.max_shift
    if config.integer_shift:
        shift = shift.round()
    scale = 1 + (2 * uniform[2] - 1) * config.max_scale
    angle = torch.deg2rad((2 * uniform[3] - 1) * config.max_rotation)
    flipped = uniform[4] < config.flip_probability
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    sign = torch.where(flipped, -1.0, 1.0)
    linear = torch.stack([cosine * sign, -sine, sine * sign, cosine], dim=1).reshape(-1, 2, 2)
    rotation = torch.stack([cosine, -sine, sine, cosine], dim=1).reshape(-1, 2, 2)
    centre = torch.full((2, 1), (size - 1) / 2)
    offset = rotation @ shift.T[:, :, None] + centre - linear @ centre
    return torch.cat([linear, offset], dim=2), flipped


def transform_landmarks(landmarks: Tensor, matrix: Tensor, flipped: Tensor) -> Tensor:
    """Map (B, 68, 2) landmarks by (B, 2, 3) matrices and rename them where (B,) is flipped."""
    moved = landmarks @ matrix[:, :, :2].transpose(1, 2) + matrix[:, None, :, 2]
    order = torch.tensor(FLIP_PERMUTATION, device=landmarks.device)
    return torch.where(flipped[:, None, None], moved[:, order], moved)


def recolour(images: Tensor, config: AugmentationConfig, generator: torch.Generator) -> Tensor:
    """Change gain per channel and brightness, add noise; clamps to [0, 1] only if it did."""
    if not (config.max_gain or config.max_offset or config.noise):
        return images
    count = len(images)
    gain = 1 + (2 * torch.rand(count, 3, 1, 1, generator=generator) - 1) * config.max_gain
    offset = (2 * torch.rand(count, 1, 1, 1, generator=generator) - 1) * config.max_offset
    images = images * gain.to(images) + offset.to(images)
    if config.noise:
        noise = torch.randn(images.shape, generator=generator)
        images = images + config.noise * noise.to(images)
    return images.clamp(0.0, 1.0)
