"""Glasses, scarves and face masks, fitted to one head."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy import ndimage

from focsbench.data.synthetic.anatomy import Anatomy
from focsbench.data.synthetic.grids import AROUND, disc, grid_triangles, grid_uv, tube
from focsbench.data.synthetic.parts import LABEL, OTHER
from focsbench.data.synthetic.surfaces import Material, Surface, uniform
from focsbench.data.synthetic.torso import sample_colour
from focsbench.types import FloatArray


@dataclass(frozen=True)
class Occluder:
    """Something in front of a face, in the head's model frame.

    kind: glasses, sunglasses, scarf, mask, hand or object. lenses: see-through surfaces.
    held: not worn but held in front of the face; the photographer moves it towards the camera
        until it only touches the head.
    """

    kind: str
    surfaces: list[Surface]
    lenses: list[Surface] = field(default_factory=list)
    held: bool = False


def _rim(rng: np.random.Generator, half: tuple[float, float], points: int = 40) -> FloatArray:
    """Closed curve (points, 2) of one lens, centred, for the eye on +x: from round to wayfarer."""
    exponent = rng.choice([2.0, 2.4, 3.2, 4.5])
    angle = 2 * np.pi * np.arange(points) / points
    c, s = np.cos(angle), np.sin(angle)
    x = half[0] * np.sign(c) * np.abs(c) ** (2 / exponent)
    y = half[1] * np.sign(s) * np.abs(s) ** (2 / exponent)
    # lower outer corner is cut a little, upper outer corner raised, as frames are
    narrow = rng.uniform(0.0, 0.18)
    x = x * (1 - narrow * (0.5 - 0.5 * y / half[1]))
    y = y + rng.uniform(0.0, 0.10) * half[1] * (x / half[0])
    return np.stack([x, y], axis=1)


def glasses(rng: np.random.Generator, anatomy: Anatomy, dark: bool) -> Occluder:
    """Build a pair of glasses: two rims, lenses, a bridge and temples to the ears."""
    right, left = anatomy.landmarks[36:42].mean(axis=0), anatomy.landmarks[42:48].mean(axis=0)
    centre, spacing = 0.5 * (right + left), 0.5 * (left[0] - right[0])
    half = (
        min(rng.uniform(23, 29), spacing - 6.5),
        rng.uniform(19, 25) if dark else rng.uniform(15, 22),
    )
    bridge = anatomy.landmarks[27]
    depth = max(float(bridge[2]) + 4.0, float(anatomy.landmarks[17:27, 2].max()) + 2.0)
    wrap = rng.uniform(0.0022, 0.0045)
    thickness = rng.uniform(0.8, 3.0)
    shape = _rim(rng, half)
    frame_colour = np.clip(np.array(sample_colour(rng)) * rng.choice([0.15, 0.4, 0.9]), 0.02, 0.9)
    plastic = Material(specular=0.45, gloss=5)
    parts, rims = [], []
    centre_y = float(centre[1]) - rng.uniform(0, 4)
    outer = []
    for side in (-1.0, 1.0):
        x = centre[0] + side * (spacing + 1.5 + shape[:, 0])
        y = centre_y + shape[:, 1]
        z = depth - wrap * (x - centre[0]) ** 2 - 0.10 * (centre_y - y)
        rim = np.stack([x, y, z], axis=1)
        vertices, triangles, uv = tube(rim, thickness, sides=7, closed=True)
        parts.append(uniform(vertices, triangles, frame_colour, LABEL["eye_g"], uv, plastic))
        rims.append(rim)
        outer.append(rim[np.argmax(side * (rim[:, 0] - centre[0]) + 0.35 * rim[:, 1])])
    inner = spacing + 1.5 - half[0]
    arc = np.linspace(-1, 1, 9)
    path = np.stack(
        [
            centre[0] + arc * (inner + 0.5),
            centre_y + 0.25 * half[1] + 2.5 * (1 - arc**2),
            depth + 1.5 * (1 - arc**2) - wrap * inner**2,
        ],
        axis=1,
    )
    vertices, triangles, uv = tube(path, max(thickness, 1.2), sides=7)
    parts.append(uniform(vertices, triangles, frame_colour, LABEL["eye_g"], uv, plastic))
    for hinge in outer:
        vertices, triangles, uv = tube(_temple(hinge, anatomy), max(thickness, 1.3), sides=6)
        parts.append(uniform(vertices, triangles, frame_colour, LABEL["eye_g"], uv, plastic))
    return Occluder("sunglasses" if dark else "glasses", parts, [_lenses(rng, rims, dark)])


def _temple(hinge: FloatArray, anatomy: Anatomy) -> FloatArray:
    """Path (N, 3) of a temple from its hinge along the side of the head to the ear."""
    steps = 12
    side = float(np.sign(hinge[0]))
    z = np.linspace(hinge[2], anatomy.axis_z + 10, steps)
    y = hinge[1] + np.linspace(0, 3, steps)
    x = np.full(steps, abs(hinge[0]))
    for _ in range(3):  # the surface is queried at the angle where the temple itself ends up
        angle = np.arctan2(x, z - anatomy.axis_z)
        surface = anatomy.radius_at(side * angle, y) * np.sin(angle)
        x = np.maximum(abs(hinge[0]), np.minimum(surface, abs(hinge[0]) + 24) + 2.5)
    x = np.maximum.accumulate(x)
    x[-1] -= 7  # slips behind the ear
    return np.stack([side * x, y, z], axis=1)


def _lenses(rng: np.random.Generator, rims: list[FloatArray], dark: bool) -> Surface:
    """Fill both rims (N, 3) with glass of one colour."""
    (first, triangles), (second, _) = (disc(rim, rings=5, bulge=1.5) for rim in rims)
    if dark:
        opacity = float(rng.uniform(0.80, 0.98))
        colour = np.clip(np.array(sample_colour(rng)) * 0.22, 0.01, 0.2)
    else:
        opacity = float(rng.uniform(0.04, 0.14))
        colour = np.full(3, 0.55)
    return uniform(
        np.concatenate([first, second]),
        np.concatenate([triangles, triangles + len(first)]),
        colour,
        LABEL["eye_g"],
        opacity=opacity,
        material=Material(specular=0.35, gloss=6),
    )


def _cloth_material(
    rng: np.random.Generator, skin_like: FloatArray | None
) -> tuple[FloatArray, Material]:
    """Draw colour and weave of a scarf; now and then the colour is close to the wearer's skin."""
    colour = np.array(sample_colour(rng))
    second = np.array(sample_colour(rng))
    if skin_like is not None:
        colour = np.clip(skin_like * rng.uniform(0.85, 1.1), 0, 1)
        second = colour * rng.uniform(0.6, 0.95)
    texture = str(
        rng.choice(
            ["knit", "rib", "weave", "stripes", "checks", "paisley", "dots", "noise", "flat"]
        )
    )
    repeat = {"knit": (5.0, 2.0), "rib": (7.0, 1.0), "weave": (8.0, 3.0)}.get(texture, (4.0, 1.5))
    knitted = texture in ("knit", "rib")
    return colour, Material(
        texture=texture,
        repeat=repeat,
        second_colour=tuple(colour * 0.45) if knitted else (second[0], second[1], second[2]),
        mix=rng.uniform(0.3, 0.6) if knitted else rng.uniform(0.3, 1.0),
        emboss=rng.uniform(0.4, 0.9) if knitted else rng.uniform(0.0, 0.3),
        sheen=rng.uniform(0.15, 0.5),
    )


