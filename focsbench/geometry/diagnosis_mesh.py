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
from focsbench.geometry.scan_crop import eye_distance
from focsbench.types import BoolArray, FloatArray, IntArray, Mesh

# With one of these no distance can be computed, or it would be of no surface and take hours.
UNSCORABLE = frozenset(
    {
        "no_triangles",
        "missing_vertices",
        "not_finite",
        "coincident_landmarks",
        "colours_as_coordinates",
        "torn_surface",
    }
)

# Shares of the distance between the outer eye corners (about 90 mm).
FAR_FROM_VERTICES = 0.3  # the corner of a very coarse mesh may be 20 mm away from a landmark
FAR_AWAY = 100  # nine metres: more than any body that belongs to the face

MANY_UNUSED = 0.2  # cropped models often keep some vertices that no triangle uses
LARGEST_COLOUR = 255.0
ENOUGH_TRIANGLES = 200  # of a closed surface have edges of 0.4 radii at most
TORN = 1.0  # longest edges over the radius; 1.9 where triangles join random vertices
SAMPLES = 200


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
    if not (np.isfinite(mesh.vertices).all() and np.isfinite(landmarks).all()):
        bad = int(np.count_nonzero(~np.isfinite(mesh.vertices).all(axis=1)))
        what = f"{bad} of the vertices are" if bad else "a landmark is"
        return error("not_finite", f"{what} NaN or infinite; look for a failed reconstruction.")
    if np.ptp(landmarks, axis=0).max() == 0 or eye_distance(landmarks) == 0:
        return error(
            "coincident_landmarks",
            "landmarks lie in one place; write the seven different points of the benchmark.",
        )
    return _torn_finding(mesh)


def _torn_finding(mesh: Mesh) -> Finding | None:
    """Detect triangles that join vertices from everywhere, for the usual reason or any other.

    Such a mesh would also keep every search for closest points busy for hours.
    """
    vertices, half = mesh.vertices, len(mesh.vertices) // 2
    doubled = half > 2 and 2 * half == len(vertices) and int(mesh.triangles.max()) < half
    if doubled and _are_colours(vertices[1::2]) and not _are_colours(vertices[::2]):
        return error(
            "colours_as_coordinates",
            "every second vertex is a colour, so the surface is torn; write vertices without "
            "colours, or read six numbers a line as one vertex.",
        )
    if len(mesh.triangles) < ENOUGH_TRIANGLES:
        return None
    rows = np.linspace(0, len(mesh.triangles) - 1, SAMPLES).astype(np.int64)
    corners = vertices[mesh.triangles[rows]].astype(np.float64)
    edges = np.linalg.norm(corners - np.roll(corners, 1, axis=1), axis=2).max(axis=1)
    points = corners.reshape(-1, 3)
    radius = np.median(np.linalg.norm(points - np.median(points, axis=0), axis=1))
    if np.median(edges) <= TORN * radius:
        return None
    return error(
        "torn_surface",
        "most triangles are as large as the whole mesh, so they do not belong to these vertices; "
        "write vertices and faces of the same model in the same order.",
    )


def mesh_findings(mesh: Mesh, landmarks: FloatArray) -> list[Finding]:
    """Judge a mesh for which :func:`blocking_finding` found nothing.

    Args:
        mesh: any unit; vertices float64, triangles int64, both C-contiguous.
        landmarks: (7, 3) float64.
    """
    flat, used = inspect_triangles(mesh.vertices, mesh.triangles)
    twice = count_duplicates(hashes_of(mesh.vertices), mesh.triangles)
    return [
        *_triangle_findings(flat, twice, len(mesh.triangles)),
        *_unused_findings(mesh.vertices, used),
        *place_findings(mesh.vertices, used, landmarks),
    ]


def far_landmarks(
    vertices: FloatArray, used: BoolArray, landmarks: FloatArray
) -> tuple[int, float, float]:
    """Count the landmarks that are far from every used vertex.

    Returns:
        The count, the largest distance of a landmark from its nearest vertex, and the largest of
        a vertex from the first landmark; both in widths of the eyes.
    """
    eyes = eye_distance(landmarks)
    nearest, farthest = vertex_distances(vertices, used, landmarks)
    count = int(np.count_nonzero(nearest > FAR_FROM_VERTICES * eyes))
    return count, float(nearest.max()) / eyes, float(farthest) / eyes


def place_findings(vertices: FloatArray, used: BoolArray, landmarks: FloatArray) -> list[Finding]:
    """Say so if landmarks are far from every vertex, or a vertex is far from the face."""
    count, missing, extent = far_landmarks(vertices, used, landmarks)
    if count:
        return [off_mesh(count, missing)]
    if extent <= FAR_AWAY:
        return []
    return [
        warning(
            "far_geometry",
            f"a part of the mesh is {extent:.0f} times the width of the eyes away from the face; "
            "remove stray vertices.",
        )
    ]


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


def _unused_findings(vertices: FloatArray, used: BoolArray) -> list[Finding]:
    unused = len(used) - int(np.count_nonzero(used))
    if unused <= MANY_UNUSED * len(used):
        return []
    half = len(used) // 2
    if not used[half:].any() and _are_colours(vertices[half:]) and len(used) == 2 * half:
        return [
            warning(
                "colour_vertices",
                "the second half of the vertices are colours, which belong to no triangle and do "
                "not count; write vertices without colours.",
            )
        ]
    return [
        warning(
            "unreferenced_vertices",
            f"{unused} of {len(used)} vertices belong to no triangle and do not count; make sure "
            "that no faces are missing.",
        )
    ]


def _are_colours(block: FloatArray) -> bool:
    """Whether all values are in [0, 1], or whole numbers in [0, 255]."""
    low, high = float(block.min()), float(block.max())
    if low < 0 or high > LARGEST_COLOUR:
        return False
    return high <= 1 or bool((block == np.round(block)).all())


def hashes_of(vertices: FloatArray) -> IntArray:
    """Hash the positions of (V, 3) float64 vertices; -0.0 is the same as 0.0."""
    return position_hashes((vertices + 0.0).view(np.uint64))
