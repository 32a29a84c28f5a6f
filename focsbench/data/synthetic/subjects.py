"""Persons: shape, skin, hair, clothes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from focsbench.data.synthetic.hair import HairStyle, sample_style
from focsbench.data.synthetic.parts import LABEL
from focsbench.data.synthetic.torso import Clothes, sample_clothes
from focsbench.face_models.anny_albedo import Appearance, sample_appearance, surface_fields
from focsbench.face_models.anny_heads import AnnyHeads
from focsbench.face_models.anny_identity import IdentityParameters
from focsbench.face_models.skin_detail import pixel_attributes
from focsbench.types import FloatArray, IntArray


@dataclass(frozen=True)
class Subject:
    """One person.

    paint: (V, 3 + 7 + 1) albedo, the attributes of the per-pixel skin detail, specular strength.
    """

    identity: IdentityParameters
    appearance: Appearance
    style: HairStyle | None
    clothes: Clothes
    paint: FloatArray

    @property
    def masculine(self) -> bool:
        """Whether the file names of the AR layout call this person a man."""
        return self.identity.sex > 0.5


@lru_cache(maxsize=1)
def load_heads() -> AnnyHeads:
    """Return the generator's heads, read once per process."""
    return AnnyHeads.load()


@lru_cache(maxsize=1)
def head_labels() -> IntArray:
    """Return the part label (F,) of every head triangle."""
    heads = load_heads()
    labels = np.full(len(heads.triangles), LABEL["skin"], dtype=np.uint8)
    corners = heads.triangles
    centre = heads.base[corners].mean(axis=1)

    def mostly(name: str) -> FloatArray:
        return heads.regions[name][corners].sum(axis=1) >= 2

    labels[mostly("nose")] = LABEL["nose"]
    left = centre[:, 0] > 0
    labels[mostly("brows") & left] = LABEL["l_brow"]
    labels[mostly("brows") & ~left] = LABEL["r_brow"]
    labels[mostly("ears") & left] = LABEL["l_ear"]
    labels[mostly("ears") & ~left] = LABEL["r_ear"]
    labels[mostly("neck")] = LABEL["neck"]
    lips = mostly("lips")
    mouth_line = heads.base[heads.landmarks68[[60, 64]], 1].mean()
    labels[lips & (centre[:, 1] >= mouth_line)] = LABEL["u_lip"]
    labels[lips & (centre[:, 1] < mouth_line)] = LABEL["l_lip"]
    labels[mostly("mouth_interior")] = LABEL["mouth"]
    eyeball = surface_fields(heads).eyeball[corners].min(axis=1) > 0.5
    labels[eyeball & left] = LABEL["l_eye"]
    labels[eyeball & ~left] = LABEL["r_eye"]
    return labels


def sample_melanin(rng: np.random.Generator, ethnicity: FloatArray) -> float:
    """Draw the skin's melanin density; the generator's ethnicities lean to different tones."""
    african, asian, caucasian = (float(share) for share in ethnicity)
    mean = 1.35 * african + 0.36 * asian + 0.22 * caucasian
    return float(np.clip(mean * np.exp(rng.normal(0, 0.35)), 0.08, 2.4))


def sample_subject(rng: np.random.Generator, spread: float) -> Subject:
    """Draw a person; ``spread`` is the standard deviation of the shape sliders."""
    heads = load_heads()
    identity = heads.sample_identity(rng, spread)
    appearance = sample_appearance(
        heads, rng, melanin=sample_melanin(rng, identity.ethnicity), masculinity=identity.sex
    )
    attributes = pixel_attributes(surface_fields(heads), appearance.hair_cover)
    paint = np.column_stack([appearance.albedo, attributes, appearance.specular])
    return Subject(
        identity=identity,
        appearance=appearance,
        style=sample_style(rng, 1 - identity.sex, appearance.hair_rgb),
        clothes=sample_clothes(rng),
        paint=np.ascontiguousarray(paint, dtype=np.float32),
    )
