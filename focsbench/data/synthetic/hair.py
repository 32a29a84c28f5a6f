"""Hair and hats: shells over the scalp, and curtains of long hair."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from focsbench.data.synthetic.anatomy import Anatomy, without_seam
from focsbench.data.synthetic.grids import AROUND, grid_triangles
from focsbench.data.synthetic.parts import LABEL
from focsbench.data.synthetic.surfaces import Material, Surface
from focsbench.rendering.numba_rasterizer import rasterize_arrays
from focsbench.types import FloatArray, IntArray

COLUMNS, ROWS = 120, 40
LOWEST = np.radians(-62.0)  # the shell reaches from the pole down to this elevation

# Height of the hairline over the eyes (mm) by azimuth (degrees; 0 nose, 90 ear, 180 back).
HAIRLINE = (
    (0, 18, 30, 40, 48, 56, 63, 70, 78, 88, 98, 108, 120, 140, 180),
    (66, 66, 62, 52, 40, 24, 8, -4, -10, 14, 16, 6, -25, -55, -62),
)


@dataclass(frozen=True)
class HairStyle:
    """How a person wears the hair. Lengths in mm.

    thickness: of the shell on top; side: factor of it at the sides. drop: how far the front
    hairline sits below the usual one (fringe); parting: x of the middle of the fringe's gap or
    None. curl: amplitude and size of bumps. length: of the curtain below the ears, 0 for none.
    covers_ears: hair starts in front of the ears. edge: how far the hairline wanders. colour:
    (3,) albedo. seed: of the bumps.
    """

    thickness: float
    side: float
    drop: float
    parting: float | None
    curl: float
    length: float
    covers_ears: bool
    edge: float
    colour: FloatArray
    seed: int


def sample_style(rng: np.random.Generator, feminine: float, colour: FloatArray) -> HairStyle | None:
    """Draw a hair style; None is a shaved head. feminine in [0, 1] shifts the odds to long hair."""
    if rng.random() < 0.10 * (1 - feminine):
        return None
    long = rng.random() < 0.15 + 0.6 * feminine
    curly = rng.random() < 0.22
    fringe = rng.random() < 0.3
    return HairStyle(
        thickness=rng.uniform(14, 34) if curly else rng.uniform(6, 20),
        side=rng.uniform(0.7, 1.0) if curly or long else rng.uniform(0.2, 0.7),
        drop=rng.uniform(12, 38) if fringe else rng.uniform(-16, 10),
        parting=rng.uniform(-25, 25) if rng.random() < 0.4 else None,
        curl=rng.uniform(0.10, 0.22) if curly else rng.uniform(0.02, 0.08),
        length=rng.uniform(70, 210) if long else 0.0,
        covers_ears=bool(long and rng.random() < 0.7),
        edge=rng.uniform(2.0, 6.0),
        colour=np.asarray(colour, dtype=np.float32),
        seed=int(rng.integers(2**31)),
    )


def skull_map(
    vertices: FloatArray, triangles: IntArray, centre: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Return angle (COLUMNS,), elevation (ROWS,) and radius (ROWS, COLUMNS) of the head as seen
    from a centre inside the skull."""
    offset = vertices - centre
    radius = np.linalg.norm(offset, axis=1)
    angle = np.arctan2(offset[:, 0], offset[:, 2])
    elevation = np.arcsin(np.clip(offset[:, 1] / radius, -1, 1))
    column = (angle + np.pi) / (2 * np.pi) * COLUMNS - 0.5
    row = (np.pi / 2 - elevation) / (np.pi / 2 - LOWEST) * (ROWS - 1)
    xy = np.stack([column, row], axis=1).astype(np.float32)
    depth = (1000 - radius).astype(np.float32)
    _, _, nearest = rasterize_arrays(
        xy, depth, without_seam(angle, triangles), ROWS, COLUMNS, cull=False
    )
    index = ndimage.distance_transform_edt(
        ~np.isfinite(nearest), return_distances=False, return_indices=True
    )
    filled = 1000 - nearest[tuple(index)]
    angles = (np.arange(COLUMNS) + 0.5) / COLUMNS * 2 * np.pi - np.pi
    return angles, np.linspace(np.pi / 2, LOWEST, ROWS), filled


def smoothstep(value: FloatArray) -> FloatArray:
    """Cubic ramp from 0 at 0 to 1 at 1."""
    t = np.clip(value, 0, 1)
    return t * t * (3 - 2 * t)


