"""Neck opening, shoulders and clothes: enough of a body that the head does not float."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.data.synthetic.anatomy import Anatomy
from focsbench.data.synthetic.grids import grid_triangles, grid_uv
from focsbench.data.synthetic.parts import LABEL
from focsbench.data.synthetic.surfaces import Material, Surface, uniform
from focsbench.types import FloatArray

# Cross-sections from the collar down: drop (mm), half width and half depth beyond the neck's.
_SECTIONS = np.array(
    [
        (-3, 7, 7), (0, 4, 4), (5, 8, 8), (13, 20, 14), (24, 48, 22), (38, 84, 30), (56, 118, 38),
        (82, 142, 48), (130, 154, 60), (200, 158, 66), (330, 156, 68),
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


def neck_ellipse(anatomy: Anatomy) -> tuple[float, float, float]:
    """Return the z of the neck's axis, its half width and its half depth below the jaw, mm."""
    y = float(anatomy.landmarks[8, 1]) - 40.0
    front, back = anatomy.radius_at(np.array([0.0, np.pi]), np.full(2, y))
    sides = np.radians(np.linspace(75.0, 135.0, 7))
    right = anatomy.radius_at(sides, np.full(7, y)) * np.sin(sides)
    left = anatomy.radius_at(-sides, np.full(7, y)) * np.sin(sides)
    width = float(np.clip(np.maximum(right, left).max(), 48, 68))
    return anatomy.axis_z + 0.5 * float(front - back), width, 0.5 * float(front + back)


def torso(clothes: Clothes, anatomy: Anatomy) -> Surface:
    """Build the clothed torso under a head, in the model frame of the unturned head."""
    columns = 60
    angle = 2 * np.pi * np.arange(columns) / columns - np.pi
    chin = float(anatomy.landmarks[8, 1])
    centre, width, depth = neck_ellipse(anatomy)
    front = np.clip(np.cos(angle), 0, 1) ** 2
    rows = []
    for index, (drop, wider, deeper) in enumerate(_SECTIONS):
        share = max(0.0, 1 - index / 7)
        # lowest in front, highest in the nape
        y = chin - 54 - drop + 26 * share * (1 - np.cos(angle)) / 2 - clothes.collar * front * share
        squareness = 2.0 + 0.7 * min(1.0, index / 6)  # shoulders are squarer than a neck
        half_width, half_depth = width + clothes.size * wider, depth + clothes.size * deeper
        radius = (
            (np.abs(np.sin(angle)) / half_width) ** squareness
            + (np.abs(np.cos(angle)) / half_depth) ** squareness
        ) ** (-1 / squareness)
        x, z = radius * np.sin(angle), centre + radius * np.cos(angle)
        rows.append(np.stack([x, y, z], axis=1))
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
