"""Findings about a prediction that was placed on a scan."""

from __future__ import annotations

import numpy as np

from focsbench.geometry.diagnosis_finding import Finding, error, warning
from focsbench.geometry.diagnosis_kernels import (
    component_sizes,
    first_of_position,
    front_profile,
    touches_border,
)
from focsbench.geometry.diagnosis_landmarks import SUBNASALE, face_frame
from focsbench.geometry.diagnosis_mesh import far_landmarks, hashes_of, off_mesh
from focsbench.geometry.normals import triangle_normals, unit_vectors
from focsbench.geometry.procrustes import procrustes
from focsbench.geometry.scan_alignment import ScanAlignment
from focsbench.geometry.scan_crop import CroppedScan, eye_distance
from focsbench.types import BoolArray, FloatArray, IntArray

UNITS_MM = {"m": 1000.0, "dm": 100.0, "in": 25.4, "cm": 10.0, "mm": 1.0, "um": 0.001}
SAME_UNIT = 1.25  # heads of adults differ by less than this factor
ANOTHER_UNIT = 2.0  # no face is that much too large or too small; its unit is another one

LARGE_MEDIAN_MM = 5.0  # the weakest published methods reach 2 mm
PERFECT_MEDIAN_MM = 0.01  # a scanner's noise is some 0.1 mm

# Shares of the distance between the outer eye corners (about 90 mm).
OFF_SURFACE = 0.12  # landmark noise of 2 mm makes 0.055
ON_SURFACE = 0.01  # landmarks that are points of the mesh, not free points with noise
LAYER_STEP = 0.045  # 4 mm: layers up to 8 mm apart are seen from the middle between them
LAYER_SHIFT = 0.012  # a layer is met straight through, not somewhere beside
OPEN_DEPTH = 0.08  # the furrow between lower lip and chin is shallower
OPEN_HEIGHT = 0.035  # 3 mm between the lips; closed mouths of 29 heads show 0.012 at most
PROFILE_STEP, PROFILE_COUNT = 0.006, 100  # down to 0.6, the lower lip of a wide open mouth
FACE_DEPTH = -0.6  # surface further back than this is not the front of the face

WIDE_MOUTH = 1.3  # mouth width against the scan's; neutral mean faces reach 1.12, a smile 1.36
LAYERED_SHARE = 0.2  # heads with eyeballs and mouth bag reach 0.11, half a second copy 0.43
BORDER_MM = 3.0
BORDER_COSINE = 0.98  # beyond a border the offset is no longer along the normal
BORDER_SHARE = 0.03  # 0.011 on the reference pairs; 0.056 and more where the forehead is missing
SMALL_PIECE = 20  # triangles; eyeballs and teeth have more
PIECES_SHARE = 0.02
SAMPLES = 200


def unit_findings(
    landmarks: FloatArray, scan_landmarks: FloatArray, mm_per_unit: float
) -> list[Finding]:
    """Compare the stated unit of a metrical prediction with the size of its landmarks.

    Args:
        landmarks, scan_landmarks: (7, 3) in the prediction's unit, and in mm.
        mm_per_unit: the stated unit.
    """
    fitting = procrustes(landmarks, scan_landmarks, allow_reflection=True).scale
    factor = max(fitting / mm_per_unit, mm_per_unit / fitting)
    if factor < SAME_UNIT:
        return []
    eyes = f"the outer eye corners are {eye_distance(landmarks) * mm_per_unit:.3g} mm apart"
    if factor < ANOTHER_UNIT:
        return [
            warning(
                "implausible_size",
                f"{eyes}, those of the scan {eye_distance(scan_landmarks):.3g} mm; check the scale "
                "of the method, or use the non-metrical evaluation.",
            )
        ]
    closest = min(UNITS_MM, key=lambda name: abs(np.log(UNITS_MM[name] / fitting)))
    ratio = max(UNITS_MM[closest] / fitting, fitting / UNITS_MM[closest])
    advice = (
        f"the size fits the unit {closest}, so state that one"
        if ratio < SAME_UNIT
        else f"no usual unit fits ({fitting:.3g} mm each), so use the non-metrical evaluation"
    )
    return [error("wrong_unit", f"with {mm_per_unit:g} mm per unit {eyes}; {advice}.")]


