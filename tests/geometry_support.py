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
    """Distance of a point to one triangle (3, 3), by cases: inside its prism, or at an edge."""
    a, b, c = corners
    normal = np.cross(b - a, c - a)
    best = min(segment_distance(point, p, q) for p, q in ((a, b), (b, c), (c, a)))
    length = np.linalg.norm(normal)
    if length > 0:
        normal = normal / length
        foot = point - ((point - a) @ normal) * normal
        sides = [np.cross(q - p, foot - p) @ normal for p, q in ((a, b), (b, c), (c, a))]
        if min(sides) >= 0:
            best = min(best, abs((point - a) @ normal))
    return best


def segment_distance(point: np.ndarray, p: np.ndarray, q: np.ndarray) -> float:
    """Distance of a point to a segment, which may be a single point."""
    direction = q - p
    squared = direction @ direction
    share = 0.0 if squared == 0 else np.clip((point - p) @ direction / squared, 0, 1)
    return float(np.linalg.norm(point - p - share * direction))


def brute_force_distances(points: np.ndarray, mesh: Mesh) -> np.ndarray:
    """Distance of every point to the mesh by trying every triangle."""
    corners = mesh.vertices[mesh.triangles]
    return np.array([min(closest_distance(point, tri) for tri in corners) for point in points])
