"""A cropped scan in the colours of its errors, seen from a direction that all maps share."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.colors import Normalize
from matplotlib.figure import Figure

from focsbench.geometry.scan_crop import CroppedScan, crop_ball
from focsbench.types import FloatArray, IntArray, Mesh

RANGE_MM = 4.0  # the same for all maps, so that they compare
COLOURS = "viridis"
WIDTH, HEIGHT = 360, 400  # pixels of a view; its height is the diameter of the evaluated ball
OVERSAMPLING = 2
_AMBIENT = 0.6  # share of the light that comes from everywhere


@dataclass(frozen=True)
class ScanSurface:
    """The evaluated part of a scan, ready to be drawn in many colours.

    crop: its points and landmarks, mm. triangles: (F, 3), indices into the points.
    """

    crop: CroppedScan
    triangles: IntArray

    @classmethod
    def of(cls, crop: CroppedScan, scan: Mesh) -> ScanSurface:
        """Join a crop with the triangles of the scan that it was cut from."""
        return cls(crop, cropped_triangles(scan, crop.vertices))

    @cached_property
    def upright(self) -> FloatArray:
        """The points in the axes of the face (:func:`face_axes`), (N, 3).

        The centre of the evaluated ball is the origin and its radius is 1.
        """
        centre, radius = crop_ball(self.crop.landmarks.astype(np.float64))
        points: FloatArray = (self.crop.points - centre) @ face_axes(self.crop.landmarks).T
        return points / radius

    @cached_property
    def normals(self) -> FloatArray:
        """Normals at the points in the same axes, (N, 3), weighted by area, not normalised."""
        a, b, c = (self.upright[self.triangles[:, corner]] for corner in range(3))
        normals = np.cross(b - a, c - a)
        total = np.zeros_like(self.upright)
        for corner in range(3):
            np.add.at(total, self.triangles[:, corner], normals)
        return total


def cropped_triangles(scan: Mesh, kept: IntArray) -> IntArray:
    """Return the scan's triangles with all corners kept, (F, 3), as indices into ``kept``."""
    place = np.full(len(scan.vertices), -1, dtype=np.int64)
    place[kept] = np.arange(len(kept))
    triangles: IntArray = place[scan.triangles]
    return triangles[(triangles >= 0).all(axis=1)]


def face_axes(landmarks: FloatArray) -> FloatArray:
    """Return the axes of a face by its seven landmarks, rows of (3, 3).

    x to the subject's left, y up, z out of the face.
    """
    points = landmarks.astype(np.float64)
    x = points[2:4].mean(axis=0) - points[0:2].mean(axis=0)
    x /= np.linalg.norm(x)
    up = points[0:4].mean(axis=0) - points[5:7].mean(axis=0)
    y = up - (up @ x) * x
    y /= np.linalg.norm(y)
    return np.stack([x, y, np.cross(x, y)])


def render_view(
    surface: ScanSurface, errors: FloatArray, yaw: float, size: tuple[int, int] = (WIDTH, HEIGHT)
) -> FloatArray:
    """Draw a scan in the colours of its errors, seen by a parallel camera.

    Args:
        surface: the scan.
        errors: (N,) mm, one per point; the colours end at ``RANGE_MM``.
        yaw: degrees; with positive ones the face turns to image right.
        size: width and height of the image, pixels.

    Returns:
        (height, width, 3) float in [0, 1], white where nothing is.
    """
    from focsbench.rendering.numba_rasterizer import rasterize_arrays

    width, height = (side * OVERSAMPLING for side in size)
    angle = np.deg2rad(yaw)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    view = surface.upright @ turn.T
    # The ball is as wide as it is high; the face in it is not, and turned it is off the middle.
    middle = (view[:, 0].min() + view[:, 0].max()) / 2
    pixels = np.column_stack([view[:, 0] - middle, -view[:, 1]]) * height / 2
    xy = pixels + np.array([width - 1, height - 1]) / 2
    ids, weights, _ = rasterize_arrays(
        xy, 3 - view[:, 2], surface.triangles, height, width, cull=False
    )
    seen = ids >= 0
    corners = surface.triangles[ids[seen]]
    values = np.einsum("nk,nk->n", weights[seen], errors[corners])
    normals = np.einsum("nk,nkc->nc", weights[seen], surface.normals[corners])
    facing = np.abs(normals @ turn[2]) / np.maximum(np.linalg.norm(normals, axis=1), 1e-12)
    light = _AMBIENT + (1 - _AMBIENT) * facing
    image = np.ones((height, width, 3))
    image[seen] = mpl.colormaps[COLOURS](values / RANGE_MM)[:, :3] * light[:, None]
    blocks = image.reshape(size[1], OVERSAMPLING, size[0], OVERSAMPLING, 3)
    averaged: FloatArray = blocks.mean(axis=(1, 3))
    return averaged


def error_colour_bar(figure: Figure, panels: Any, shrink: float = 1.0) -> None:
    """Draw the colour bar of :func:`render_view` beside some panels of a figure."""
    colours = ScalarMappable(Normalize(0, RANGE_MM), COLOURS)
    bar = figure.colorbar(colours, ax=panels, extend="max", shrink=shrink, pad=0.02, aspect=35)
    bar.set_ticks(range(round(RANGE_MM) + 1))
    bar.set_label("distance to the prediction (mm)")
