"""Where on the face the error lies: one picture and one coloured mesh per scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from focsbench.files import write_atomically
from focsbench.geometry.io import read_mesh
from focsbench.geometry.scan_crop import CroppedScan, crop_ball
from focsbench.now.scans import cropped_scan, find_scan
from focsbench.types import FloatArray, IntArray, Mesh

RANGE_MM = 4.0  # the same for all maps, so that they compare
COLOURS = "viridis"
YAWS = (-40.0, 0.0, 40.0)  # degrees; the face turns to image left, front, image right
WIDTH, HEIGHT = 360, 400  # pixels of a view; its height is the diameter of the evaluated ball
OVERSAMPLING = 2
_AMBIENT = 0.6  # share of the light that comes from everywhere


@dataclass(frozen=True)
class MapJob:
    """What one map is made from.

    distances: files of the images of the subject that have a score.
    stem: path of the files to write, without suffix.
    """

    dataset: Path
    subject: str
    title: str
    distances: Sequence[Path]
    stem: Path


def draw_error_map(job: MapJob) -> list[Path]:
    """Write ``<stem>.png`` and ``<stem>.ply``; the mean over the images, per scan vertex.

    The mesh has the colours of the picture and a property ``error`` in mm.
    """
    scan_file, landmark_file = find_scan(job.dataset, job.subject)
    scan = cropped_scan(scan_file, landmark_file)
    errors = mean_error([np.load(path, allow_pickle=False) for path in job.distances])
    surface = Mesh(scan.points, cropped_triangles(read_mesh(scan_file), scan.vertices))
    picture = _picture(surface, errors, scan, job.title, len(job.distances))
    files = {".png": picture, ".ply": _coloured_ply(surface, errors)}
    paths = [job.stem.with_name(job.stem.name + suffix) for suffix in files]
    for path, content in zip(paths, files.values(), strict=True):
        write_atomically(path, content)
    return paths


def mean_error(distances: Sequence[FloatArray]) -> FloatArray:
    """Return the mean over images of the distance at each scan vertex, (N,) mm."""
    total = np.zeros(len(distances[0]))
    for part in distances:
        total += part
    return total / len(distances)


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


def render_view(surface: Mesh, errors: FloatArray, scan: CroppedScan, yaw: float) -> FloatArray:
    """Draw the cropped scan in the colours of its errors, seen by a parallel camera.

    Returns:
        (HEIGHT, WIDTH, 3) float in [0, 1], white where nothing is.
    """
    import matplotlib as mpl

    from focsbench.rendering.numba_rasterizer import rasterize_arrays

    width, height = WIDTH * OVERSAMPLING, HEIGHT * OVERSAMPLING
    centre, radius = crop_ball(scan.landmarks.astype(np.float64))
    angle = np.deg2rad(yaw)
    turn = np.array(
        [[np.cos(angle), 0, np.sin(angle)], [0, 1, 0], [-np.sin(angle), 0, np.cos(angle)]]
    )
    view = (surface.vertices - centre) @ (turn @ face_axes(scan.landmarks)).T / radius
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
    normals = np.einsum("nk,nkc->nc", weights[seen], _vertex_normals(view, surface)[corners])
    facing = np.abs(normals[:, 2]) / np.maximum(np.linalg.norm(normals, axis=1), 1e-12)
    light = _AMBIENT + (1 - _AMBIENT) * facing
    image = np.ones((height, width, 3))
    image[seen] = mpl.colormaps[COLOURS](values / RANGE_MM)[:, :3] * light[:, None]
    blocks = image.reshape(HEIGHT, OVERSAMPLING, WIDTH, OVERSAMPLING, 3)
    averaged: FloatArray = blocks.mean(axis=(1, 3))
    return averaged


def _vertex_normals(vertices: FloatArray, surface: Mesh) -> FloatArray:
    """Sums of the normals of the triangles around each vertex, weighted by area."""
    a, b, c = (vertices[surface.triangles[:, corner]] for corner in range(3))
    normals = np.cross(b - a, c - a)
    total = np.zeros_like(vertices)
    for corner in range(3):
        np.add.at(total, surface.triangles[:, corner], normals)
    return total


def _picture(
    surface: Mesh, errors: FloatArray, scan: CroppedScan, title: str, images: int
) -> bytes:
    from matplotlib.cm import ScalarMappable
    from matplotlib.colors import Normalize

    from focsbench.reports.figures import figure_bytes, figure_style, new_figure

    with figure_style():
        figure = new_figure(6.9, 2.5)
        panels: Any = figure.subplots(1, len(YAWS))
        for panel, yaw in zip(panels, YAWS, strict=True):
            panel.imshow(render_view(surface, errors, scan, yaw), interpolation="antialiased")
            panel.set_axis_off()
        colours = ScalarMappable(Normalize(0, RANGE_MM), COLOURS)
        bar = figure.colorbar(colours, ax=panels, extend="max", shrink=0.85, pad=0.02)
        bar.set_label("distance to the prediction (mm)")
        count = "1 image" if images == 1 else f"mean over {images} images"
        figure.suptitle(f"{title}, {count}")
        return figure_bytes(figure, "png")


def _coloured_ply(surface: Mesh, errors: FloatArray) -> bytes:
    import matplotlib as mpl
    import trimesh
    from trimesh.exchange.ply import export_ply

    colours = mpl.colormaps[COLOURS](errors / RANGE_MM, bytes=True)
    mesh = trimesh.Trimesh(
        surface.vertices.astype(np.float32), surface.triangles, vertex_colors=colours, process=False
    )
    mesh.vertex_attributes["error"] = errors.astype(np.float32)
    content: bytes = export_ply(mesh)
    return content
