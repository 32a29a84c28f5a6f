"""From the supersampled rendering to the photograph: area averages, tone curve, blur, noise."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.data.synthetic.parts import LABEL_COUNT
from focsbench.jit import kernel
from focsbench.types import FloatArray, IntArray

Array = NDArray[Any]  # inside kernels, where numba decides about types

# Three rendered pixels cover two of the photograph, in both directions.
RENDERED, PICTURED = 3, 2


def rendered_size(size: int) -> int:
    """Side of the rendering of a photograph of ``size`` pixels (even)."""
    return size * RENDERED // PICTURED


@kernel
def reduce_image(image: Array) -> Array:
    """Average (3 n, 3 n, C) over the areas of (2 n, 2 n, C) pixels."""
    height, width, channels = image.shape
    out = np.empty((height * 2 // 3, width * 2 // 3, channels), dtype=np.float32)
    for row in range(out.shape[0]):
        r = row // 2 * 3 + row % 2
        top = np.float32(1 - 0.5 * (row % 2))
        for column in range(out.shape[1]):
            c = column // 2 * 3 + column % 2
            left = np.float32(1 - 0.5 * (column % 2))
            for k in range(channels):
                upper = left * image[r, c, k] + (np.float32(1.5) - left) * image[r, c + 1, k]
                lower = (
                    left * image[r + 1, c, k] + (np.float32(1.5) - left) * image[r + 1, c + 1, k]
                )
                out[row, column, k] = (top * upper + (np.float32(1.5) - top) * lower) / 2.25
    return out


@kernel
def reduce_labels(labels: Array, count: int) -> Array:
    """Reduce a label image likewise: the label with the largest area wins, then the smallest."""
    height, width = labels.shape
    out = np.empty((height * 2 // 3, width * 2 // 3), dtype=np.uint8)
    area = np.zeros(count, dtype=np.float32)
    for row in range(out.shape[0]):
        r = row // 2 * 3 + row % 2
        for column in range(out.shape[1]):
            c = column // 2 * 3 + column % 2
            first = labels[r, c]
            if first == labels[r, c + 1] == labels[r + 1, c] == labels[r + 1, c + 1]:
                out[row, column] = first
                continue
            area[:] = 0
            for i in range(2):
                for j in range(2):
                    weight = (1.0 if i == row % 2 else 0.5) * (1.0 if j == column % 2 else 0.5)
                    area[labels[r + i, c + j]] += weight
            out[row, column] = area.argmax()
    return out


def smaller_labels(labels: IntArray) -> IntArray:
    """Return the (S, S) label image of a rendering of ``rendered_size(S)``."""
    return reduce_labels(labels, LABEL_COUNT)


@kernel
def blend_and_expose(colour: Array, cover: Array, background: Array, exposure: Any) -> Array:
    """Put a reduced rendering (S, S, 3) over a background and compress its highlights."""
    height, width, channels = colour.shape
    out = np.empty((height, width, channels), dtype=np.float32)
    knee = np.float32(0.75)
    for row in range(height):
        for column in range(width):
            share = cover[row, column, 0]
            for k in range(channels):
                value = colour[row, column, k] * exposure
                if value > knee:
                    value = knee + (1 - knee) * (1 - np.exp(-(value - knee) / (1 - knee)))
                out[row, column, k] = value + (1 - share) * background[row, column, k]
    return out


@kernel
def blur3(image: Array, side: Any) -> Array:
    """Separable blur with the weights (side, 1 - 2 side, side); borders repeat."""
    height, width, channels = image.shape
    rows = np.empty_like(image)
    middle = 1 - 2 * side
    for row in range(height):
        up, down = max(row - 1, 0), min(row + 1, height - 1)
        for column in range(width):
            for k in range(channels):
                rows[row, column, k] = (
                    side * (image[up, column, k] + image[down, column, k])
                    + middle * image[row, column, k]
                )
    out = np.empty_like(image)
    for row in range(height):
        for column in range(width):
            left, right = max(column - 1, 0), min(column + 1, width - 1)
            for k in range(channels):
                out[row, column, k] = (
                    side * (rows[row, left, k] + rows[row, right, k])
                    + middle * rows[row, column, k]
                )
    return out


def develop(
    colour: FloatArray, cover: FloatArray, background: FloatArray, exposure: float, blur: float
) -> FloatArray:
    """Turn a rendering into a noise-free picture.

    Args:
        colour: (R, R, 3) unclamped light, black where nothing is.
        cover: (R, R), share of the background that is hidden.
        background: (S, S, 3) in [0, 1].
        blur: standard deviation, at most 0.8 px.

    Returns:
        (S, S, 3) float32 in [0, 1].
    """
    small = reduce_image(colour)
    share = reduce_image(cover[..., None])
    picture = blend_and_expose(small, share, background, np.float32(exposure))
    side = np.float32(0.5 * blur**2)  # a three-point filter of this variance
    blurred: FloatArray = np.clip(blur3(picture, side), 0, 1)
    return blurred


def quantise(picture: FloatArray) -> IntArray:
    """Return 8-bit values of a picture in [0, 1]."""
    return np.round(picture * 255).astype(np.uint8)


def add_noise(picture: FloatArray, noise: float, rng: np.random.Generator) -> IntArray:
    """Add read noise and shot noise of a sensor and quantise to 8 bits."""
    grain = rng.standard_normal(picture.shape, dtype=np.float32)
    grain *= np.float32(0.6 * noise) + np.float32(0.8 * noise) * np.sqrt(picture)
    return quantise(np.clip(picture + grain, 0, 1))
