"""What a scene is made of: coloured triangle meshes with one material each."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from focsbench.data.synthetic.textures import texture_index
from focsbench.jit import kernel
from focsbench.rendering.numba_rasterizer import rasterize_arrays
from focsbench.types import BoolArray, FloatArray, IntArray


@dataclass(frozen=True)
class Material:
    """How a surface answers to light. All colours are display RGB in [0, 1].

    texture: name in the texture bank; repeat: tiles per unit of uv, both directions.
    second_colour, mix: albedo = (1 - mix t) colour + mix t second_colour for texture value t.
    modulate: albedo is multiplied by 1 + modulate (t - 1/2).
    emboss: strength of the fake relief (slope of t along the tile's diagonal).
    specular, gloss: strength of the highlight and how often its cosine is squared (its exponent
        is 2 ** gloss).
    wrap: how far red, green and blue light creeps around the terminator (skin glows red there).
    sheen: brightening at grazing angles (cloth, peach fuzz).
    """

    texture: str = "flat"
    repeat: tuple[float, float] = (1.0, 1.0)
    second_colour: tuple[float, float, float] = (0.5, 0.5, 0.5)
    mix: float = 0.0
    modulate: float = 0.0
    emboss: float = 0.0
    specular: float = 0.0
    gloss: int = 4
    wrap: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sheen: float = 0.0

    def row(self) -> list[float]:
        """Return the numbers in the column order of the shading kernel."""
        return [
            float(texture_index(self.texture)), *self.repeat, *self.second_colour, self.mix,
            self.modulate, self.emboss, self.specular, self.gloss, *self.wrap, self.sheen,
            *(1 / (1 + wrap) for wrap in self.wrap),
        ]  # fmt: skip


@dataclass(frozen=True)
class Surface:
    """One mesh of the scene.

    vertices: (V, 3) mm in the head's model frame (or the camera's, after posing).
    triangles: (F, 3). colour: (V, 3) display RGB. uv: (V, 2), unit up to the material's repeat.
    labels: (F,) part labels (parts.py). opacity: 1 for solid surfaces, below for lenses.
    highlight: (V,) factor of the material's specular strength. closed: nobody can see its inner
    side, so its triangles are drawn only where they face the viewer.
    """

    vertices: FloatArray
    triangles: IntArray
    colour: FloatArray
    uv: FloatArray
    labels: IntArray
    material: Material = field(default_factory=Material)
    opacity: float = 1.0
    highlight: FloatArray | None = None
    closed: bool = False

    def moved(self, vertices: FloatArray) -> Surface:
        """Return the same surface with other vertex positions."""
        return replace(self, vertices=vertices)


@dataclass(frozen=True)
class PackedScene:
    """Surfaces in camera space joined into flat arrays, as the kernels want them (float32)."""

    vertices: FloatArray
    normals: FloatArray
    colour: FloatArray
    uv: FloatArray
    highlight: FloatArray
    triangles: IntArray
    labels: IntArray
    triangle_material: IntArray
    closed: BoolArray
    materials: FloatArray


def uniform(
    vertices: FloatArray,
    triangles: IntArray,
    colour: Sequence[float] | FloatArray,
    label: int,
    uv: FloatArray | None = None,
    material: Material | None = None,
    opacity: float = 1.0,
) -> Surface:
    """Make a surface of one colour and one label."""
    count = len(vertices)
    return Surface(
        vertices=np.asarray(vertices, dtype=np.float32),
        triangles=np.asarray(triangles, dtype=np.int32),
        colour=np.broadcast_to(np.asarray(colour, dtype=np.float32), (count, 3)),
        uv=np.zeros((count, 2), np.float32) if uv is None else np.asarray(uv, dtype=np.float32),
        labels=np.full(len(triangles), label, dtype=np.uint8),
        material=material or Material(),
        opacity=opacity,
    )


@kernel
def vertex_normals(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """Return (V, 3) unit normals, area weighted; zero where a vertex has no triangle."""
    normals = np.zeros(vertices.shape, dtype=np.float32)
    for f in range(len(triangles)):
        a, b, c = triangles[f]
        ux = vertices[b, 0] - vertices[a, 0]
        uy = vertices[b, 1] - vertices[a, 1]
        uz = vertices[b, 2] - vertices[a, 2]
        wx = vertices[c, 0] - vertices[a, 0]
        wy = vertices[c, 1] - vertices[a, 1]
        wz = vertices[c, 2] - vertices[a, 2]
        nx, ny, nz = uy * wz - uz * wy, uz * wx - ux * wz, ux * wy - uy * wx
        for v in (a, b, c):
            normals[v, 0] += nx
            normals[v, 1] += ny
            normals[v, 2] += nz
    for v in range(len(vertices)):
        x, y, z = normals[v]
        length = np.sqrt(x * x + y * y + z * z)
        if length > 0:
            normals[v] /= length
    return normals


def pack(surfaces: Sequence[Surface]) -> PackedScene:
    """Join camera-space surfaces; each keeps its own normals and material."""
    offsets = np.cumsum([0, *(len(surface.vertices) for surface in surfaces)])
    vertices = [np.ascontiguousarray(s.vertices, dtype=np.float32) for s in surfaces]
    triangles = [np.ascontiguousarray(s.triangles, dtype=np.int32) for s in surfaces]
    highlight = [np.ones(len(s.vertices)) if s.highlight is None else s.highlight for s in surfaces]
    return PackedScene(
        vertices=np.concatenate(vertices),
        normals=np.concatenate(
            [vertex_normals(v, t) for v, t in zip(vertices, triangles, strict=True)]
        ),
        colour=np.concatenate([s.colour for s in surfaces]).astype(np.float32),
        uv=np.concatenate([s.uv for s in surfaces]).astype(np.float32),
        highlight=np.concatenate(highlight).astype(np.float32),
        triangles=np.concatenate(
            [t + offset for t, offset in zip(triangles, offsets, strict=False)]
        ).astype(np.int32),
        labels=np.concatenate([s.labels for s in surfaces]).astype(np.uint8),
        triangle_material=np.repeat(
            np.arange(len(surfaces), dtype=np.int16), [len(t) for t in triangles]
        ),
        closed=np.repeat([s.closed for s in surfaces], [len(t) for t in triangles]),
        materials=np.array([s.material.row() for s in surfaces], dtype=np.float32),
    )


@kernel
def drawn_triangles(xy: FloatArray, triangles: IntArray, closed: BoolArray) -> IntArray:
    """Return the ids of the triangles that can be seen: open ones and those that face the viewer.

    xy: (V, 2) image coordinates, y down.
    """
    kept = np.empty(len(triangles), dtype=np.int32)
    count = 0
    for f in range(len(triangles)):
        a, b, c = triangles[f]
        if closed[f]:
            area = (xy[b, 0] - xy[a, 0]) * (xy[c, 1] - xy[a, 1]) - (xy[b, 1] - xy[a, 1]) * (
                xy[c, 0] - xy[a, 0]
            )
            if area >= 0:
                continue
        kept[count] = f
        count += 1
    return kept[:count]


def rasterize_scene(
    scene: PackedScene, xy: FloatArray, depth: FloatArray, size: int, perspective: bool
) -> tuple[IntArray, FloatArray, FloatArray]:
    """Rasterise a scene with projected vertices xy (V, 2) and depth (V,) into (size, size) images.

    Returns triangle ids (-1 for nothing), affine barycentrics and depth (inf for nothing).
    """
    xy = np.ascontiguousarray(xy, dtype=np.float32)
    kept = drawn_triangles(xy, scene.triangles, scene.closed)
    ids, barycentrics, nearest = rasterize_arrays(
        xy,
        np.asarray(depth, dtype=np.float32),
        scene.triangles[kept],
        size,
        size,
        cull=False,
        perspective=perspective,
    )
    # the last entry answers for -1
    numbers = np.append(kept, np.int32(-1))
    return numbers[ids], barycentrics, nearest
