"""Similarity transforms of points and images in the plane, batched."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def similarity(source: Tensor, destination: Tensor) -> Tensor:
    """Least-squares similarity transform in the plane (Umeyama 1991, closed form in 2D).

    Args:
        source: (B, N, 2) points.
        destination: (N, 2) or (B, N, 2) points.

    Returns:
        (B, 2, 3) matrices [a -b tx; b a ty] that map source to destination. The identity where
        the source points coincide or are not finite.
    """
    destination = destination.expand_as(source)
    source_mean, target_mean = source.mean(dim=1), destination.mean(dim=1)
    p, q = source - source_mean[:, None], destination - target_mean[:, None]
    spread = p.square().sum(dim=(1, 2))
    # Without reflections the optimum of the 2D problem is linear in (a, b).
    a = (p * q).sum(dim=(1, 2)) / spread
    b = (p[..., 0] * q[..., 1] - p[..., 1] * q[..., 0]).sum(dim=1) / spread
    rotation = torch.stack([a, -b, b, a], dim=1).reshape(-1, 2, 2)
    offset = target_mean[:, :, None] - rotation @ source_mean[:, :, None]
    matrix = torch.cat([rotation, offset], dim=2)
    usable = (spread > 1e-6) & (a.square() + b.square() > 1e-8) & matrix.isfinite().all(dim=(1, 2))
    identity = torch.eye(2, 3, device=source.device, dtype=source.dtype)
    return torch.where(usable[:, None, None], matrix, identity)


def invert_similarity(matrix: Tensor) -> Tensor:
    """Invert (B, 2, 3) similarity transforms, mirrored ones included."""
    linear, offset = matrix[:, :, :2], matrix[:, :, 2:]
    scale = linear[:, 0].square().sum(dim=1)
    inverse = linear.transpose(1, 2) / scale[:, None, None]
    return torch.cat([inverse, -inverse @ offset], dim=2)


def resample(
    images: Tensor, to_source: Tensor, height: int, width: int, interpolation: str = "bilinear"
) -> Tensor:
    """Sample images at affinely mapped pixel positions; zeros outside.

    Args:
        images: (B, C, H, W).
        to_source: (B, 2, 3) maps pixel (x, y) of the result to a pixel of ``images``
            (centres at integers).
        height, width: of the result.
        interpolation: ``bilinear`` or ``bicubic`` (may overshoot the range of the image).

    Returns:
        (B, C, height, width), differentiable in ``images``.
    """
    xs = torch.arange(width, device=images.device, dtype=images.dtype)
    ys = torch.arange(height, device=images.device, dtype=images.dtype)
    # grid_sample counts from -1 to 1 between the outer pixel centres (align_corners=True).
    source_height, source_width = images.shape[-2:]
    to_unit = images.new_tensor([2.0 / (source_width - 1), 2.0 / (source_height - 1)])
    unit = to_source * to_unit[:, None]
    offset = unit[:, :, 2] - 1.0
    grid = unit[:, None, None, :, 0] * xs[:, None] + unit[:, None, None, :, 1] * ys[:, None, None]
    return functional.grid_sample(
        images, grid + offset[:, None, None], interpolation, "zeros", align_corners=True
    )