def smooth_noise(
    rng: np.random.Generator, shape: tuple[int, int], blur: tuple[float, float]
) -> FloatArray:
    """Noise of unit variance, low-passed by ``blur`` cells, periodic along columns."""
    noise = ndimage.gaussian_filter(rng.standard_normal(shape), blur, mode=AROUND)
    result: FloatArray = noise / (noise.std() + 1e-9)
    return result


def _above_hairline(
    style_drop: float,
    parting: float | None,
    points: FloatArray,
    azimuth: FloatArray,
    eye_y: float,
    scale: float,
) -> FloatArray:
    """Height (mm) of head points over the hairline of a style."""
    degrees = np.degrees(np.abs(azimuth))
    line = np.interp(degrees, *HAIRLINE) * scale
    front = smoothstep((62 - degrees) / 25)
    drop = style_drop * front
    if parting is not None:
        gap = np.exp(-(((points[..., 0] - parting) / 16.0) ** 2))
        drop = drop * (1 - gap) - 4 * gap * front
    return points[..., 1] - eye_y - (line - drop)


def hair_shell(
    style: HairStyle, anatomy: Anatomy, vertices: FloatArray, triangles: IntArray
) -> Surface:
    """Build the cap of hair over a head."""
    rng = np.random.default_rng(style.seed)
    eye_y = float(anatomy.landmarks[36:48, 1].mean())
    scale = float(np.clip((anatomy.top - eye_y) / 118.0, 0.8, 1.3))
    centre = np.array([0.0, eye_y + 15.0, anatomy.axis_z])
    angle, elevation, radius = skull_map(vertices, triangles, centre)
    radius = np.maximum(radius, ndimage.gaussian_filter(radius, 1.0, mode=AROUND))
    ce, se = np.cos(elevation)[:, None], np.sin(elevation)[:, None]
    direction = np.stack(
        [ce * np.sin(angle), np.broadcast_to(se, (ROWS, COLUMNS)), ce * np.cos(angle)], axis=-1
    )
    skin = centre + radius[..., None] * direction
    azimuth = np.broadcast_to(angle, (ROWS, COLUMNS))
    above = _above_hairline(style.drop, style.parting, skin, azimuth, eye_y, scale)
    above += style.edge * 0.6 * smooth_noise(rng, above.shape, (1.5, 0.7))
    if style.covers_ears:
        degrees = np.degrees(np.abs(azimuth))
        above = np.maximum(above, np.where(degrees > 76, skin[..., 1] - eye_y + 70, -50.0))
    height = np.clip((skin[..., 1] - eye_y) / 90, 0, 1)
    thickness = style.thickness * (style.side + (1 - style.side) * height)
    # all columns meet at the pole: what differs between them must vanish there
    calm = smoothstep(np.arange(ROWS) / 9)[:, None]
    thickness = thickness * (
        1 + calm * style.curl * 2.2 * smooth_noise(rng, above.shape, (1.6, 1.6))
    )
    thickness *= 1 + 0.15 * calm * smooth_noise(rng, above.shape, (6, 8))
    thickness = np.maximum(thickness, 1.5)  # no bald spot between two locks
    # below the hairline the shell dips under the skin; the crossing makes the visible edge
    rise = smoothstep(above / (8 + 0.5 * style.thickness))
    radius[:4] = (1 - calm[:4]) * radius[0].mean() + calm[:4] * radius[:4]
    lift = np.where(above > 0, 0.8 + thickness * rise, np.maximum(0.4 * above, -6.0))
    shell = centre + (radius + lift)[..., None] * direction
    keep = (above > -14)[:-1]
    # half of the triangles of a cell come first, then the other half (grid_triangles)
    faces = grid_triangles(ROWS, COLUMNS, wrap=True)
    faces = faces[np.concatenate([keep.ravel(), keep.ravel()])]
    uv = np.stack(
        [
            np.broadcast_to(angle / (2 * np.pi), (ROWS, COLUMNS)),
            np.broadcast_to(np.linspace(0, 1, ROWS)[:, None], (ROWS, COLUMNS)),
        ],
        axis=-1,
    )
    return _hair_surface(shell, faces, uv, style, rng)


def _hair_surface(
    grid: FloatArray, faces: IntArray, uv: FloatArray, style: HairStyle, rng: np.random.Generator
) -> Surface:
    shade = 1 + 0.10 * smooth_noise(rng, grid.shape[:2], (6, 2.0))
    colour = np.clip(style.colour * shade[..., None], 0, 1)
    return Surface(
        vertices=grid.reshape(-1, 3).astype(np.float32),
        triangles=faces,
        colour=colour.reshape(-1, 3).astype(np.float32),
        uv=uv.reshape(-1, 2).astype(np.float32),
        labels=np.full(len(faces), LABEL["hair"], dtype=np.uint8),
        material=Material(
            texture="strands", repeat=(9.0, 1.0), modulate=0.75, emboss=0.35, specular=0.10,
            gloss=3, sheen=0.35,
        ),
    )  # fmt: skip


