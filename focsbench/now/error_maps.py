"""Where on the face the error lies: one picture and one coloured mesh per scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from focsbench.files import write_atomically
from focsbench.geometry.io import read_mesh
from focsbench.now.distance_files import read_distances
from focsbench.now.scans import cropped_scan, find_scan
from focsbench.types import FloatArray

if TYPE_CHECKING:
    from focsbench.drawing.scan_views import ScanSurface

YAWS = (-40.0, 0.0, 40.0)  # degrees; the face turns to image left, front, image right


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
    from focsbench.drawing.scan_views import ScanSurface

    scan_file, landmark_file = find_scan(job.dataset, job.subject)
    scan = cropped_scan(scan_file, landmark_file)
    errors = mean_error([read_distances(path) for path in job.distances])
    surface = ScanSurface.of(scan, read_mesh(scan_file))
    picture = _picture(surface, errors, job.title, len(job.distances))
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


def _picture(surface: ScanSurface, errors: FloatArray, title: str, images: int) -> bytes:
    from focsbench.drawing.figures import figure_bytes, figure_style, new_figure
    from focsbench.drawing.scan_views import error_colour_bar, render_view

    with figure_style():
        figure = new_figure(6.9, 2.5)
        panels: Any = figure.subplots(1, len(YAWS))
        for panel, yaw in zip(panels, YAWS, strict=True):
            panel.imshow(render_view(surface, errors, yaw), interpolation="antialiased")
            panel.set_axis_off()
        error_colour_bar(figure, panels, shrink=0.85)
        count = "1 image" if images == 1 else f"mean over {images} images"
        figure.suptitle(f"{title}, {count}")
        return figure_bytes(figure, "png")


def _coloured_ply(surface: ScanSurface, errors: FloatArray) -> bytes:
    import matplotlib as mpl
    import trimesh
    from trimesh.exchange.ply import export_ply

    from focsbench.drawing.scan_views import COLOURS, RANGE_MM

    mesh = trimesh.Trimesh(
        surface.crop.points.astype(np.float32),
        surface.triangles,
        vertex_colors=mpl.colormaps[COLOURS](errors / RANGE_MM, bytes=True),
        process=False,
    )
    mesh.vertex_attributes["error"] = errors.astype(np.float32)
    content: bytes = export_ply(mesh)
    return content
