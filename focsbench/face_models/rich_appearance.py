"""What the photographs show and the linear albedo model cannot: make-up, patches, fine noise."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from focsbench.face_models.surface_fields import mix, smoothstep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from focsbench.face_models.anny_appearance import Traits
    from focsbench.face_models.surface_fields import SurfaceFields

    FloatArray = NDArray[np.float32]

_LIPSTICKS = np.array(
    [[0.58, 0.17, 0.19], [0.70, 0.34, 0.36], [0.44, 0.14, 0.20], [0.74, 0.40, 0.34]], np.float32
)
_SHADOWS = np.array(
    [[0.30, 0.22, 0.20], [0.25, 0.28, 0.40], [0.45, 0.30, 0.36], [0.12, 0.11, 0.12]], np.float32
)


def make_up(rng: np.random.Generator, fields: SurfaceFields, albedo: FloatArray) -> FloatArray:
    """Paint lipstick, eye shadow and rouge, in 60, 50 and 40 of 100 faces."""
    if rng.random() < 0.6:
        colour = _LIPSTICKS[rng.integers(len(_LIPSTICKS))]
        albedo = mix(albedo, colour, rng.uniform(0.15, 0.65) * fields.lips)
    if rng.random() < 0.5:
        colour = _SHADOWS[rng.integers(len(_SHADOWS))]
        lid = np.maximum(0.6 * fields.upper_lid, fields.lid_margin)
        albedo = mix(albedo, colour, rng.uniform(0.2, 0.7) * lid)
    if rng.random() < 0.4:
        rouge = np.array([0.80, 0.38, 0.36], np.float32) * albedo.mean()
        albedo = mix(albedo, rouge / 0.55, rng.uniform(0.1, 0.3) * fields.cheeks)
    return albedo


def patches(rng: np.random.Generator, fields: SurfaceFields, albedo: FloatArray) -> FloatArray:
    """Multiply in up to four lighter, darker or redder spots of 4 to 20 mm, on one side only."""
    for _ in range(int(rng.integers(0, 5))):
        centre = fields.position[rng.integers(len(fields.position))]
        size = rng.uniform(4.0, 20.0)
        offset = (fields.position - centre) / size
        share = np.exp(-0.5 * np.einsum("vc,vc->v", offset, offset)) * fields.skin
        tint = 1.0 + rng.normal(0.0, 0.07) + rng.normal(0.0, 0.03, 3)
        albedo = albedo * (1.0 + share[:, None] * (tint - 1.0))
    return albedo


def folds(rng: np.random.Generator, fields: SurfaceFields, albedo: FloatArray) -> FloatArray:
    """Darken the nasolabial fold, the chin crease and forehead lines, as age does."""
    age = float(rng.beta(1.0, 2.0))
    height = fields.position[:, 1]
    wave = 0.5 + 0.5 * np.cos(2.0 * np.pi * (height - 30.0) / rng.uniform(9.0, 13.0))
    furrow = fields.forehead * wave**3 * smoothstep(28.0, 36.0, height)
    shade = age * (0.16 * fields.nasolabial + 0.1 * fields.chin_crease + 0.1 * furrow)
    redder = np.array([0.85, 1.0, 1.0], np.float32)
    return np.asarray(albedo * (1.0 - shade[:, None] * redder), np.float32)


def add_rich_layers(
    rng: np.random.Generator, fields: SurfaceFields, traits: Traits, albedo: FloatArray
) -> FloatArray:
    """Return ``albedo`` (V, 3) in [0, 1] with everything added that the model cannot express."""
    if not traits.male:
        albedo = make_up(rng, fields, albedo)
    albedo = folds(rng, fields, patches(rng, fields, albedo))
    grain = rng.normal(0.0, rng.uniform(0.005, 0.02), len(albedo))
    factor = 1.0 + grain * fields.skin * (1.0 - fields.ears)
    albedo = albedo * np.asarray(factor, np.float32)[:, None]
    return np.asarray(np.clip(albedo, 0.0, 1.0), np.float32)


def specular_fields(
    rng: np.random.Generator, fields: SurfaceFields, hair_cover: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Return highlight strength (V,) in [0, 1] and its Phong exponent (V,).

    Oily nose and forehead, wetter lips, and a small hard glint on the eyes.
    """
    level, oily = rng.uniform(0.04, 0.18), rng.uniform(0.0, 0.16)
    skin = level + oily * np.maximum(fields.nose_tip, 0.7 * fields.forehead)
    skin = skin + rng.uniform(0.0, 0.18) * fields.lips
    strength = skin * (1.0 - 0.7 * hair_cover) * fields.skin
    strength = strength + 0.6 * fields.eyeball + 0.15 * fields.mouth_interior
    skin_exponent, eye_exponent = rng.uniform(10.0, 28.0), 250.0
    exponent = skin_exponent * (1.0 + fields.lips) * (1.0 - fields.eyeball)
    exponent = exponent + eye_exponent * fields.eyeball
    return np.clip(strength, 0.0, 1.0).astype(np.float32), exponent.astype(np.float32)