def scarf(
    rng: np.random.Generator,
    anatomy: Anatomy,
    skin: FloatArray | None = None,
    high: bool | None = None,
) -> Occluder:
    """Build a scarf wound around neck and lower face, up to the mouth or over the nose."""
    rows, columns = 40, 96
    points = anatomy.landmarks
    nose_y, mouth_y, chin_y = float(points[33, 1]), float(points[62, 1]), float(points[8, 1])
    over_nose = bool(rng.random() < 0.6) if high is None else high
    lip_y = mouth_y + 6  # a few faces have hardly any room between lip and nose
    below_nose = rng.uniform(lip_y, max(nose_y - 2, lip_y)) if not over_nose else 0.0
    top = rng.uniform(nose_y + 2, nose_y + 16) if over_nose else below_nose
    bottom = chin_y - rng.uniform(75, 110)
    angle = 2 * np.pi * np.arange(columns) / columns - np.pi
    tilt = rng.uniform(-9, 9) * np.sin(angle)
    droop = rng.uniform(6, 26) * (1 - np.cos(angle)) / 2 + 5 * np.sin(2 * angle + rng.uniform(0, 6))
    edge = top + tilt - droop
    share = np.linspace(0, 1, rows)[:, None]
    y = edge + (bottom - edge) * share
    cloth = anatomy.cloth_radius(np.radians(rng.uniform(10, 22)), 22.0, 1.6)
    radius = anatomy.radius_at(np.broadcast_to(angle, y.shape), y, cloth)
    # below the chin the cloth hangs from the face instead of following the neck inwards
    hang = np.maximum.accumulate(radius, axis=0)
    radius = np.maximum(radius, hang - 0.38 * np.clip(chin_y - y, 0, 100) - 1.5)
    radius = ndimage.gaussian_filter(radius, (1.0, 1.5), mode=AROUND)
    radius = anatomy.outside(np.broadcast_to(angle, y.shape), y, radius)
    thickness = rng.uniform(3.0, 6.5)
    folds = _folds(rng, share, angle, y)
    radius = radius + thickness + folds
    radius[0] -= thickness + 3.0  # the border is rolled in, so the cloth has an edge, no gap
    radius[1] -= 0.35 * thickness
    colour, material = _cloth_material(rng, skin)
    surface = uniform(
        anatomy.point(np.broadcast_to(angle, y.shape), y, radius).reshape(-1, 3),
        grid_triangles(rows, columns, wrap=True),
        colour,
        LABEL["cloth"],
        uv=np.stack(
            [np.broadcast_to(angle / (2 * np.pi) * 2, y.shape), share + 0 * y + 0.04 * folds / 5],
            -1,
        ).reshape(-1, 2),
        material=material,
    )
    return Occluder("scarf", [surface])