def distance_findings(distances: FloatArray) -> list[Finding]:
    """Judge the median of the distances (N,), mm."""
    median = float(np.median(distances))
    if median > LARGE_MEDIAN_MM:
        return [
            error(
                "large_distances",
                f"the median distance is {median:.1f} mm, which is almost surely no property of "
                "the method; check landmarks, frame, expression and the reader of the mesh.",
            )
        ]
    if median < PERFECT_MEDIAN_MM:
        return [
            warning(
                "scan_as_prediction",
                f"the median distance is {median:.2g} mm, less than the noise of a scanner; make "
                "sure that the prediction is not the scan itself.",
            )
        ]
    return []


def surface_findings(
    scan: CroppedScan, landmarks: FloatArray, alignment: ScanAlignment
) -> list[Finding]:
    """Judge the surface around the scan: landmarks on it, mouth, extent, layers and pieces.

    Args:
        scan: the cropped scan.
        landmarks: (7, 3) of the prediction, float64, in its own frame; their order is right.
        alignment: of that prediction.
    """
    placed = alignment.start.apply(landmarks)
    off = alignment.tree.query(placed).distances / eye_distance(placed)
    missed = int((off > OFF_SURFACE).sum())
    if missed:
        used = np.ones(len(alignment.tree.vertices), dtype=bool)
        known = far_landmarks(alignment.tree.vertices, used, placed)[0]
        return [] if known else [off_mesh(missed, float(off.max()))]
    return [
        *_expression_findings(scan, placed, alignment, exact=bool(off.max() < ON_SURFACE)),
        *_extent_findings(scan, alignment),
        *_layer_findings(alignment, eye_distance(placed)),
        *_piece_findings(alignment),
    ]


def _expression_findings(
    scan: CroppedScan, placed: FloatArray, alignment: ScanAlignment, *, exact: bool
) -> list[Finding]:
    opening = mouth_opening(alignment.tree.vertices, alignment.tree.triangles, placed)
    width = _mouth_width(placed) / _mouth_width(scan.landmarks)
    if opening > OPEN_HEIGHT:
        what = f"the mouth is open by {opening * eye_distance(scan.landmarks):.0f} mm"
    elif exact and width > WIDE_MOUTH:
        what = f"the mouth is {width - 1:.0%} wider than that of the scan"
    else:
        return []
    advice = "scans are neutral, so predict without expression and with a closed jaw."
    return [warning("expression_hint", f"{what}; {advice}")]


def _mouth_width(landmarks: FloatArray) -> float:
    """Distance of the mouth corners over that of the outer eye corners."""
    return float(np.linalg.norm(landmarks[6] - landmarks[5])) / eye_distance(landmarks)


def mouth_opening(vertices: FloatArray, triangles: IntArray, landmarks: FloatArray) -> float:
    """Height of the gap between the lips in the middle of the face, in widths of the eyes.

    Below the subnasale, the profile of a face with a closed mouth has shallow furrows only. A gap
    is a stretch where the foremost surface lies deep behind what is above and below it.

    Args:
        vertices, triangles: (V, 3), (F, 3).
        landmarks: (7, 3) on the mesh, in order and not mirrored.
    """
    eyes = eye_distance(landmarks)
    middle = (landmarks[5] + landmarks[6]) / 2
    frame = face_frame(landmarks)
    # The plane goes through the middle of the mouth, the profile starts at the subnasale.
    origin = landmarks[SUBNASALE] + ((middle - landmarks[SUBNASALE]) @ frame[0]) * frame[0]
    depth = front_profile(
        vertices, triangles, frame, origin, PROFILE_STEP * eyes, PROFILE_COUNT, FACE_DEPTH * eyes
    )
    depth = np.maximum(depth / eyes, FACE_DEPTH)  # no surface at all: a hole is a gap too
    above = np.maximum.accumulate(depth)
    below = np.maximum.accumulate(depth[::-1])[::-1]
    gap = np.minimum(above, below) - depth > OPEN_DEPTH
    return float(np.count_nonzero(gap)) * PROFILE_STEP


