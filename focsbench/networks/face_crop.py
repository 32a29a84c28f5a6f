"""The crops that face recognition networks expect, batched and without a gradient.

ArcFace: landmarks -> five points -> least-squares similarity to a template -> bilinear resampling.
dlib: a template of 33 points of the eyes, the nose and the mouth, fitted to the landmarks.
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

# (x, y) of iBUG 27-54 and 60-64 in dlib's mean face, 0 to 1; dlib 19.24, image_transforms/
# interpolation.h, get_face_chip_details. Around it lies a border of a quarter of its side.
DLIB_POINTS = (*range(27, 55), *range(60, 65))
DLIB_PADDING = 0.25
DLIB_TEMPLATE = (
    (0.490127, 0.203352), (0.490127, 0.307009), (0.490127, 0.409805), (0.490127, 0.515625),
    (0.366880, 0.587326), (0.426036, 0.609345), (0.490127, 0.628106), (0.554217, 0.609345),
    (0.613373, 0.587326), (0.121737, 0.216423), (0.187122, 0.178758), (0.265825, 0.179852),
    (0.334606, 0.231733), (0.260918, 0.245099), (0.182743, 0.244077), (0.645647, 0.231733),
    (0.714428, 0.179852), (0.793132, 0.178758), (0.858516, 0.216423), (0.797510, 0.244077),
    (0.719335, 0.245099), (0.254149, 0.780233), (0.340985, 0.745405), (0.428858, 0.727388),
    (0.490127, 0.742578), (0.551395, 0.727388), (0.639268, 0.745405), (0.726104, 0.780233),
    (0.290379, 0.784792), (0.428096, 0.778746), (0.490127, 0.785343), (0.552157, 0.778746),
    (0.689874, 0.784792),
)  # fmt: skip


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


def dlib_template(chip_size: int, like: Tensor) -> Tensor:
    """Return the (33, 2) template in pixels of a chip (centres at integers)."""
    points = like.new_tensor(DLIB_TEMPLATE)
    return (points + DLIB_PADDING) / (1 + 2 * DLIB_PADDING) * chip_size - 0.5


def dlib_chip(images: Tensor, landmarks: Tensor, chip_size: int) -> Tensor:
    """Crop faces as dlib's ``get_face_chip``, whose chip is up to a pixel larger or smaller.

    dlib also smooths faces that are much larger than the chip; that is left out here.

    Arguments and result as of :func:`face_crop`; here the template is fitted to the landmarks.
    """
    with torch.no_grad():
        points = landmarks.detach()[:, list(DLIB_POINTS)].to(images.dtype)
        chip = dlib_template(chip_size, points).expand_as(points)
        to_source = similarity(chip, points)
    return resample(images, to_source, chip_size, chip_size)