def _folds(
    rng: np.random.Generator, share: FloatArray, angle: FloatArray, y: FloatArray
) -> FloatArray:
    """Rolls of the winding plus creases that run obliquely, mm; fades at the upper border."""
    rolls = rng.integers(2, 5)
    phase = 2 * np.pi * rolls * share + rng.uniform(0.4, 1.4) * np.sin(angle + rng.uniform(0, 6))
    roll = rng.uniform(1.5, 4.5) * (np.abs(np.cos(0.5 * phase)) - 0.6)
    creases = ndimage.gaussian_filter(rng.standard_normal(y.shape), (1.2, 3.5), mode=AROUND)
    creases *= rng.uniform(0.8, 2.2) / (creases.std() + 1e-9)
    result: FloatArray = (roll + creases) * np.clip(share / 0.12, 0, 1)
    return result


def face_mask(
    rng: np.random.Generator, anatomy: Anatomy, skin: FloatArray | None = None
) -> Occluder:
    """Build a face mask over nose, mouth and chin, with ear loops."""
    rows, columns = 36, 56
    points = anatomy.landmarks
    reach = np.radians(rng.uniform(56, 68))
    angle = np.linspace(-reach, reach, columns)
    along = angle / reach
    bridge = float(points[28, 1]) * 0.6 + float(points[29, 1]) * 0.4 + rng.uniform(-3, 5)
    side_top = float(points[33, 1]) + rng.uniform(2, 14)
    top = side_top + (bridge - side_top) * np.exp(-((along / 0.42) ** 2))
    chin = float(points[8, 1]) - rng.uniform(4, 12)
    side_bottom = float(points[57, 1]) + rng.uniform(-14, 2)
    bottom = chin + (side_bottom - chin) * np.abs(along) ** 2.2
    share = np.linspace(0, 1, rows)[:, None]
    y = top + (bottom - top) * share
    grid = anatomy.point(
        np.broadcast_to(angle, y.shape), y, _mask_radius(rng, anatomy, angle, along, share, y)
    )
    if rng.random() < 0.55 and skin is None:  # surgical
        palette = [(0.55, 0.74, 0.86), (0.90, 0.92, 0.93), (0.62, 0.80, 0.74), (0.1, 0.1, 0.11)]
        colour = np.array(palette[int(rng.integers(4))])
        material = Material(texture="weave", repeat=(5.0, 4.0), modulate=0.12, sheen=0.2)
    else:
        colour, material = _cloth_material(rng, skin)
    parts = [
        uniform(
            grid.reshape(-1, 3), grid_triangles(rows, columns), colour, LABEL["cloth"],
            grid_uv(rows, columns), material,
        )
    ]  # fmt: skip
    for column in (0, columns - 1):
        for row, upper in ((2, True), (rows - 3, False)):
            parts.append(_ear_loop(anatomy, float(angle[column]), grid[row, column], upper))
    return Occluder("mask", parts)