def _extent_findings(scan: CroppedScan, alignment: ScanAlignment) -> list[Finding]:
    """Say so if many scan points lie beyond the border of the mesh."""
    least = BORDER_SHARE * len(scan.points)
    far = np.flatnonzero(alignment.distances > BORDER_MM)
    if len(far) <= least:
        return []
    far = far[~_along_normal(scan.points[far], alignment, far)]
    if len(far) <= least:
        return []
    tree = alignment.tree
    hashes = hashes_of(tree.vertices)
    corners = first_of_position(hashes)[tree.triangles]
    beyond = np.count_nonzero(touches_border(hashes, corners, alignment.triangles[far]))
    if beyond <= least:
        return []
    return [
        warning(
            "mesh_smaller_than_crop",
            f"{beyond / len(scan.points):.0%} of the scan points lie beyond the border of the mesh "
            f"by more than {BORDER_MM:g} mm; predict the whole face with forehead, cheeks and chin "
            "(more surface never makes a score worse).",
        )
    ]


def _along_normal(points: FloatArray, alignment: ScanAlignment, rows: IntArray) -> BoolArray:
    """Whether scan points (N, 3), rows of the alignment, lie straight above their triangles."""
    tree, move, start = alignment.tree, alignment.transform, alignment.start
    corners = tree.triangles[alignment.triangles[rows]]
    at_start = start.apply((points - move.translation) @ move.rotation / move.scale)
    offset = at_start - tree.vertices[corners[:, 0]]
    normal = unit_vectors(triangle_normals(tree.vertices, corners))
    height = np.abs(np.einsum("ni,ni->n", offset, normal))
    along: BoolArray = height > BORDER_COSINE * alignment.distances[rows] * start.scale / move.scale
    return along


def _layer_findings(alignment: ScanAlignment, eyes: float) -> list[Finding]:
    """Say so if another surface runs parallel, close before or behind most of the face.

    From each sampled triangle one step inwards and one outwards: a layer up to two steps away is
    then closer than the triangle itself, and lies straight on along the normal.
    """
    tree = alignment.tree
    rows = np.linspace(0, len(alignment.triangles) - 1, SAMPLES).astype(np.int64)
    holders = alignment.triangles[rows]
    normal = unit_vectors(triangle_normals(tree.vertices, tree.triangles[holders]))
    centre = tree.vertices[tree.triangles[holders]].mean(axis=1)
    layered = np.zeros(SAMPLES, dtype=bool)
    for side in (-1, 1):
        found = tree.query(centre + side * LAYER_STEP * eyes * normal, near=holders)
        offset = found.points - centre
        along = side * np.einsum("ni,ni->n", offset, normal)
        beside = np.linalg.norm(offset - (side * along)[:, None] * normal, axis=1)
        other = unit_vectors(triangle_normals(tree.vertices, tree.triangles[found.triangles]))
        parallel = np.abs(np.einsum("ni,ni->n", other, normal)) > 0.7
        layered |= (
            (found.triangles != holders)
            & (along > 1e-3 * LAYER_STEP * eyes)
            & (beside < LAYER_SHIFT * eyes)
            & parallel
        )
    share = float(layered.mean())
    if share <= LAYERED_SHARE:
        return []
    return [
        warning(
            "layered_surface",
            f"{share:.0%} of the face has a second surface within 8 mm; predict one surface, since "
            "distances to the closest of several come out too low.",
        )
    ]


def _piece_findings(alignment: ScanAlignment) -> list[Finding]:
    """Say so if a part of the scan is explained by crumbs that hang on nothing."""
    tree = alignment.tree
    share = _crumb_share(tree.triangles, len(tree.vertices), alignment.triangles)
    if share > PIECES_SHARE:  # perhaps only split along texture seams
        corners = first_of_position(hashes_of(tree.vertices))[tree.triangles]
        share = _crumb_share(corners, len(tree.vertices), alignment.triangles)
    if share <= PIECES_SHARE:
        return []
    return [
        warning(
            "floating_pieces",
            f"{share:.0%} of the scan points are closest to loose pieces of less than "
            f"{SMALL_PIECE} triangles; remove everything that is not the head.",
        )
    ]


def _crumb_share(triangles: IntArray, n_vertices: int, holders: IntArray) -> float:
    sizes = component_sizes(triangles, n_vertices, holders)
    crumbs = (sizes < SMALL_PIECE) & (sizes < 0.01 * len(triangles))
    return float(np.count_nonzero(crumbs)) / len(holders)
