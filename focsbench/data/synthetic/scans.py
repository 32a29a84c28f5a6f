"""Neutral head scans: the true surface seen by another sensor, in another topology."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from focsbench.data.synthetic.anatomy import cylinder_coordinates, measure, without_seam
from focsbench.data.synthetic.grids import rotation
from focsbench.geometry.five_points import NOW_LANDMARKS
from focsbench.rendering.numba_rasterizer import rasterize_arrays
from focsbench.types import BoolArray, FloatArray, IntArray, Mesh

SPACING_MM = 1.6
_HALF_ANGLE = np.radians(105)
_NOMINAL_RADIUS = 92.0
_TOP, _BOTTOM = 118.0, -112.0  # of the scanned part over the model's origin
_GRAZING = 0.22  # cosine below which a surface element returns no light to the scanner
_LARGEST_STEP_MM = 9.0


def scan_grid(
    vertices: FloatArray, triangles: IntArray, axis_z: float
) -> tuple[FloatArray, BoolArray, FloatArray]:
    """Sample the outermost surface on a regular grid of angle and height.

    Returns:
        points: (R, C, 3) mm, exactly on the mesh. found: (R, C) bool. facing: (R, C) cosine
        between surface normal and viewing ray.
    """
    step = SPACING_MM / _NOMINAL_RADIUS
    columns = int(2 * _HALF_ANGLE / step) + 1
    rows = int((_TOP - _BOTTOM) / SPACING_MM) + 1
    polar = cylinder_coordinates(vertices.astype(np.float64), axis_z)
    xy = np.stack([(polar[:, 0] + _HALF_ANGLE) / step, (_TOP - polar[:, 1]) / SPACING_MM], axis=1)
    corners = without_seam(polar[:, 0], triangles)
    ids, weights, _ = rasterize_arrays(xy, 1000.0 - polar[:, 2], corners, rows, columns, cull=False)
    found = ids >= 0
    picked = corners[np.maximum(ids, 0)]
    points = np.einsum("rck,rckd->rcd", weights, vertices[picked].astype(np.float64))
    a, b, c = (vertices[picked[..., k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    normal /= np.linalg.norm(normal, axis=-1, keepdims=True) + 1e-12
    ray = points - np.array([0.0, 0.0, axis_z])
    ray[..., 1] = 0
    ray /= np.linalg.norm(ray, axis=-1, keepdims=True) + 1e-12
    return points, found, (normal * ray).sum(axis=-1)


def _holes(
    rng: np.random.Generator, points: FloatArray, landmarks: FloatArray, facing: FloatArray
) -> BoolArray:
    """Where the scanner sees nothing: grazing surfaces, hair cap, nostrils, random dropouts."""
    ragged = ndimage.gaussian_filter(rng.standard_normal(facing.shape), 3.0)
    ragged /= ragged.std() + 1e-9
    holes: BoolArray = facing < _GRAZING
    rim = float(landmarks[17:27, 1].max()) + 48 - 0.004 * points[..., 0] ** 2
    holes |= points[..., 1] > rim + 3.0 * ragged
    holes |= points[..., 2] < -62 + 4.0 * ragged
    for nostril in (landmarks[32], landmarks[34]):
        below = nostril + np.array([0.0, -1.0, -2.0])
        holes |= np.linalg.norm(points - below, axis=-1) < 3.0
    under_chin = points[..., 1] < landmarks[8, 1] - 4 + 2.0 * ragged
    holes |= under_chin & (points[..., 2] < landmarks[8, 2] - 12)
    front = points.reshape(-1, 3)[points[..., 2].ravel() > -40]
    for _ in range(int(rng.integers(3, 7))):
        centre = front[rng.integers(len(front))]
        holes |= np.linalg.norm(points - centre, axis=-1) < rng.uniform(1.5, 5.0)
    return holes


def _cells(points: FloatArray, valid: BoolArray) -> IntArray:
    """Triangulate the grid where all four corners are valid and no step is too long."""
    rows, columns = valid.shape
    index = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:]
    whole = valid[:-1, :-1] & valid[:-1, 1:] & valid[1:, :-1] & valid[1:, 1:]
    flat = points.reshape(-1, 3)
    longest = np.max(
        [np.linalg.norm(flat[p] - flat[q], axis=-1) for p, q in ((a, b), (a, c), (b, d), (c, d))],
        axis=0,
    )
    keep = whole & (longest < _LARGEST_STEP_MM)
    return np.concatenate([np.stack([a, c, b], -1)[keep], np.stack([b, c, d], -1)[keep]]).astype(
        np.int64
    )


def make_scan(
    rng: np.random.Generator,
    vertices: FloatArray,
    triangles: IntArray,
    landmarks: FloatArray,
    noise_mm: float,
) -> tuple[Mesh, FloatArray]:
    """Scan a neutral head.

    Args:
        vertices, triangles: (V, 3) mm, (F, 3) of the true head, model frame.
        landmarks: (68, 3) on it.
        noise_mm: standard deviation of the independent noise; a smooth error of the same size
            is added to it.

    Returns:
        The scan in its own frame (a small rigid motion away from the model frame), mm, and its
        (7, 3) landmarks, picked with 0.3 mm of error.
    """
    axis_z = measure(vertices, triangles, landmarks).axis_z
    points, found, facing = scan_grid(vertices, triangles, axis_z)
    valid = found & ~_holes(rng, points, landmarks, facing)
    smooth = ndimage.gaussian_filter(rng.standard_normal(points.shape), (8, 8, 0))
    smooth *= noise_mm / (smooth.std() + 1e-12)
    noisy = points + smooth + rng.normal(0, noise_mm, points.shape)
    faces = _cells(points, valid)
    used, corners = np.unique(faces, return_inverse=True)
    turn = rotation(rng.normal(0, 0.08, 3))
    shift = rng.normal(0, 12, 3)
    picked = landmarks[list(NOW_LANDMARKS)] + rng.normal(0, 0.3, (7, 3))
    mesh = Mesh(noisy.reshape(-1, 3)[used] @ turn.T + shift, corners.reshape(-1, 3))
    return mesh, picked @ turn.T + shift
