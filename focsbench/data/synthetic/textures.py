"""A bank of procedural grey textures. Colour comes from the surfaces, so a few dozen tiles suffice.

Every tile is periodic, (SIZE, SIZE) float32 in [0, 1], and the same in every process.
"""

from __future__ import annotations

from functools import lru_cache

import numpy as np

from focsbench.types import FloatArray

SIZE = 128
NAMES = (
    "flat", "skin", "strands", "knit", "rib", "weave", "stripes", "checks", "dots", "paisley",
    "noise", "marble", "text", "screen", "mesh", "wood", "leather", "leaves", "beard",
)  # fmt: skip


def texture_index(name: str) -> int:
    """Return the position of a texture in the bank."""
    return NAMES.index(name)


def periodic_noise(
    rng: np.random.Generator, wavelength: tuple[float, float], size: int = SIZE
) -> FloatArray:
    """Return smooth periodic noise in [0, 1]: white noise low-passed to a wavelength (texels).

    wavelength: along rows (y) and columns (x); unequal values give streaks.
    """
    fy = np.fft.fftfreq(size)[:, None] * wavelength[0]
    fx = np.fft.rfftfreq(size)[None, :] * wavelength[1]
    spectrum = np.fft.rfft2(rng.standard_normal((size, size)))
    noise = np.fft.irfft2(spectrum * np.exp(-2.0 * (fx**2 + fy**2)), s=(size, size))
    noise = (noise - noise.mean()) / (noise.std() + 1e-9)
    result: FloatArray = np.clip(0.5 + 0.2 * noise, 0, 1)
    return result


def _grid() -> tuple[FloatArray, FloatArray]:
    axis = (np.arange(SIZE) + 0.5) / SIZE
    x, y = np.meshgrid(axis, axis)
    return x, y


def _knit(columns: int, rows: int) -> FloatArray:
    """Interlocking V stitches: in each column two mirrored slanted strands."""
    x, y = _grid()
    u = (x * columns) % 1.0
    slant = np.abs(u - 0.5)
    strand = np.cos(2 * np.pi * (y * rows + slant * 1.1)) * 0.5 + 0.5
    groove = np.clip(np.sin(np.pi * np.abs(2 * u - 1)) * 1.6, 0, 1)
    result: FloatArray = 0.15 + 0.85 * strand * groove
    return result


def _weave(count: int) -> FloatArray:
    x, y = _grid()
    over = ((np.floor(x * count) + np.floor(y * count)) % 2) > 0
    warp = np.sin(np.pi * ((x * count) % 1.0))
    weft = np.sin(np.pi * ((y * count) % 1.0))
    result: FloatArray = 0.25 + 0.75 * np.where(over, warp, weft)
    return result


def _dots() -> FloatArray:
    x, y = _grid()
    row = np.floor(y * 8)
    u = (x * 8 + 0.5 * (row % 2)) % 1.0 - 0.5
    v = (y * 8) % 1.0 - 0.5
    result: FloatArray = np.clip((0.3 - np.hypot(u, v)) * 20, 0, 1)
    return result


def _paisley(rng: np.random.Generator) -> FloatArray:
    base = periodic_noise(rng, (16, 16))
    return 0.5 + 0.5 * np.sin(28 * base)


def _text(rng: np.random.Generator) -> FloatArray:
    """Printed lines: 1 is ink."""
    page = np.zeros((SIZE, SIZE))
    for row in range(6, SIZE - 6, 6):
        column = 8
        while column < SIZE - 10:
            length = int(rng.integers(3, 11))
            ink = rng.uniform(0.5, 1.0, size=(3, min(length, SIZE - 8 - column)))
            page[row : row + 3, column : column + ink.shape[1]] = ink
            column += length + 2
    page[6:12, 8 : SIZE // 2] = 0.9
    return page


def _screen(rng: np.random.Generator) -> FloatArray:
    tile = np.full((SIZE, SIZE), 0.1)
    for row in range(4):
        for column in range(4):
            y, x = 12 + row * 28, 10 + column * 28
            tile[y : y + 20, x : x + 20] = rng.uniform(0.3, 1.0)
    return tile


def _mesh() -> FloatArray:
    x, y = _grid()
    return np.clip(
        np.maximum(np.sin(2 * np.pi * 16 * (x + y)), np.sin(2 * np.pi * 16 * (x - y))), 0, 1
    )


def _skin(rng: np.random.Generator) -> FloatArray:
    """Pores on top of soft blotches; values stay near one half."""
    blotches = periodic_noise(rng, (40, 40)) - 0.5
    pores = periodic_noise(rng, (3, 3)) - 0.5
    wrinkles = periodic_noise(rng, (4, 18)) - 0.5
    result: FloatArray = np.clip(0.5 + 0.7 * blotches + 0.5 * pores + 0.35 * wrinkles, 0, 1)
    return result


def _strands(rng: np.random.Generator) -> FloatArray:
    """Hair: streaks that run along v (rows), of three widths."""
    fine = periodic_noise(rng, (90, 1.6)) - 0.5
    medium = periodic_noise(rng, (120, 4)) - 0.5
    locks = periodic_noise(rng, (120, 14)) - 0.5
    result: FloatArray = np.clip(0.5 + 0.8 * fine + 0.7 * medium + 0.5 * locks, 0, 1)
    return result


def _marble(rng: np.random.Generator) -> FloatArray:
    x, _ = _grid()
    return 0.5 + 0.5 * np.sin(2 * np.pi * (4 * x + 3 * periodic_noise(rng, (30, 30))))


def _wood(rng: np.random.Generator) -> FloatArray:
    return 0.5 + 0.5 * np.sin(40 * periodic_noise(rng, (100, 12)))


def _leaves(rng: np.random.Generator) -> FloatArray:
    result: FloatArray = np.clip((periodic_noise(rng, (9, 9)) - 0.45) * 5, 0, 1)
    return result


def _beard(rng: np.random.Generator) -> FloatArray:
    result: FloatArray = np.clip(periodic_noise(rng, (5, 1.6)) * 1.6 - 0.3, 0, 1)
    return result


@lru_cache(maxsize=1)
def texture_bank() -> FloatArray:
    """Return all textures, (len(NAMES), SIZE, SIZE) float32."""
    rng = np.random.default_rng(20220311)
    x, y = _grid()
    tiles = {
        "flat": np.zeros((SIZE, SIZE)),
        "skin": _skin(rng),
        "strands": _strands(rng),
        "knit": _knit(12, 16),
        "rib": (0.5 + 0.5 * np.cos(2 * np.pi * 12 * x)) * (0.8 + 0.2 * np.cos(2 * np.pi * 32 * y)),
        "weave": _weave(32),
        "stripes": (((y * 6) % 1.0) > 0.5).astype(float),
        "checks": 0.5 * (((x * 5) % 1.0) > 0.5) + 0.5 * (((y * 5) % 1.0) > 0.5),
        "dots": _dots(),
        "paisley": _paisley(rng),
        "noise": periodic_noise(rng, (6, 6)),
        "marble": _marble(rng),
        "text": _text(rng),
        "screen": _screen(rng),
        "mesh": _mesh(),
        "wood": _wood(rng),
        "leather": 1 - np.abs(2 * periodic_noise(rng, (5, 5)) - 1),
        "leaves": _leaves(rng),
        "beard": _beard(rng),
    }
    return np.stack([tiles[name] for name in NAMES]).astype(np.float32)
