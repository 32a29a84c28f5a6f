"""Backgrounds: out-of-focus rooms, walls, foliage, skies, studio paper, abstract noise."""

from __future__ import annotations

import numpy as np
from PIL import Image
from scipy import ndimage

from focsbench.types import FloatArray

_COARSE = 64


def _colour(rng: np.random.Generator, low: float = 0.1, high: float = 0.9) -> FloatArray:
    base = rng.uniform(low, high)
    return np.clip(base + rng.normal(0, rng.choice([0.03, 0.12]), 3), 0.02, 0.98)


def _gradient(rng: np.random.Generator) -> FloatArray:
    angle = rng.uniform(0, 2 * np.pi)
    axis = np.linspace(-1, 1, _COARSE)
    ramp = np.cos(angle) * axis[None, :] + np.sin(angle) * axis[:, None]
    t = np.clip(0.5 + 0.4 * ramp, 0, 1)[..., None]
    first, second = _colour(rng), _colour(rng)
    second = 0.6 * first + 0.4 * second
    result: FloatArray = (1 - t) * first + t * second
    return result


def _noise(rng: np.random.Generator) -> FloatArray:
    image = np.broadcast_to(_colour(rng), (_COARSE, _COARSE, 3)).copy()
    for blur, strength in ((10.0, 0.22), (4.0, 0.12), (1.5, 0.06)):
        # brightness varies more than hue
        layer = ndimage.gaussian_filter(rng.standard_normal((_COARSE, _COARSE, 4)), (blur, blur, 0))
        layer = layer[..., 3:] + 0.15 * layer[..., :3]
        image += strength * layer / (layer.std() + 1e-9)
    return image


def _room(rng: np.random.Generator) -> FloatArray:
    """Walls, doors, shelves and pictures as rectangles, out of focus."""
    image = _gradient(rng)
    for _ in range(int(rng.integers(4, 14))):
        x, y = rng.integers(-8, _COARSE, 2)
        w, h = rng.integers(3, 34, 2)
        left, top = max(int(x), 0), max(int(y), 0)
        patch = image[top : max(int(y + h), 0), left : max(int(x + w), 0)]
        patch[...] = 0.35 * patch + 0.65 * _colour(rng)
    blur = rng.uniform(0.6, 3.5)
    return ndimage.gaussian_filter(image, (blur, blur, 0))


def _lights(rng: np.random.Generator) -> FloatArray:
    """Bokeh: bright discs over a dark blur."""
    image = 0.45 * _noise(rng)
    rows, columns = np.mgrid[:_COARSE, :_COARSE]
    for _ in range(int(rng.integers(8, 26))):
        cx, cy = rng.uniform(0, _COARSE, 2)
        radius = rng.uniform(1.5, 5.5)
        disc = np.clip(radius - np.hypot(columns - cx, rows - cy), 0, 1)[..., None]
        image = image + disc * rng.uniform(0.15, 0.6) * _colour(rng, 0.5, 1.0)
    return image


def _outdoors(rng: np.random.Generator) -> FloatArray:
    """Sky above, mottled greens or stone below, a soft horizon."""
    rows = np.linspace(0, 1, _COARSE)[:, None, None]
    sky = np.array([0.55, 0.70, 0.92]) * rng.uniform(0.7, 1.1) + rows * rng.uniform(0, 0.2)
    ground = np.array([[0.22, 0.36, 0.14], [0.45, 0.40, 0.34], [0.30, 0.30, 0.30]])[rng.integers(3)]
    mottle = ndimage.gaussian_filter(rng.standard_normal((_COARSE, _COARSE)), 1.5)[..., None]
    land = ground * rng.uniform(0.7, 1.4) * (1 + 1.2 * mottle)
    relief = 0.08 * ndimage.gaussian_filter1d(rng.standard_normal(_COARSE), 4.0)
    edge = np.clip((rows - rng.uniform(0.1, 0.8) + relief[None, :, None] * 3) * 12 + 0.5, 0, 1)
    result: FloatArray = (1 - edge) * sky + edge * land
    return result


def _bricks(rng: np.random.Generator) -> FloatArray:
    rows, columns = np.mgrid[:_COARSE, :_COARSE]
    height = rng.integers(4, 9)
    width = height * 2
    course = rows // height
    joint = (rows % height == 0) | ((columns + (course % 2) * height) % width == 0)
    tone = rng.normal(0, 0.06, size=(_COARSE, _COARSE))[course, (columns + course * 7) // width]
    brick = np.clip(_colour(rng, 0.25, 0.7) + tone[..., None], 0, 1)
    image = np.where(joint[..., None], _colour(rng, 0.4, 0.85), brick)
    blur = rng.uniform(0.4, 1.6)
    return ndimage.gaussian_filter(image, (blur, blur, 0))


_KINDS = (_gradient, _noise, _room, _lights, _outdoors, _bricks, _room)


def sample_background(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw a (size, size, 3) float32 background in [0, 1]."""
    coarse = _KINDS[int(rng.integers(len(_KINDS)))](rng)
    return _enlarge(coarse, size)


def studio_background(rng: np.random.Generator, size: int) -> FloatArray:
    """Draw the plain, light paper of a studio."""
    axis = np.linspace(-1, 1, _COARSE)
    vignette = 1 - rng.uniform(0.03, 0.12) * (axis[None, :] ** 2 + axis[:, None] ** 2)
    tone = rng.uniform(0.72, 0.9) + rng.normal(0, 0.015, 3)
    return _enlarge(vignette[..., None] * tone, size)


def _enlarge(coarse: FloatArray, size: int) -> FloatArray:
    """Bilinear enlargement (backgrounds are out of focus anyway), clipped to [0, 1]."""
    coarse = np.clip(coarse, 0, 1).astype(np.float32)
    planes = [
        Image.fromarray(np.ascontiguousarray(coarse[..., channel])).resize(
            (size, size), Image.Resampling.BILINEAR
        )
        for channel in range(3)
    ]
    return np.stack([np.asarray(plane) for plane in planes], axis=-1)
