"""Opening photographs and masks, and cutting one aligned sample out of them."""

from __future__ import annotations

from pathlib import Path, PurePosixPath

import numpy as np
from PIL import Image

from focsbench.data.alignment import align
from focsbench.data.image_files import read_image
from focsbench.errors import InputError
from focsbench.types import FloatArray, Sample

IMAGE_SUFFIXES = frozenset(
    {".jpg", ".jpeg", ".png", ".bmp", ".tif", ".tiff", ".webp", ".ppm", ".gif", ".jp2", ".avif"}
)
_SAME_SHAPE = 0.02  # relative difference of the aspect ratios of a photograph and its mask


def key_of(file: str) -> str:
    """Return the key of a photograph: its path without the suffix, as predictions are named."""
    return str(PurePosixPath(file).with_suffix(""))


def open_image(path: Path, mode: str) -> Image.Image:
    """Read an image file as :func:`~focsbench.data.image_files.read_image` does, upright.

    Raises:
        InputError: naming the file if it is missing, damaged, too large or not an image.
    """
    return read_image(path, mode)


def aligned_sample(
    key: str,
    subject: str,
    subset: str,
    photo: Image.Image,
    landmarks: FloatArray,
    size: int,
    visible: Image.Image | None = None,
) -> Sample:
    """Align a photograph (and its visible-face mask, white = face) to a (size, size) sample.

    The mask may have another size than the photograph, not another shape. It is resampled like the
    photograph and binarised at one half afterwards.

    Raises:
        InputError: naming the sample if landmarks or mask do not fit the photograph.
    """
    try:
        alignment = align(landmarks, photo.width, photo.height, size)
    except InputError as error:
        raise InputError(f"{key}: {error}") from None
    image = np.asarray(alignment.image(photo), dtype=np.float32) / 255
    mask = None
    if visible is not None:
        if visible.size != photo.size:
            _check_shape(key, photo, visible)
            visible = visible.resize(photo.size, Image.Resampling.NEAREST)
        mask = np.asarray(alignment.image(visible)) > 127
    return Sample(
        key=key,
        subject=subject,
        subset=subset,
        image=image,
        landmarks=alignment.points(landmarks).astype(np.float32),
        visible_mask=mask,
    )


def _check_shape(key: str, photo: Image.Image, mask: Image.Image) -> None:
    ratio = (mask.width * photo.height) / (mask.height * photo.width)
    if abs(ratio - 1) > _SAME_SHAPE:
        raise InputError(
            f"{key}: the mask has {mask.width} x {mask.height} pixels and the photograph "
            f"{photo.width} x {photo.height}, which is another shape; get the mask again."
        )