def _mask_radius(
    rng: np.random.Generator,
    anatomy: Anatomy,
    angle: FloatArray,
    along: FloatArray,
    share: FloatArray,
    y: FloatArray,
) -> FloatArray:
    """Radius (R, C) of a face mask: spans hollows, hangs from the chin, is tight at its border.

    angle (C,), along (C,) from -1 to 1 across, share (R, 1) from 0 to 1 down, y (R, C) heights.
    """
    everywhere = np.broadcast_to(angle, y.shape)
    cloth = anatomy.cloth_radius(np.radians(rng.uniform(9, 16)), 26.0, 1.4)
    radius = anatomy.radius_at(everywhere, y, cloth)
    below_chin = np.clip(float(anatomy.landmarks[8, 1]) + 6 - y, 0, 40)
    radius = np.maximum(radius, np.maximum.accumulate(radius, axis=0) - 0.9 * below_chin)
    radius = ndimage.gaussian_filter(radius, 1.3, mode="nearest")
    radius = anatomy.outside(everywhere, y, radius) + rng.uniform(1.6, 3.0)
    if rng.random() < 0.6:  # pleats
        inner = (share > 0.15) & (share < 0.9)
        radius = radius + 1.8 * ((share * 5) % 1.0) * np.clip(1 - np.abs(along) ** 4, 0, 1) * inner
    rim = np.minimum(np.minimum(share, 1 - share) * 2, 1 - np.abs(along))
    result: FloatArray = radius - 3.2 * np.exp(-rim / 0.03)
    return result


def _ear_loop(anatomy: Anatomy, start: float, corner: FloatArray, upper: bool) -> Surface:
    ear = np.sign(start) * np.radians(98)
    angle = np.linspace(start, ear, 10)
    ear_y = float(anatomy.landmarks[36:48, 1].mean()) + (0 if upper else -45)
    y = corner[1] + (ear_y - corner[1]) * np.linspace(0, 1, 10)
    path = anatomy.point(angle, y, anatomy.radius_at(angle, y) + 1.2)
    path[0] = corner
    vertices, triangles, uv = tube(path, 1.3, sides=5)
    return uniform(vertices, triangles, (0.88, 0.88, 0.88), OTHER, uv)
