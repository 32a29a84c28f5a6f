"""Rectangles over training images: cutout and cutmix of the supervised rows (paper 4.1).

The rules are those of the authors' early code: the corner and both sides of the rectangle are
whole numbers, each drawn uniformly. Their cutmix shows the same rectangle of a frame of EgoHands.
Those frames cannot be passed on, so ours are drawn: fingers of the colour of skin before a ground
of smooth random colours.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from focsbench.face_models.skin_colour import MELANIN_RANGE, skin_rgb
from focsbench.focs.image_config import FrameSource, SyntheticOcclusionConfig

_FINGERS = 5


class Rectangles(NamedTuple):
    """One rectangle per image: (B,) first row and column, (B,) height and width, pixels."""

    row: Tensor
    column: Tensor
    height: Tensor
    width: Tensor


def occlude(
    images: Tensor,
    masks: Tensor | None,
    config: SyntheticOcclusionConfig,
    generator: torch.Generator,
) -> tuple[Tensor, Tensor | None]:
    """Put a rectangle over some of the images and take it out of their visible faces.

    Args:
        images: (B, 3, S, S) in [0, 1], not changed.
        masks: (B, S, S) visible face in [0, 1], or None.
        config: policy; with ``kind="none"`` both come back as they are.
        generator: source of all randomness, on the CPU.

    Returns:
        The images and masks with rectangles.
    """
    if config.kind == "none":
        return images, masks
    count, size = len(images), images.shape[-1]
    rectangles = draw_rectangles(count, size, config, generator)
    chosen = torch.rand(count, generator=generator) < config.probability
    hidden = (inside(rectangles, size) & chosen[:, None, None]).to(images.device)
    fill = torch.zeros_like(images)
    if config.kind == "cutmix" and chosen.any():
        fill[chosen.to(images.device)] = _frames(images, chosen, config.source, generator)
    images = torch.where(hidden[:, None], fill, images)
    return images, None if masks is None else masks * ~hidden


def draw_rectangles(
    count: int, size: int, config: SyntheticOcclusionConfig, generator: torch.Generator
) -> Rectangles:
    """Draw rectangles inside images of ``size`` pixels a side.

    The corner is between ``min_corner * size`` and ``max_corner * (size - 1)``, the nominal side
    between ``min_side`` and ``max_side`` times ``size``, all rounded down and the ends included. As
    in the authors' code a rectangle ends before the last pixel and covers one pixel less than its
    nominal side; one pixel is the least.
    """
    low, high = int(config.min_corner * size), int(config.max_corner * (size - 1))
    short, long = int(config.min_side * size), int(config.max_side * size)
    corner = torch.randint(low, max(high, low) + 1, (2, count), generator=generator)
    nominal = torch.randint(short, long + 1, (2, count), generator=generator)
    side = ((corner + nominal).clamp(max=size - 1) - corner - 1).clamp(min=1)
    return Rectangles(corner[0], corner[1], side[0], side[1])


def inside(rectangles: Rectangles, size: int) -> Tensor:
    """Return (B, size, size) bool, the pixels that each rectangle covers."""
    pixels = torch.arange(size)
    row, column, height, width = (values[:, None] for values in rectangles)
    rows = (pixels >= row) & (pixels < row + height)
    columns = (pixels >= column) & (pixels < column + width)
    return rows[:, :, None] & columns[:, None, :]


def _frames(
    images: Tensor, chosen: Tensor, source: FrameSource, generator: torch.Generator
) -> Tensor:
    """Return what the rectangles of the chosen images show, as whole images."""
    if source == "photograph":
        return images.roll(1, dims=0)[chosen.to(images.device)]
    frames = grounds(int(chosen.sum()), images.shape[-1], generator)
    if source == "hands":
        frames = hands_before(frames, generator)
    return frames.to(images)


def grounds(count: int, size: int, generator: torch.Generator) -> Tensor:
    """Draw (count, 3, size, size) smooth muted colours in [0, 1]: three octaves of noise."""
    grey = torch.rand(count, 1, 1, 1, generator=generator)
    total = grey + 0.3 * (torch.rand(count, 3, 1, 1, generator=generator) - 0.5)
    for cells, weight in ((3, 0.3), (8, 0.2), (24, 0.1)):
        noise = torch.rand(count, 3, cells, cells, generator=generator) - 0.5
        smooth = functional.interpolate(noise, size=(size, size), mode="bicubic")
        total = total + weight * smooth
    return total.clamp(0.0, 1.0)


def hands_before(frames: Tensor, generator: torch.Generator) -> Tensor:
    """Draw the fingers of one hand, big and near, over each of (B, 3, S, S) frames."""
    count, size = len(frames), frames.shape[-1]
    melanin = torch.rand(count, generator=generator).square().numpy()
    low, high = MELANIN_RANGE
    skin = torch.from_numpy(skin_rgb(low + (high - low) * melanin, np.full(count, 0.45)))
    drawn = frames
    for height in _finger_heights(count, size, generator):
        # Lit from the front: a cylinder is darker where its surface turns away.
        shade = (0.45 + 0.6 * height.clamp(min=0.0))[:, None]
        colour = (skin[:, :, None, None] * shade).clamp(0.0, 1.0)
        drawn = torch.where((height > 0)[:, None], colour, drawn)
    return drawn


def _finger_heights(count: int, size: int, generator: torch.Generator) -> list[Tensor]:
    """Draw fingers side by side: (B, S, S) heights, 1 on the axis of a finger, 0 at its border."""
    turn = 2 * torch.pi * torch.rand(count, generator=generator)
    along = torch.stack([turn.cos(), turn.sin()], dim=1)
    across = torch.stack([-along[:, 1], along[:, 0]], dim=1)
    radius = size * (0.055 + 0.045 * torch.rand(count, generator=generator))
    middle = size * (0.35 + 0.3 * torch.rand(count, 2, generator=generator))
    axis = torch.arange(size, dtype=torch.float32)
    points = torch.stack(torch.meshgrid(axis, axis, indexing="xy"), dim=-1)[None]
    heights = []
    for finger in range(_FINGERS):
        jitter = 0.3 * (torch.rand(count, generator=generator) - 0.5)
        sideways = (2.1 * (finger - (_FINGERS - 1) / 2) + jitter) * radius
        length = radius * (5 + 4 * torch.rand(count, generator=generator))
        offset = points - (middle + sideways[:, None] * across)[:, None, None]
        run = (offset * along[:, None, None]).sum(-1)
        beyond = (run.abs() - length[:, None, None]).clamp(min=0.0)  # the ends are round
        side = (offset * across[:, None, None]).sum(-1)
        squared = (beyond.square() + side.square()) / radius[:, None, None].square()
        heights.append(torch.sqrt((1 - squared).clamp(min=0.0)))
    return heights
