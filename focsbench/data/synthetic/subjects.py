"""Persons: shape, skin, hair, clothes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from focsbench.data.synthetic.anatomy import Anatomy, measure
from focsbench.data.synthetic.hair import hair_curtain, hair_shell, sample_style, smoothstep
from focsbench.data.synthetic.parts import LABEL
from focsbench.data.synthetic.surfaces import Surface
from focsbench.data.synthetic.torso import Clothes, sample_clothes, torso
from focsbench.face_models.anny_albedo import Appearance, sample_appearance, surface_fields
from focsbench.face_models.anny_heads import AnnyHeads
from focsbench.face_models.anny_identity import IdentityParameters
from focsbench.face_models.skin_detail import pixel_attributes
from focsbench.types import BoolArray, FloatArray, IntArray

# Axis and half widths of the elliptic cylinder that holds the neck of the average head, mm.
_NECK_AXIS_Z, _NECK_HALF = -90.0, (60.0, 64.0)


@dataclass(frozen=True)
class Subject:
    """One person.

    neutral: (V, 3) mm, the head without expression. anatomy: its measures.
    paint: (V, 3 + 7 + 1) albedo, the attributes of the per-pixel skin detail, specular strength.
    cap: hair on the skull, None if shaved. curtain: long hair below it, or None. torso: clothes.
    """

    identity: IdentityParameters
    appearance: Appearance
    clothes: Clothes
    neutral: FloatArray
    anatomy: Anatomy
    paint: FloatArray
    cap: Surface | None
    curtain: Surface | None
    torso: Surface

    @property
    def masculine(self) -> bool:
        """Whether the file names of the AR layout call this person a man."""
        return self.identity.sex > 0.5


@lru_cache(maxsize=1)
def load_heads() -> AnnyHeads:
    """Return the generator's heads, read once per process."""
    return AnnyHeads.load()


def without_shoulders(vertices: FloatArray, chin_y: float) -> FloatArray:
    """Press the shoulders of a head (V, 3) onto the column of its neck; the face stays as it is.

    The stumps of the shoulders would turn with the head; the torso of the clothes has its own.
    """
    # behind the jaw the neck starts higher than below the chin, before it widens
    behind = smoothstep((-45.0 - vertices[:, 2]) / 20.0)
    top = chin_y - 10.0 + 26.0 * behind
    inside = smoothstep((top - vertices[:, 1]) / 14.0)
    across = vertices[:, 0] / _NECK_HALF[0]
    along = (vertices[:, 2] - _NECK_AXIS_Z) / _NECK_HALF[1]
    shrink = 1 - inside * (1 - 1 / np.maximum(np.hypot(across, along), 1.0))
    pressed = vertices.copy()
    pressed[:, 0] *= shrink
    pressed[:, 2] = _NECK_AXIS_Z + (vertices[:, 2] - _NECK_AXIS_Z) * shrink
    return pressed


@lru_cache(maxsize=1)
def head_labels() -> IntArray:
    """Return the part label (F,) of every head triangle."""
    heads = load_heads()
    corners = heads.triangles
    labels = np.full(len(corners), LABEL["skin"], dtype=np.uint8)
    centre = heads.base[corners].mean(axis=1)

    def mostly(name: str) -> BoolArray:
        result: BoolArray = heads.regions[name][corners].sum(axis=1) >= 2
        return result

    labels[mostly("nose")] = LABEL["nose"]
    left = centre[:, 0] > 0
    labels[mostly("brows") & left] = LABEL["l_brow"]
    labels[mostly("brows") & ~left] = LABEL["r_brow"]
    labels[mostly("ears") & left] = LABEL["l_ear"]
    labels[mostly("ears") & ~left] = LABEL["r_ear"]
    labels[mostly("neck") | (centre[:, 1] < -95.0)] = LABEL["neck"]
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
    style = sample_style(rng, 1 - identity.sex, appearance.hair_rgb)
    clothes = sample_clothes(rng)
    neutral = heads.head(identity)
    head = without_shoulders(neutral, float(neutral[heads.landmarks68[8], 1]))
    anatomy = measure(head, heads.triangles, head[heads.landmarks68])
    long = style is not None and style.length > 0
    return Subject(
        identity=identity,
        appearance=appearance,
        clothes=clothes,
        neutral=neutral,
        anatomy=anatomy,
        paint=np.ascontiguousarray(paint, dtype=np.float32),
        cap=None if style is None else hair_shell(style, anatomy, head, heads.triangles),
        curtain=hair_curtain(style, anatomy) if style is not None and long else None,
        torso=torso(clothes, anatomy),
    )
