"""Building blocks of simple geometry: grids, tubes, discs."""

from __future__ import annotations

from typing import Literal

import numpy as np

from focsbench.types import FloatArray, IntArray

# Borders of filters over maps whose rows are heights and whose columns go round the head.
AROUND: tuple[Literal["nearest"], Literal["wrap"]] = ("nearest", "wrap")


def grid_triangles(rows: int, columns: int, wrap: bool = False) -> IntArray:
    """Triangles of a row-major vertex grid; ``wrap`` joins its last and first column."""
    last = columns if wrap else columns - 1
    r, c = np.meshgrid(np.arange(rows - 1), np.arange(last), indexing="ij")
    a = r * columns + c
    b = r * columns + (c + 1) % columns
    d, e = a + columns, b + columns
    return np.concatenate(
        [np.stack([a, d, b], -1).reshape(-1, 3), np.stack([b, d, e], -1).reshape(-1, 3)]
    ).astype(np.int32)


def grid_uv(rows: int, columns: int) -> FloatArray:
    """(rows * columns, 2) coordinates in [0, 1]: u along columns, v along rows."""
    v, u = np.meshgrid(np.linspace(0, 1, rows), np.linspace(0, 1, columns), indexing="ij")
    return np.stack([u, v], -1).reshape(-1, 2).astype(np.float32)


def tube(
    path: FloatArray, radius: float | FloatArray, sides: int = 8, closed: bool = False
) -> tuple[FloatArray, IntArray, FloatArray]:
    """Sweep a circle along a path.

    Args:
        path: (N, 3). radius: one number or (N,). closed: join the last point to the first.

    Returns:
        vertices (N * sides, 3), triangles, uv (u around, v along).
    """
    path = np.asarray(path, dtype=float)
    if closed:
        tangent = np.roll(path, -1, axis=0) - np.roll(path, 1, axis=0)
    else:
        tangent = np.asarray(np.gradient(path, axis=0))
    tangent /= np.linalg.norm(tangent, axis=1, keepdims=True) + 1e-9
    # The reference is the axis the path follows least, so that it is never parallel to it.
    reference = np.zeros(3)
    reference[np.argmin(np.abs(tangent).max(axis=0))] = 1.0
    side = np.cross(tangent, reference)
    side /= np.linalg.norm(side, axis=1, keepdims=True) + 1e-9
    other = np.cross(tangent, side)
    angle = 2 * np.pi * np.arange(sides) / sides
    ring = (
        np.cos(angle)[None, :, None] * side[:, None] + np.sin(angle)[None, :, None] * other[:, None]
    )
    radii = np.broadcast_to(np.asarray(radius, dtype=float), (len(path),))
    vertices = (path[:, None] + radii[:, None, None] * ring).reshape(-1, 3)
    triangles = grid_triangles(len(path), sides, wrap=True)
    if closed:
        last = (len(path) - 1) * sides + np.arange(sides)
        after = (last + 1 - (len(path) - 1) * sides) % sides + (len(path) - 1) * sides
        first, second = np.arange(sides), (np.arange(sides) + 1) % sides
        joint = np.concatenate(
            [np.stack([last, first, after], -1), np.stack([after, first, second], -1)]
        )
        triangles = np.concatenate([triangles, joint.astype(np.int32)])
    return vertices.astype(np.float32), triangles, grid_uv(len(path), sides)[:, ::1]


def disc(curve: FloatArray, rings: int = 4, bulge: float = 0.0) -> tuple[FloatArray, IntArray]:
    """Fill a closed curve (N, 3) with concentric rings; ``bulge`` lifts the centre along +z."""
    centre = curve.mean(axis=0)
    share = np.linspace(1.0, 0.02, rings)[:, None, None]
    points = centre + share * (curve[None] - centre)
    points[..., 2] += bulge * (1 - share[..., 0] ** 2)
    return points.reshape(-1, 3).astype(np.float32), grid_triangles(rings, len(curve), wrap=True)


def rotation(angles: FloatArray | tuple[float, float, float]) -> FloatArray:
    """Return (3, 3) = Rx(a) Ry(b) Rz(c) of right-handed elementary rotations, radians."""
    (ca, cb, cc), (sa, sb, sc) = np.cos(angles), np.sin(angles)
    rx = np.array([[1, 0, 0], [0, ca, -sa], [0, sa, ca]])
    ry = np.array([[cb, 0, sb], [0, 1, 0], [-sb, 0, cb]])
    rz = np.array([[cc, -sc, 0], [sc, cc, 0], [0, 0, 1]])
    result: FloatArray = rx @ ry @ rz
    return result
