"""Findings about a predicted mesh and its landmarks that need no scan."""

from __future__ import annotations

import numpy as np

from focsbench.geometry.diagnosis_finding import Finding, error, warning
from focsbench.geometry.diagnosis_kernels import (
    count_duplicates,
    inspect_triangles,
    position_hashes,
    vertex_distances,
)
from focsbench.geometry.diagnosis_landmarks import eye_distance
from focsbench.types import BoolArray, FloatArray, IntArray, Mesh

# Without these no distance can be computed at all.
UNSCORABLE = frozenset({"no_triangles", "missing_vertices", "not_finite", "coincident_landmarks"})

# Shares of the distance between the outer eye corners (about 90 mm).
FAR_FROM_VERTICES = 0.3  # the corner of a very coarse mesh may be 20 mm away from a landmark
FAR_AWAY = 100  # nine metres: more than any body that belongs to the face

MANY_UNUSED = 0.2  # cropped models often keep some vertices that no triangle uses
LARGEST_COLOUR = 255.0


def blocking_finding(mesh: Mesh, landmarks: FloatArray) -> Finding | None:
    """Return what makes a score impossible, or None; its name is one of ``UNSCORABLE``."""
    triangles = mesh.triangles
    if len(triangles) == 0 or len(mesh.vertices) == 0:
        return error("no_triangles", "the mesh has no triangles; write its faces too.")
    if int(triangles.min()) < 0 or int(triangles.max()) >= len(mesh.vertices):
        return error(
            "missing_vertices",
            f"a triangle names vertex {max(int(triangles.max()), -int(triangles.min()))} of "
            f"{len(mesh.vertices)}; write vertices and faces of the same mesh.",
        )
    bad = len(mesh.vertices) - int(np.isfinite(mesh.vertices).all(axis=1).sum())
    if bad or not np.isfinite(landmarks).all():
        what = f"{bad} vertices are" if bad else "a landmark is"
        return error("not_finite", f"{what} NaN or infinite; look for a failed reconstruction.")
    if np.ptp(landmarks, axis=0).max() == 0 or eye_distance(landmarks) == 0:
        return error(
            "coincident_landmarks",
            "landmarks lie in one place; write the seven different points of the benchmark.",
        )
    return None


def mesh_findings(mesh: Mesh, landmarks: FloatArray) -> list[Finding]:
    """Judge a mesh for which :func:`blocking_finding` found nothing.

    Args:
        mesh: any unit; vertices float64, triangles int64, both C-contiguous.
        landmarks: (7, 3) float64.
    """
    colours = _colour_finding(mesh)
    if colours is not None:
        return [colours]  # the surface is meaningless, and so is all that follows
    flat, used = inspect_triangles(mesh.vertices, mesh.triangles)
    hashes = position_hashes((mesh.vertices + 0.0).view(np.uint64))  # + 0.0 makes -0.0 equal 0.0
    twice = count_duplicates(hashes, mesh.triangles)
    return [
        *_triangle_findings(flat, twice, len(mesh.triangles)),
        *_unused_findings(used),
        *place_findings(mesh.vertices, used, landmarks),
    ]


def place_findings(vertices: FloatArray, used: BoolArray, landmarks: FloatArray) -> list[Finding]:
    """Say so if landmarks are far from every vertex, or a vertex is far from the face."""
    eyes = eye_distance(landmarks)
    nearest, farthest = vertex_distances(vertices, used, landmarks)
    missed = int((nearest > FAR_FROM_VERTICES * eyes).sum())
    if missed:
        return [off_mesh(missed, float(nearest.max()) / eyes)]
    if farthest > FAR_AWAY * eyes:
        return [
            warning(
                "far_geometry",
                f"a part of the mesh is {farthest / eyes:.0f} times the width of the eyes away "
                "from the face; remove stray vertices.",
            )
        ]
    return []


def off_mesh(missed: int, farthest: float) -> Finding:
    """Finding that landmarks are not on the mesh: how many, and the farthest in eye widths."""
    name = "landmarks_off_mesh"
    message = (
        f"{missed} of the 7 landmarks are off the surface, the farthest by {farthest:.2g} times "
        "the width of the eyes; write 3D points on the mesh, in its frame and unit (not image "
        "coordinates, not before a later transformation)."
    )
    return error(name, message) if missed > 2 else warning(name, message)


def _triangle_findings(flat: int, twice: int, count: int) -> list[Finding]:
    found = []
    if flat:
        found.append(
            warning(
                "zero_area_triangles",
                f"{flat} of {count} triangles ({flat / count:.1%}) have no area; remove them, the "
                "official tool hangs or stops on such triangles (they do no harm here).",
            )
        )
    if twice:
        found.append(
            warning(
                "duplicate_triangles",
                f"{twice} of {count} triangles ({twice / count:.1%}) lie exactly on another one; "
                "write each face once.",
            )
        )
    return found


def _unused_findings(used: BoolArray) -> list[Finding]:
    unused = len(used) - int(np.count_nonzero(used))
    if unused <= MANY_UNUSED * len(used):
        return []
    return [
        warning(
            "unreferenced_vertices",
            f"{unused} of {len(used)} vertices belong to no triangle and do not count; make sure "
            "that no faces are missing.",
        )
    ]


def _colour_finding(mesh: Mesh) -> Finding | None:
    """Detect ``x y z r g b`` read as six coordinates: twice the vertices, half of them colours.

    The faces then name the first half only. Colours alternate with coordinates, or follow them.
    """
    vertices, half = mesh.vertices, len(mesh.vertices) // 2
    if half < 3 or len(vertices) % 2 or int(mesh.triangles.max()) >= half:
        return None
    name, advice = "colours_as_coordinates", "write vertices without colours or fix the reader"
    if _are_colours(vertices[1::2]) and not _are_colours(vertices[::2]):
        return error(name, f"every second vertex is a colour, so the surface is torn; {advice}.")
    if _are_colours(vertices[half:]) and not _are_colours(vertices[:half]):
        return warning(name, f"the second half of the vertices are colours; {advice}.")
    return None


def _are_colours(block: FloatArray) -> bool:
    """Whether all values are in [0, 1], or whole numbers in [0, 255]."""
    low, high = float(block.min()), float(block.max())
    if low < 0 or high > LARGEST_COLOUR:
        return False
    return high <= 1 or bool((block == np.round(block)).all())


def joined(vertices: FloatArray, triangles: IntArray) -> IntArray:
    """Return the triangles with vertices of the same position made one (split texture seams)."""
    hashes = position_hashes((vertices + 0.0).view(np.uint64))
    return np.unique(hashes, return_inverse=True)[1][triangles]
