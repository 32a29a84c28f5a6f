"""Procedural appearance of a head: draw a person's traits, then paint them on the vertices.

One painter serves two callers. The albedo *model* is the PCA of plain paintings
(``anny_albedo.build_albedo``). The photographs use ``sample_appearance``, which adds what the
model cannot express: fine asymmetric patches, make-up, full beards, strong freckles, shine and
per-pixel detail.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from focsbench.face_models.skin_colour import (
    luminance,
    sample_hair_colour,
    sample_iris_colour,
    sample_melanin,
    skin_rgb,
)
from focsbench.face_models.surface_fields import mix, smoothstep

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from focsbench.face_models.surface_fields import SurfaceFields

    FloatArray = NDArray[np.float32]

SCLERA_RGB = np.array([0.80, 0.77, 0.74], np.float32)
PUPIL_RGB = np.array([0.035, 0.03, 0.03], np.float32)
MOUTH_RGB = np.array([0.30, 0.10, 0.09], np.float32)


@dataclass(frozen=True)
class BrowShape:
    """One pair of eyebrows, canonical mm (see ``surface_fields``).

    Centre line from ``inner_x`` to ``outer_x`` at height ``height``, raised by ``arch`` at two
    thirds of its length; ``thickness`` is the half width of the inner half.
    """

    inner_x: float
    outer_x: float
    height: float
    arch: float
    thickness: float
    density: float


@dataclass(frozen=True)
class Traits:
    """Everything that the painter needs to know about one person."""

    male: bool
    melanin: float
    haemoglobin: float
    blush: float
    nose_redness: float
    ear_redness: float
    lip_redness: float
    lip_darkness: float
    eye_shade: float
    lid_shade: float
    freckles: float
    brow: BrowShape
    hair_rgb: FloatArray
    brow_rgb: FloatArray
    iris_rgb: FloatArray
    pupil: float
    sclera_rgb: FloatArray
    hair_cover: float
    hairline_shift: float
    stubble: float
    moustache: float
    beard: float
    mottle: FloatArray  # (K, 2) coefficients of the noise fields for melanin and haemoglobin


# Standard deviation of the mottle per correlation length, in units of relative density.
_PLAIN_MOTTLE = {50: 0.055, 28: 0.045, 16: 0.03, 8: 0.0}
_RICH_MOTTLE = {50: 0.06, 28: 0.055, 16: 0.045, 8: 0.045}


def sample_brow(rng: np.random.Generator) -> BrowShape:
    """Draw an eyebrow shape whose inner ends always stay clear of the glabella."""
    return BrowShape(
        inner_x=float(rng.uniform(12.5, 16.0)),
        outer_x=float(rng.uniform(49.0, 55.0)),
        height=float(rng.normal(17.6, 1.0)),
        arch=float(np.clip(rng.normal(3.8, 1.2), 0.5, 6.0)),
        thickness=float(rng.uniform(2.3, 4.3)),
        density=float(rng.uniform(0.45, 0.95)),
    )


def sample_mottle(
    rng: np.random.Generator, fields: SurfaceFields, amplitude: dict[int, float]
) -> FloatArray:
    """Draw the smooth melanin and blood variation, (K, 2) coefficients of ``fields.noise``."""
    scale = fields.noise_scale
    sigma = np.array([amplitude[round(float(s))] for s in scale])
    odd = fields.noise_odd
    for length in amplitude:
        for parity in (False, True):
            members = (np.round(scale) == length) & (odd == parity)
            sigma[members] /= np.sqrt(max(int(members.sum()), 1))
    sigma = sigma * np.where(odd, 0.6, 1.0)
    drawn = rng.normal(0.0, 1.0, (len(scale), 2)) * sigma[:, None] * [1.0, 1.5]
    return np.asarray(drawn, np.float32)


def sample_traits(
    rng: np.random.Generator,
    fields: SurfaceFields,
    *,
    rich: bool,
    melanin: float | None = None,
    masculinity: float | None = None,
) -> Traits:
    """Draw one person.

    ``rich`` widens the variation beyond the albedo model. ``melanin`` (optical density) and
    ``masculinity`` in [0, 1] fix what the caller already knows; otherwise they are drawn.
    """
    density = sample_melanin(rng) if melanin is None else melanin
    male = bool(rng.random() < (0.5 if masculinity is None else masculinity))
    hair_rgb = sample_hair_colour(rng, density)
    bearded = male and rng.random() < (0.35 if rich else 0.2)
    return Traits(
        male=male,
        melanin=density,
        haemoglobin=float(np.clip(rng.normal(0.44, 0.09), 0.22, 0.75)),
        blush=float(rng.gamma(2.0, 0.045)),
        nose_redness=float(rng.gamma(2.0, 0.04)),
        ear_redness=float(rng.gamma(2.0, 0.03)),
        lip_redness=float(rng.uniform(0.35, 0.85)),
        lip_darkness=float(rng.normal(0.08, 0.07)),
        eye_shade=float(rng.gamma(2.0, 0.06)),
        lid_shade=float(rng.gamma(2.0, 0.06)),
        freckles=float(max(rng.normal(-0.05, 0.12), 0.0)),
        brow=sample_brow(rng),
        hair_rgb=hair_rgb,
        brow_rgb=(hair_rgb * rng.uniform(0.55, 0.95) * min(1.0, 0.55 / hair_rgb.max())).astype(
            np.float32
        ),
        iris_rgb=sample_iris_colour(rng, density),
        pupil=float(rng.uniform(1.3, 2.4)),
        sclera_rgb=(SCLERA_RGB * rng.uniform(0.88, 1.06)).astype(np.float32),
        hair_cover=float(rng.uniform(0.75, 1.0) if rng.random() < 0.85 else rng.uniform(0.0, 0.5)),
        hairline_shift=float(rng.normal(0.0, 5.0 if rich else 2.0)),
        stubble=float(rng.uniform(0.05, 0.4)) if male else 0.0,
        moustache=float(rng.uniform(0.3, 0.8)) if bearded else 0.0,
        beard=float(rng.uniform(0.3, 0.85)) if bearded else 0.0,
        mottle=sample_mottle(rng, fields, _RICH_MOTTLE if rich else _PLAIN_MOTTLE),
    )


def brow_cover(position: FloatArray, brow: BrowShape, softness: float = 1.4) -> FloatArray:
    """Return the share (N,) in [0, 1] of the surface that brow hair hides at ``position`` (N, 3).

    ``softness`` in mm is the half width of the upper and lower edge. Exactly 0 within 6 mm of
    the symmetry plane, so two brows never grow together.
    """
    across, height, depth = np.abs(position[:, 0]), position[:, 1], position[:, 2]
    along = (across - brow.inner_x) / (brow.outer_x - brow.inner_x)
    arch = np.interp(along, [0.0, 0.3, 0.66, 1.0, 1.2], [0.0, 0.62, 1.0, -0.25, -1.0])
    centre = brow.height - 1.2 + brow.arch * arch
    half = brow.thickness * np.interp(along, [0.0, 0.15, 0.6, 1.0], [0.85, 1.0, 0.8, 0.3])
    distance = np.abs(height - centre) - half
    inside = 1.0 - smoothstep(-softness, softness, distance)
    ends = smoothstep(-0.1, 0.16, along) * (1.0 - smoothstep(0.8, 1.12, along))
    clear = smoothstep(6.0, 9.0, across) * smoothstep(-40.0, -20.0, depth)
    return (brow.density * inside * ends * clear).astype(np.float32)


def hair_covers(fields: SurfaceFields, traits: Traits) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return the shares (V,) of surface hidden by (scalp hair, beard, stubble)."""
    edge = fields.hairline - traits.hairline_shift * smoothstep(20.0, 60.0, fields.position[:, 1])
    scalp = traits.hair_cover * smoothstep(-6.0, 9.0, edge) * fields.skin
    beard = traits.beard * fields.beard + traits.moustache * fields.moustache
    stubble = traits.stubble * np.maximum(fields.beard, 0.9 * fields.moustache)
    return scalp, beard, stubble