def hair_curtain(style: HairStyle, anatomy: Anatomy) -> Surface:
    """Build the long hair that hangs from above the ears, around the back of the head."""
    rng = np.random.default_rng(style.seed + 1)
    rows, columns = 26, 88
    eye_y = float(anatomy.landmarks[36:48, 1].mean())
    start = np.radians(72.0 if style.covers_ears else 100.0)
    angle = np.linspace(start, 2 * np.pi - start, columns)
    y = np.linspace(eye_y + 40, float(anatomy.landmarks[8, 1]) - style.length, rows)
    grid_angle, grid_y = np.meshgrid(angle, y)
    # hair keeps the width of the skull where it hangs, then falls slowly to the neck
    reference = np.maximum.accumulate(anatomy.radius_at(grid_angle, grid_y), axis=0)
    fall = np.clip((eye_y - 60 - grid_y) / 200, 0, 1)
    radius = reference * (1 - 0.16 * fall) + 4 + 0.55 * style.thickness
    radius = radius * (1 + style.curl * 0.35 * smooth_noise(rng, radius.shape, (2.5, 2.5)))
    edge = np.minimum(np.arange(columns), np.arange(columns)[::-1])
    radius -= 7.0 * np.exp(-edge / 2.0)
    sway = 0.03 * smooth_noise(rng, radius.shape, (5, 3)) * np.linspace(0, 1, rows)[:, None]
    hem = 6 * smooth_noise(rng, (rows, columns), (50, 1.2)) * np.linspace(0, 1, rows)[:, None] ** 3
    grid = anatomy.point(grid_angle + sway, grid_y + hem, radius)
    uv = np.stack(np.meshgrid(angle / (2 * np.pi), np.linspace(0, 1.4, rows)), axis=-1)
    return _hair_surface(grid, grid_triangles(rows, columns), uv, style, rng)


@dataclass(frozen=True)
class Hat:
    """A knitted hat: lower edge over the eyes (mm), thickness, two colours, texture."""

    edge: float
    thickness: float
    colour: tuple[float, float, float]
    second_colour: tuple[float, float, float]
    texture: str


def hat_shell(hat: Hat, anatomy: Anatomy, vertices: FloatArray, triangles: IntArray) -> Surface:
    """Build a beanie that follows the skull down to its edge, with a turned-up rim."""
    eye_y = float(anatomy.landmarks[36:48, 1].mean())
    centre = np.array([0.0, eye_y + 15.0, anatomy.axis_z])
    angle, elevation, radius = skull_map(vertices, triangles, centre)
    radius = ndimage.maximum_filter(radius, size=(3, 5), mode=AROUND)
    radius = ndimage.gaussian_filter(radius, (1.0, 2.0), mode=AROUND)
    ce, se = np.cos(elevation)[:, None], np.sin(elevation)[:, None]
    direction = np.stack(
        [ce * np.sin(angle), np.broadcast_to(se, (ROWS, COLUMNS)), ce * np.cos(angle)], axis=-1
    )
    edge_y = eye_y + hat.edge - 22 * (1 - np.cos(angle)) / 2  # sits lower at the back
    height = centre[1] + radius * direction[..., 1] - edge_y
    rim = smoothstep((26 - height) / 6) * 3.0
    lift = np.where(height > 0, hat.thickness + rim, np.maximum(-9.0, hat.thickness + 4 * height))
    loose = 14 * smoothstep((elevation[:, None] - 0.6) / 0.9)
    shell = centre + (radius + lift + loose)[..., None] * direction
    keep = (height > -5)[:-1].ravel()
    faces = grid_triangles(ROWS, COLUMNS, wrap=True)[np.concatenate([keep, keep])]
    uv = np.stack(np.meshgrid(angle / (2 * np.pi), np.linspace(0, 1, ROWS)), axis=-1)
    return Surface(
        vertices=shell.reshape(-1, 3).astype(np.float32),
        triangles=faces,
        colour=np.broadcast_to(np.array(hat.colour, np.float32), (ROWS * COLUMNS, 3)),
        uv=uv.reshape(-1, 2).astype(np.float32),
        labels=np.full(len(faces), LABEL["hat"], dtype=np.uint8),
        material=Material(
            texture=hat.texture, repeat=(8.0, 2.0), second_colour=hat.second_colour, mix=0.6,
            emboss=0.5, sheen=0.3,
        ),
    )  # fmt: skip
