"""Pictures of a face model for a critical eye: matplotlib only, painter's algorithm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from matplotlib.axes import Axes


_CLAY = np.array([0.80, 0.74, 0.70])
_LIGHT = np.array([-0.35, 0.45, 0.82])


def draw_surface(
    axes: Axes,
    vertices: NDArray[np.floating[Any]],
    triangles: NDArray[np.integer[Any]],
    *,
    yaw: float = 0.0,
    pitch: float = 0.0,
    colours: NDArray[np.floating[Any]] | None = None,
) -> NDArray[np.float64]:
    """Draw a shaded mesh seen from the front (orthographic, mm); return its turned vertices.

    yaw, pitch: degrees; positive yaw turns the face to the viewer's right, positive pitch up.
    colours: (V, 3) in [0, 1] per vertex, or None for grey clay.
    """
    from matplotlib.collections import PolyCollection

    points = np.asarray(vertices, dtype=np.float64) @ view_rotation(yaw, pitch).T
    normals = _vertex_normals(points, triangles)
    corners = points[triangles]
    face_normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    front = np.flatnonzero(face_normals[:, 2] > 0)
    order = front[np.argsort(corners[front, :, 2].mean(axis=1))]
    light = _LIGHT / np.linalg.norm(_LIGHT)
    shade = 0.30 + 0.75 * np.clip(normals[triangles[order]].mean(axis=1) @ light, 0, None)
    if colours is None:
        paint = np.broadcast_to(_CLAY, (len(order), 3))
    else:
        paint = np.asarray(colours)[triangles[order]].mean(axis=1)
    shaded = np.clip(shade[:, None] * paint, 0, 1)
    axes.add_collection(
        PolyCollection(
            list(corners[order, :, :2]), facecolors=shaded, edgecolors=shaded, linewidths=0.3
        )
    )
    axes.set_aspect("equal")
    axes.autoscale_view()
    axes.axis("off")
    return points


def view_rotation(yaw: float, pitch: float) -> NDArray[np.float64]:
    """Rotation (3, 3) about y by ``yaw`` degrees after x by ``-pitch`` degrees."""
    a, b = np.radians(yaw), np.radians(-pitch)
    about_y = np.array([[np.cos(a), 0, np.sin(a)], [0, 1, 0], [-np.sin(a), 0, np.cos(a)]])
    about_x = np.array([[1, 0, 0], [0, np.cos(b), -np.sin(b)], [0, np.sin(b), np.cos(b)]])
    return about_y @ about_x


def _vertex_normals(
    points: NDArray[np.float64], triangles: NDArray[np.integer[Any]]
) -> NDArray[np.float64]:
    """Unit normals (V, 3), area weighted."""
    corners = points[triangles]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    normals = np.zeros_like(points)
    for corner in range(3):
        np.add.at(normals, triangles[:, corner], faces)
    lengths = np.linalg.norm(normals, axis=1, keepdims=True)
    return np.asarray(normals / np.maximum(lengths, 1e-12))