def skin_chromophores(fields: SurfaceFields, traits: Traits) -> tuple[FloatArray, FloatArray]:
    """Return melanin and haemoglobin densities (V,) before hair, eyes and make-up."""
    mottle = np.exp(fields.noise @ traits.mottle)
    shade = traits.eye_shade * fields.under_eye + traits.lid_shade * fields.upper_lid
    freckles = traits.freckles * fields.freckle_zone
    pale = 0.35 + 0.65 * np.minimum(traits.melanin, 1.0)
    melanin = traits.melanin * mottle[:, 0] * (1.0 - 0.10 * fields.ears) + pale * (
        shade + freckles + 0.10 * fields.lid_margin
    )
    dark = min(traits.melanin, 2.0) / 2.0
    lip_melanin = traits.melanin * (0.72 + 0.16 * dark + traits.lip_darkness) + 0.12
    melanin = melanin + fields.lips * (lip_melanin - melanin)
    blood = traits.haemoglobin * mottle[:, 1]
    blood = blood + traits.blush * fields.cheeks + traits.nose_redness * fields.nose_tip
    blood = blood + traits.ear_redness * fields.ears + 0.5 * shade + 0.25 * fields.lid_margin
    blood = blood + fields.lips * (1.0 - 0.35 * dark) * traits.lip_redness + 0.25 * fields.lip_line
    return melanin.astype(np.float32), blood.astype(np.float32)


