"""The linear albedo model of the head and the richer appearance of the photographs.

There is no skin texture in the ``anny`` package, so the albedo model is the PCA of procedural
paintings (``anny_appearance``): hand-set priors, no statistics of real people.
"""

from __future__ import annotations

import weakref
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import scipy.linalg

from focsbench.face_models.anny_appearance import paint, sample_traits
from focsbench.face_models.rich_appearance import add_rich_layers, specular_fields
from focsbench.face_models.skin_colour import skin_rgb
from focsbench.face_models.skin_detail import SkinDetail, sample_detail
from focsbench.face_models.surface_fields import SurfaceFields, build_fields

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from focsbench.face_models.anny_heads import AnnyHeads

    FloatArray = NDArray[np.float32]

ALBEDO_MODES = 80
_SAMPLES = 1500
_FIELDS: dict[int, tuple[weakref.ReferenceType[AnnyHeads], SurfaceFields]] = {}


@dataclass(frozen=True)
class Appearance:
    """Look of one person for the photo generator.

    ``albedo`` (V, 3) display RGB in [0, 1]; ``specular`` (V,) strength of the highlight in
    [0, 1] and ``shininess`` (V,) its Phong exponent; ``hair_rgb``, ``brow_rgb``, ``eye_rgb``,
    ``skin_rgb`` (3,) display RGB;
    ``hand_albedo`` (3,) the skin tone of the hands; ``hair_cover`` (V,) share of the surface
    hidden by scalp hair, beard or brows; ``melanin`` optical density; ``detail`` what is finer
    than the mesh, applied per pixel by ``skin_detail.apply_detail``.
    """

    albedo: FloatArray
    specular: FloatArray
    shininess: FloatArray
    hair_cover: FloatArray
    hair_rgb: FloatArray
    brow_rgb: FloatArray
    eye_rgb: FloatArray
    skin_rgb: FloatArray
    hand_albedo: FloatArray
    melanin: float
    detail: SkinDetail


def surface_fields(heads: AnnyHeads) -> SurfaceFields:
    """Return the painting fields of ``heads``, computed once per object and process."""
    known = _FIELDS.get(id(heads))
    if known is not None and known[0]() is heads:
        return known[1]
    fields = build_fields(heads)
    _FIELDS[id(heads)] = (weakref.ref(heads), fields)
    return fields


def model_weights(fields: SurfaceFields) -> FloatArray:
    """Return the weight (V,) of each vertex in the PCA: its area, the fitted face foremost."""
    behind_lids = (fields.eyeball > 0.5) & (fields.eye_radius > 13.0)
    importance = (0.1 + 0.9 * fields.face) * np.where(behind_lids, 0.01, 1.0)
    boost = 1.0 + 2.0 * np.clip(fields.eyeball + fields.lips, 0.0, 1.0)
    return np.asarray(np.sqrt(fields.area * importance * boost + 1e-4), np.float32)


def principal_components(
    samples: FloatArray, weights: FloatArray, count: int
) -> tuple[FloatArray, FloatArray]:
    """Return mean (D,) and the leading ``count`` modes (count, D), each scaled to one sigma.

    ``samples`` (N, D) with N > count; ``weights`` (D,) > 0 multiply the residual that the modes
    minimise. Signs are fixed so that the largest entry of a mode is positive.
    """
    mean = samples.mean(axis=0)
    centred = (samples - mean) * weights
    gram = centred @ centred.T
    number = len(samples)
    values, vectors = scipy.linalg.eigh(gram, subset_by_index=(number - count, number - 1))
    order = np.argsort(-values)
    modes = vectors[:, order].T @ centred / weights / np.sqrt(number - 1.0)
    largest = np.take_along_axis(modes, np.abs(modes).argmax(axis=1)[:, None], axis=1)
    return mean.astype(np.float32), (modes * np.sign(largest)).astype(np.float32)


def build_albedo(heads: AnnyHeads, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """Build the albedo model: mean (V, 3) in [0, 1] and basis (80, V, 3) per standard deviation.

    PCA of 1,500 procedural paintings, weighted by vertex area; about 4 s on one free core.
    """
    fields = surface_fields(heads)
    vertex_count = len(fields.position)
    samples = np.empty((_SAMPLES, vertex_count * 3), np.float32)
    for row in samples:
        row[:] = paint(fields, sample_traits(rng, fields, rich=False))[0].ravel()
    weights = np.repeat(model_weights(fields), 3)
    mean, modes = principal_components(samples, weights, ALBEDO_MODES)
    return mean.reshape(vertex_count, 3), modes.reshape(ALBEDO_MODES, vertex_count, 3)


def sample_appearance(
    heads: AnnyHeads,
    rng: np.random.Generator,
    *,
    melanin: float | None = None,
    masculinity: float | None = None,
) -> Appearance:
    """Draw the appearance of one person, richer than the albedo model (about 3 ms).

    ``melanin`` (optical density, ``skin_colour.MELANIN_RANGE``) and ``masculinity`` in [0, 1]
    (the probability of male facial hair) may be given where the caller knows them.
    """
    fields = surface_fields(heads)
    traits = sample_traits(rng, fields, rich=True, melanin=melanin, masculinity=masculinity)
    plain, cover = paint(fields, traits)
    painted = add_rich_layers(rng, fields, traits, plain)
    tone = skin_rgb(traits.melanin, traits.haemoglobin)
    back_of_hand = skin_rgb(0.9 * traits.melanin, 1.1 * traits.haemoglobin)
    specular, shininess = specular_fields(rng, fields, cover)
    return Appearance(
        albedo=painted,
        specular=specular,
        shininess=shininess,
        hair_cover=cover,
        hair_rgb=traits.hair_rgb,
        brow_rgb=traits.brow_rgb,
        eye_rgb=traits.iris_rgb,
        skin_rgb=tone,
        hand_albedo=back_of_hand,
        melanin=traits.melanin,
        detail=sample_detail(rng, fields, traits),
    )
