"""The five-point crop of face recognition networks (ArcFace), batched and without a gradient.

Landmarks -> five points -> least-squares similarity to the ArcFace template -> bilinear resampling.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

# (x, y) of the eye on the image's left, the other eye, nose tip, mouth corners in a 112 x 112
# crop; the template of InsightFace.
ARCFACE_TEMPLATE = (
    (38.2946, 51.6963),
    (73.5318, 51.5014),
    (56.0252, 71.7366),
    (41.5493, 92.3655),
    (70.7299, 92.2041),
)
TEMPLATE_SIZE = 112


def five_points(landmarks: Tensor) -> Tensor:
    """Reduce (B, 68, 2) iBUG landmarks to (B, 5, 2): eye centres (of corners), nose, mouth."""
    right_eye = landmarks[:, [36, 39]].mean(dim=1)
    left_eye = landmarks[:, [42, 45]].mean(dim=1)
    nose, mouth = landmarks[:, 30], landmarks[:, [48, 54]]
    return torch.cat([torch.stack([right_eye, left_eye, nose], dim=1), mouth], dim=1)


def template(crop_size: int, like: Tensor) -> Tensor:
    """Return the (5, 2) template for a crop of ``crop_size`` pixels, half-pixel consistent."""
    points = like.new_tensor(ARCFACE_TEMPLATE)
    return (points + 0.5) * (crop_size / TEMPLATE_SIZE) - 0.5


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
    """Invert (B, 2, 3) similarity transforms."""
    linear, offset = matrix[:, :, :2], matrix[:, :, 2:]
    scale = linear[:, 0].square().sum(dim=1)
    inverse = linear.transpose(1, 2) / scale[:, None, None]
    return torch.cat([inverse, -inverse @ offset], dim=2)


def resample(images: Tensor, to_source: Tensor, height: int, width: int) -> Tensor:
    """Sample images bilinearly at affinely mapped pixel positions; zeros outside.

    Args:
        images: (B, C, H, W).
        to_source: (B, 2, 3) maps pixel (x, y) of the result to a pixel of ``images``
            (centres at integers).

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
        images, grid + offset[:, None, None], "bilinear", "zeros", align_corners=True
    )


def face_crop(images: Tensor, landmarks: Tensor, crop_size: int) -> Tensor:
    """Crop faces for a recognition network.

    Args:
        images: (B, C, S, S).
        landmarks: (B, 68, 2) pixels of ``images``; detached here, because the released code
            computes the crop outside the graph.
        crop_size: side of the result, pixels.

    Returns:
        (B, C, crop_size, crop_size), differentiable in ``images`` only. Landmarks that are not
        finite or coincide give the uncropped upper left corner (identity transform).
    """
    with torch.no_grad():
        points = five_points(landmarks.detach().to(images.dtype))
        to_source = invert_similarity(similarity(points, template(crop_size, points)))
    return resample(images, to_source, crop_size, crop_size)