def eye_rgb(radius: FloatArray, traits: Traits, softness: float) -> FloatArray:
    """Return eyeball colours (N, 3) at ``radius`` (N,) mm from the optical axis.

    ``softness`` is the half width in mm of the pupil's and the iris' edge.
    """
    iris = traits.iris_rgb * (1.0 - 0.35 * smoothstep(3.4, 5.8, radius))[:, None]
    pupil = 1.0 - smoothstep(traits.pupil - softness, traits.pupil + softness, radius)
    sclera = smoothstep(5.9 - softness, 5.9 + softness, radius)
    shaded = traits.sclera_rgb * (1.0 - 0.15 * smoothstep(8.0, 12.0, radius))[:, None]
    return mix(mix(iris, PUPIL_RGB, pupil), shaded, sclera)


def paint(fields: SurfaceFields, traits: Traits) -> tuple[FloatArray, FloatArray]:
    """Paint one person: display albedo (V, 3) in [0, 1] and the share (V,) hidden by hair."""
    melanin, blood = skin_chromophores(fields, traits)
    albedo = skin_rgb(melanin, blood)
    scalp, beard, stubble = hair_covers(fields, traits)
    skin_level = float(luminance(albedo.mean(axis=0)))
    shadow = (0.55 * traits.brow_rgb + 0.45 * skin_level * np.array([0.62, 0.66, 0.72])).astype(
        np.float32
    )
    albedo = mix(albedo, shadow, 0.6 * stubble)
    albedo = mix(albedo, 0.5 * (traits.hair_rgb + traits.brow_rgb), beard)
    albedo = mix(albedo, traits.hair_rgb, scalp)
    brows = np.zeros_like(scalp)
    brows[fields.brow_zone] = brow_cover(fields.position[fields.brow_zone], traits.brow)
    albedo = mix(albedo, traits.brow_rgb, brows)
    albedo = mix(albedo, 0.5 * traits.brow_rgb, 0.45 * fields.lid_margin)
    albedo *= (1.0 - 0.78 * fields.nostrils)[:, None]
    albedo = mix(albedo, MOUTH_RGB, fields.mouth_interior)
    on_eye = fields.eyeball > 0.5
    albedo[on_eye] = eye_rgb(fields.eye_radius[on_eye], traits, softness=1.8)
    cover = np.maximum(np.maximum(scalp, beard), brows)
    return np.clip(albedo, 0.0, 1.0), cover
