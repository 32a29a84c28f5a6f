"""Display colours of skin, hair and eyes.

Skin follows the two-chromophore picture of tissue optics: light that left the dermis is
attenuated by melanin and by haemoglobin, each with its own absorption per colour band
(Beer-Lambert), and a small achromatic surface part is added. The constants are chosen by eye so
that the sRGB values run believably from very light to very dark skin; they are not measurements.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

    FloatArray = NDArray[np.float32]
    AnyFloat = NDArray[np.floating[Any]] | float

_DERMIS = np.array([0.95, 0.92, 0.71], np.float32)
_MELANIN_ABSORPTION = np.array([0.68, 1.0, 1.42], np.float32)
_BLOOD_ABSORPTION = np.array([0.16, 1.0, 0.82], np.float32)
_SURFACE = np.float32(0.017)

MELANIN_RANGE = (0.03, 3.4)  # optical density in the green band, lightest to darkest skin

# Display RGB anchors; a sample is a random convex mix of neighbours.
HAIR_COLOURS = np.array(
    [
        [0.07, 0.06, 0.06],
        [0.12, 0.09, 0.075],
        [0.20, 0.14, 0.10],
        [0.31, 0.21, 0.14],
        [0.46, 0.33, 0.20],
        [0.66, 0.52, 0.34],
        [0.52, 0.26, 0.13],
        [0.62, 0.61, 0.60],
    ],
    np.float32,
)
IRIS_COLOURS = np.array(
    [
        [0.14, 0.08, 0.05],
        [0.27, 0.16, 0.09],
        [0.40, 0.28, 0.15],
        [0.38, 0.40, 0.25],
        [0.44, 0.54, 0.62],
        [0.50, 0.54, 0.56],
    ],
    np.float32,
)


def srgb_encode(linear: FloatArray) -> FloatArray:
    """Encode linear reflectance in [0, 1] as sRGB display values in [0, 1]."""
    clipped = np.clip(linear, 0.0, 1.0)
    curve = 1.055 * np.power(np.maximum(clipped, 0.0031308), 1.0 / 2.4) - 0.055
    return np.where(clipped <= 0.0031308, 12.92 * clipped, curve).astype(np.float32)


def skin_rgb(melanin: AnyFloat, haemoglobin: AnyFloat) -> FloatArray:
    """Return display RGB (..., 3) in [0, 1] of skin.

    ``melanin`` and ``haemoglobin`` (...) are optical densities in the green band (>= 0); light
    skin has about 0.2 and 0.4, dark skin 3 and 0.4.
    """
    melanin_density = np.asarray(melanin, np.float32)[..., None] * _MELANIN_ABSORPTION
    blood_density = np.asarray(haemoglobin, np.float32)[..., None] * _BLOOD_ABSORPTION
    density = melanin_density + blood_density
    return srgb_encode(_DERMIS * np.exp(-density) + _SURFACE)


def luminance(rgb: FloatArray) -> FloatArray:
    """Return Rec. 709 luma (...) of display RGB (..., 3)."""
    return (rgb @ np.array([0.2126, 0.7152, 0.0722], np.float32)).astype(np.float32)


def sample_melanin(rng: np.random.Generator) -> float:
    """Draw a melanin density: near uniform in lightness between very light and very dark."""
    low, high = MELANIN_RANGE
    darkness = rng.beta(1.15, 1.5)
    return float(low + (high - low) * darkness**1.6)


def sample_hair_colour(rng: np.random.Generator, melanin: float) -> FloatArray:
    """Draw a display hair colour (3,); darker skin goes with darker hair."""
    darkness = np.clip((melanin - MELANIN_RANGE[0]) / 1.2, 0.0, 1.0)
    weights = np.array([0.12, 0.16, 0.2, 0.2, 0.14, 0.08, 0.05, 0.05])
    dark_weights = np.array([0.62, 0.3, 0.045, 0.0, 0.0, 0.0, 0.0, 0.035])
    weights = (1.0 - darkness) * weights + darkness * dark_weights
    chosen = HAIR_COLOURS[rng.choice(len(weights), p=weights / weights.sum())]
    return np.asarray(np.clip(chosen * rng.uniform(0.8, 1.2), 0.02, 0.9), np.float32)


def sample_iris_colour(rng: np.random.Generator, melanin: float) -> FloatArray:
    """Draw a display iris colour (3,); light irises only on lighter skin."""
    darkness = np.clip((melanin - MELANIN_RANGE[0]) / 0.9, 0.0, 1.0)
    weights = np.array([0.1, 0.22, 0.16, 0.14, 0.26, 0.12])
    dark_weights = np.array([0.6, 0.36, 0.04, 0.0, 0.0, 0.0])
    weights = (1.0 - darkness) * weights + darkness * dark_weights
    chosen = IRIS_COLOURS[rng.choice(len(weights), p=weights / weights.sum())]
    return np.asarray(np.clip(chosen * rng.uniform(0.8, 1.15), 0.02, 0.9), np.float32)
