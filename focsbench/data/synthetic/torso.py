"""Neck opening, shoulders and clothes: enough of a body that the head does not float."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.data.synthetic.anatomy import Anatomy
from focsbench.data.synthetic.grids import grid_triangles, grid_uv
from focsbench.data.synthetic.parts import LABEL
from focsbench.data.synthetic.surfaces import Material, Surface, uniform
from focsbench.types import FloatArray

# Cross-sections from the collar down: drop (mm), half width, half depth, shift in z.
_SECTIONS = np.array(
    [
        (-4, 64, 60, -2), (0, 68, 64, 0), (8, 78, 70, 0), (20, 100, 78, -2), (36, 140, 88, -6),
        (54, 176, 96, -8), (80, 202, 106, -8), (130, 214, 118, -4), (200, 218, 124, 0),
        (330, 215, 126, 0),
    ],
    dtype=float,
)  # fmt: skip


@dataclass(frozen=True)
class Clothes:
    """A garment: size factor, drop of the collar at the front (mm), colours and texture."""

    size: float
    collar: float
    colour: tuple[float, float, float]
    second_colour: tuple[float, float, float]
    texture: str
    mix: float


def sample_colour(rng: np.random.Generator) -> tuple[float, float, float]:
    """Draw a cloth colour: mostly muted, sometimes vivid, black or white."""
    kind = rng.random()
    if kind < 0.3:
        grey = rng.uniform(0.06, 0.9)
        rgb = np.clip(grey + rng.normal(0, 0.02, 3), 0.03, 0.95)
    else:
        hue, saturation = rng.random(), rng.uniform(0.15, 0.85)
        value = rng.uniform(0.15, 0.9)
        wheel = np.clip(np.abs((hue * 6 + np.array([0, 4, 2])) % 6 - 3) - 1, 0, 1)
        rgb = value * (1 - saturation + saturation * wheel)
    return float(rgb[0]), float(rgb[1]), float(rgb[2])


def sample_clothes(rng: np.random.Generator) -> Clothes:
    """Draw a garment."""
    return Clothes(
        size=rng.uniform(0.9, 1.08),
        collar=rng.uniform(0, 55) if rng.random() < 0.5 else rng.uniform(-4, 8),
        colour=sample_colour(rng),
        second_colour=sample_colour(rng),
        texture=str(rng.choice(["flat", "weave", "stripes", "checks", "knit", "noise", "dots"])),
        mix=rng.uniform(0.2, 0.7),
    )


def torso(clothes: Clothes, anatomy: Anatomy) -> Surface:
    """Build the clothed torso under a head, in the model frame of the unturned head."""
    columns = 48
    angle = 2 * np.pi * np.arange(columns) / columns
    collar_y = float(anatomy.landmarks[8, 1]) - 62.0
    x_shape = np.sign(np.sin(angle)) * np.abs(np.sin(angle)) ** 0.8
    z_shape = np.sign(np.cos(angle)) * np.abs(np.cos(angle)) ** 0.8
    front = np.clip(np.cos(angle), 0, 1) ** 2
    rows = []
    for index, (drop, width, depth, shift) in enumerate(_SECTIONS):
        share = max(0.0, 1 - index / 6)
        y = collar_y - drop - clothes.collar * front * share + 12 * (1 - np.cos(angle)) * share / 2
        rows.append(
            np.stack(
                [
                    clothes.size * width * x_shape,
                    y,
                    anatomy.axis_z - 6 + shift + clothes.size * depth * z_shape,
                ],
                axis=1,
            )
        )
    grid: FloatArray = np.stack(rows)
    return uniform(
        grid.reshape(-1, 3),
        grid_triangles(len(rows), columns, wrap=True),
        clothes.colour,
        LABEL["cloth"],
        uv=grid_uv(len(rows), columns),
        material=Material(
            texture=clothes.texture, repeat=(6.0, 3.0), second_colour=clothes.second_colour,
            mix=clothes.mix, emboss=0.25, sheen=0.25,
        ),
    )  # fmt: skip
