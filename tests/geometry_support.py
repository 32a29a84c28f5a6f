"""Small meshes and slow, obvious geometry that the tests compare with."""

from __future__ import annotations

import numpy as np

from focsbench.geometry.procrustes import Similarity
from focsbench.types import Mesh


def grid_face(size: int = 40, seed: int = 0) -> tuple[Mesh, np.ndarray]:
    """A bumpy, face-sized height field in mm, and seven landmarks on its vertices."""
    rng = np.random.default_rng(seed)
    x, y = np.meshgrid(np.linspace(-90, 90, size), np.linspace(-110, 110, size))
    z = 70 - x**2 / 130 - y**2 / 250 + 25 * np.exp(-(x**2) / 150 - (y + 10) ** 2 / 500)
    for _ in range(6):
        cx, cy = rng.uniform(-60, 60, 2)
        z += rng.uniform(-4, 4) * np.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 600)
    vertices = np.column_stack([x.ravel(), y.ravel(), z.ravel()])
    lower = (np.arange(size - 1)[:, None] * size + np.arange(size - 1)).ravel()
    triangles = np.concatenate(
        [
            np.column_stack([lower, lower + 1, lower + size + 1]),
            np.column_stack([lower, lower + size + 1, lower + size]),
        ]
    )
    wanted = [(-45, 35), (-15, 35), (15, 35), (45, 35), (0, -20), (-25, -50), (25, -50)]
    nearest = [np.hypot(x.ravel() - u, y.ravel() - v).argmin() for u, v in wanted]
    return Mesh(vertices, triangles), vertices[nearest]


def random_similarity(rng: np.random.Generator, scale: tuple[float, float]) -> Similarity:
    """A proper similarity with any rotation and a translation of some 100 units."""
    rotation = np.linalg.qr(rng.normal(size=(3, 3)))[0]
    rotation *= np.sign(np.linalg.det(rotation))
    return Similarity(float(rng.uniform(*scale)), rotation, rng.uniform(-100, 100, 3))


def closest_distance(point: np.ndarray, corners: np.ndarray) -> float:
    """Distance of a point to one triangle (3, 3)."""
    return float(triangle_distances(point, corners[None])[0])


def triangle_distances(point: np.ndarray, corners: np.ndarray) -> np.ndarray:
    """Distances of a point to triangles (F, 3, 3), by cases: inside the prism, or at an edge."""
    a, b, c = corners.swapaxes(0, 1)
    sides = ((a, b), (b, c), (c, a))
    best = np.min([segment_distances(point, p, q) for p, q in sides], axis=0)
    normal = np.cross(b - a, c - a)
    length = np.linalg.norm(normal, axis=1)
    proper = length > 0
    normal = normal[proper] / length[proper, None]
    height = np.einsum("fi,fi->f", point - a[proper], normal)
    foot = point - height[:, None] * normal
    inside = np.all(
        [
            np.einsum("fi,fi->f", np.cross((q - p)[proper], foot - p[proper]), normal) >= 0
            for p, q in sides
        ],
        axis=0,
    )
    best[proper] = np.where(inside, np.minimum(best[proper], np.abs(height)), best[proper])
    return best


def segment_distances(point: np.ndarray, p: np.ndarray, q: np.ndarray) -> np.ndarray:
    """Distances of a point to segments with ends (F, 3), which may be single points."""
    direction = q - p
    squared = np.einsum("fi,fi->f", direction, direction)
    along = np.einsum("fi,fi->f", point - p, direction)
    share = np.clip(np.divide(along, squared, out=np.zeros_like(along), where=squared > 0), 0, 1)
    return np.linalg.norm(point - p - share[:, None] * direction, axis=1)


def brute_force_distances(points: np.ndarray, mesh: Mesh) -> np.ndarray:
    """Distance of every point to the mesh by trying every triangle."""
    corners = np.asarray(mesh.vertices, dtype=float)[mesh.triangles]
    return np.array([triangle_distances(point, corners).min() for point in points])
