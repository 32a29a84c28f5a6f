"""The five-point crop of face recognition networks (ArcFace), batched and without a gradient.

Landmarks -> five points -> least-squares similarity to the ArcFace template -> bilinear resampling.
"""

from __future__ import annotations

import torch
from torch import Tensor

from focsbench.networks.warp import invert_similarity, resample, similarity

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
