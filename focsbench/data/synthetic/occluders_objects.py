"""Things held or hanging in front of a face: mug, phone, microphone, book, ball, lumpy blob."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from scipy import ndimage

from focsbench.data.synthetic.anatomy import Anatomy
from focsbench.data.synthetic.grids import AROUND, grid_triangles, grid_uv, rotation, tube
from focsbench.data.synthetic.occluders_worn import Occluder
from focsbench.data.synthetic.parts import OTHER
from focsbench.data.synthetic.surfaces import Material, Surface, uniform
from focsbench.data.synthetic.torso import sample_colour
from focsbench.types import FloatArray

PATTERNS = (
    "flat",
    "stripes",
    "checks",
    "dots",
    "paisley",
    "noise",
    "marble",
    "wood",
    "leather",
    "leaves",
)


def _pattern(rng: np.random.Generator, specular: float = 0.25) -> Material:
    return Material(
        texture=str(rng.choice(PATTERNS)),
        repeat=(float(rng.integers(1, 5)), float(rng.integers(1, 4))),
        second_colour=sample_colour(rng),
        mix=rng.uniform(0.3, 1.0),
        specular=specular,
        gloss=5,
    )


def _turned(profile: FloatArray, sides: int = 32) -> tuple[FloatArray, FloatArray]:
    """Rotate a profile (N, 2) of radius and height about y; returns vertices and uv."""
    angle = 2 * np.pi * np.arange(sides) / sides
    radius, height = profile[:, :1], profile[:, 1:]
    vertices = np.stack(
        [
            radius * np.sin(angle),
            np.broadcast_to(height, (len(profile), sides)),
            radius * np.cos(angle),
        ],
        axis=-1,
    )
    return vertices.reshape(-1, 3), grid_uv(len(profile), sides)


def mug(rng: np.random.Generator) -> list[Surface]:
    """A mug with a handle, about 90 mm high."""
    r, h = rng.uniform(34, 42), rng.uniform(78, 100)
    profile = np.array(
        [
            (2, -h / 2),
            (r * 0.9, -h / 2),
            (r, -h / 2 + 5),
            (r, h / 2),
            (r - 3, h / 2),
            (r - 3, -h / 2 + 8),
            (1, -h / 2 + 8),
        ]
    )
    vertices, uv = _turned(profile)
    colour = sample_colour(rng)
    body = uniform(
        vertices, grid_triangles(len(profile), 32, wrap=True), colour, OTHER, uv, _pattern(rng, 0.5)
    )
    turn = np.linspace(-1.35, 1.35, 14)
    path = np.stack([r - 2 + 24 * np.cos(turn), 26 * np.sin(turn), np.zeros(14)], axis=1)
    handle, triangles, uv = tube(path, 4.5, sides=8)
    return [body, uniform(handle, triangles, colour, OTHER, uv, Material(specular=0.5, gloss=5))]


def _box(size: FloatArray) -> tuple[FloatArray, FloatArray]:
    """A slab as a rounded superellipsoid grid (so that normals stay smooth): vertices, uv."""
    v, u = np.meshgrid(
        np.linspace(-np.pi / 2, np.pi / 2, 24), np.linspace(-np.pi, np.pi, 48), indexing="ij"
    )

    def power(value: FloatArray) -> FloatArray:
        return np.sign(value) * np.abs(value) ** 0.18

    x = power(np.cos(v)) * power(np.cos(u))
    y = power(np.cos(v)) * power(np.sin(u))
    vertices = np.stack([x, y, power(np.sin(v))], axis=-1).reshape(-1, 3) * size / 2
    return vertices, vertices[:, :2] / size[:2] + 0.5


def phone(rng: np.random.Generator) -> list[Surface]:
    """A telephone, 75 x 155 mm, back or screen towards the camera."""
    size = np.array([rng.uniform(68, 78), rng.uniform(138, 160), 9.0])
    vertices, uv = _box(size)
    screen = rng.random() < 0.3
    material = Material(
        texture="screen" if screen else "flat",
        second_colour=sample_colour(rng),
        mix=0.8 if screen else 0.0,
        specular=0.6,
        gloss=6,
    )
    colour = np.array(sample_colour(rng)) * (0.3 if rng.random() < 0.6 else 1.0)
    return [uniform(vertices, grid_triangles(24, 48), colour, OTHER, uv, material)]


def microphone(rng: np.random.Generator) -> list[Surface]:
    """A hand microphone with a round or pear-shaped head, pointing up at the mouth."""
    r = rng.uniform(22, 30)
    t = np.linspace(0, np.pi, 16)
    ball = np.stack([np.maximum(r * np.sin(t), 0.3), r * np.cos(t)], axis=1)
    vertices, uv = _turned(ball)
    foam = rng.random() < 0.4
    material = Material(
        texture="noise" if foam else "mesh",
        repeat=(4, 2),
        second_colour=(0.08, 0.08, 0.08),
        mix=0.8,
        specular=0.0 if foam else 0.5,
    )
    colour = sample_colour(rng) if foam else (0.5, 0.5, 0.52)
    head = uniform(vertices, grid_triangles(16, 32, wrap=True), colour, OTHER, uv, material)
    profile = np.array([(15, -r * 0.7), (16, -r), (12, -r - 60), (11, -r - 170), (1, -r - 172)])
    vertices, uv = _turned(profile)
    grip = uniform(
        vertices,
        grid_triangles(5, 32, wrap=True),
        (0.06, 0.06, 0.07),
        OTHER,
        uv,
        Material(specular=0.4),
    )
    return [head, grip]


def sheet(rng: np.random.Generator) -> list[Surface]:
    """A printed sheet or book cover, slightly bent."""
    rows = columns = 14
    width, height = rng.uniform(90, 170), rng.uniform(100, 190)
    v, u = np.meshgrid(np.linspace(0.5, -0.5, rows), np.linspace(-0.5, 0.5, columns), indexing="ij")
    bend = rng.uniform(-60, 60)
    z = bend * u**2 + rng.uniform(-20, 20) * v**2 + rng.uniform(-25, 25) * u * v
    vertices = np.stack([width * u, height * v, z], axis=-1).reshape(-1, 3)
    printed = rng.random() < 0.6
    material = (
        Material(texture="text", second_colour=(0.12, 0.12, 0.14), mix=1.0)
        if printed
        else _pattern(rng, 0.15)
    )
    colour = (0.92, 0.91, 0.88) if printed else sample_colour(rng)
    return [
        uniform(
            vertices, grid_triangles(rows, columns), colour, OTHER, grid_uv(rows, columns), material
        )
    ]


def blob(rng: np.random.Generator) -> list[Surface]:
    """A lumpy patterned body: fruit, toy, bouquet, whatever it may be."""
    rows, columns = 28, 44
    v, u = np.meshgrid(
        np.linspace(0.02, np.pi - 0.02, rows),
        np.linspace(0, 2 * np.pi, columns, endpoint=False),
        indexing="ij",
    )
    lumps = ndimage.gaussian_filter(
        rng.standard_normal((rows, columns)), rng.uniform(2, 5), mode=AROUND
    )
    lumps = 1 + rng.uniform(0.02, 0.25) * lumps / (lumps.std() + 1e-9) * np.sin(v)
    axes = rng.uniform(24, 52, 3)
    unit = np.stack([np.sin(v) * np.cos(u), np.cos(v), np.sin(v) * np.sin(u)], axis=-1)
    vertices = (unit * lumps[..., None] * axes).reshape(-1, 3)
    return [
        uniform(
            vertices, grid_triangles(rows, columns, wrap=True), sample_colour(rng), OTHER,
            grid_uv(rows, columns), _pattern(rng),
        )
    ]  # fmt: skip


_MAKERS: tuple[tuple[Callable[[np.random.Generator], list[Surface]], tuple[str, ...]], ...] = (
    (mug, ("mouth",)),
    (phone, ("cheek", "mouth", "eye")),
    (microphone, ("mouth",)),
    (sheet, ("mouth", "nose", "cheek", "eye")),
    (blob, ("mouth", "cheek", "eye", "nose", "chin")),
)


def held_object(rng: np.random.Generator, anatomy: Anatomy) -> Occluder:
    """Place a random object before a part of the face; it touches, never hovers far away."""
    maker, targets = _MAKERS[int(rng.integers(len(_MAKERS)))]
    surfaces = maker(rng)
    p = anatomy.landmarks
    side = int(rng.choice([-1, 1]))
    spots = {
        "mouth": p[48:68].mean(axis=0),
        "nose": p[30],
        "chin": p[8],
        "cheek": p[54] * 0.5 + p[13] * 0.5 if side > 0 else p[48] * 0.5 + p[3] * 0.5,
        "eye": p[42:48].mean(axis=0) if side > 0 else p[36:42].mean(axis=0),
    }
    spot = spots[str(rng.choice(targets))] + np.array([rng.normal(0, 9), rng.normal(0, 9), 0.0])
    tilt = rotation((rng.normal(0, 0.25), rng.normal(0, 0.5), rng.normal(0, 0.35)))
    if maker in (sheet, phone):  # flat things are held towards the camera
        tilt = rotation((rng.normal(0, 0.2), rng.normal(0, 0.2), rng.normal(0, 0.4)))
    if maker is mug:
        tilt = rotation((rng.uniform(-0.9, -0.2), rng.uniform(-1.2, 1.2), rng.normal(0, 0.15)))
    if maker is microphone:
        tilt = rotation((rng.uniform(0.3, 0.9), 0.0, rng.normal(0, 0.4)))
        spot = spot + np.array([0.0, -14.0, 0.0])
    reach = max(float((s.vertices @ tilt.T)[:, 2].max()) for s in surfaces)
    spot = spot + np.array([0.0, 0.0, reach])
    return Occluder(
        "object",
        [s.moved((s.vertices @ tilt.T + spot).astype(np.float32)) for s in surfaces],
        held=True,
    )
