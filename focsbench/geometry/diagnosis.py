"""Why a score may not mean what it seems to: checks of one prediction before and after alignment.

The official evaluation accepts mirror images, swapped landmarks, wrong units and torn meshes
without a word. Each check here is a pure function of arrays and yields a named finding with
advice; a good prediction yields none.
"""

from __future__ import annotations

import numpy as np

from focsbench.geometry.diagnosis_finding import Finding, Severity
from focsbench.geometry.diagnosis_fit import distance_findings, surface_findings, unit_findings
from focsbench.geometry.diagnosis_landmarks import MEAN_LANDMARKS, landmark_findings
from focsbench.geometry.diagnosis_mesh import UNSCORABLE, blocking_finding, mesh_findings
from focsbench.geometry.scan_alignment import ScanAlignment
from focsbench.geometry.scan_crop import CroppedScan
from focsbench.types import FloatArray, Mesh

__all__ = [
    "UNSCORABLE",
    "Finding",
    "Severity",
    "diagnose_fit",
    "diagnose_landmarks",
    "diagnose_prediction",
    "diagnose_unit",
]


def diagnose_prediction(mesh: Mesh, landmarks: FloatArray) -> list[Finding]:
    """Check a prediction before it is placed on a scan.

    Names: ``no_triangles``, ``missing_vertices``, ``not_finite``, ``coincident_landmarks``,
    ``colours_as_coordinates``, ``torn_surface`` (these six, ``UNSCORABLE``, make an alignment
    impossible or endless, and come alone), ``zero_area_triangles``, ``duplicate_triangles``,
    ``unreferenced_vertices``, ``colour_vertices``, ``landmarks_off_mesh``, ``far_geometry``.

    Args:
        mesh: the prediction, any unit, any values.
        landmarks: (7, 3) in its frame and unit.
    """
    blocking = blocking_finding(mesh, landmarks)
    if blocking is not None:
        return [blocking]
    return mesh_findings(_plain(mesh), landmarks.astype(np.float64))


def diagnose_unit(
    landmarks: FloatArray, scan_landmarks: FloatArray, mm_per_unit: float
) -> list[Finding]:
    """Compare the stated unit of a metrical prediction with the size of its landmarks.

    Names: ``wrong_unit`` (an error: no alignment makes sense), ``implausible_size``.

    Args:
        landmarks, scan_landmarks: (7, 3) finite, in the prediction's unit, and in mm.
        mm_per_unit: the stated unit, > 0.
    """
    return unit_findings(
        landmarks.astype(np.float64), scan_landmarks.astype(np.float64), mm_per_unit
    )


def diagnose_landmarks(mesh: Mesh, landmarks: FloatArray) -> list[Finding]:
    """Check order, handedness and kind of the landmarks where there is no scan.

    A mean face stands in for the scan. Names: ``wrong_landmark_order``, ``landmarks_do_not_fit``,
    ``mirrored_mesh``, ``landmarks_left_right_swapped``, ``mirrored_fit``, ``nose_tip_landmark``.

    Args:
        mesh, landmarks: as in :func:`diagnose_prediction`, which found nothing ``UNSCORABLE``.
    """
    plain = _plain(mesh)
    return landmark_findings(
        plain.vertices, plain.triangles, landmarks.astype(np.float64), MEAN_LANDMARKS
    )


def diagnose_fit(
    scan: CroppedScan,
    mesh: Mesh,
    landmarks: FloatArray,
    alignment: ScanAlignment,
    *,
    mm_per_unit: float | None,
) -> list[Finding]:
    """Check a prediction that was placed on a scan.

    Names: those of :func:`diagnose_landmarks`, ``wrong_unit``, ``implausible_size``,
    ``large_distances``, ``scan_as_prediction``, and, where landmarks and unit are in order so that
    the placement can be trusted, ``landmarks_off_mesh`` (finer than before the alignment),
    ``expression_hint``, ``mesh_smaller_than_crop``, ``layered_surface``, ``floating_pieces``.

    Args:
        scan: the cropped scan.
        mesh, landmarks: the prediction in its own frame and unit.
        alignment: of this prediction on this scan.
        mm_per_unit: as given to the alignment; None for the scale-invariant evaluation.
    """
    plain, points = _plain(mesh), landmarks.astype(np.float64)
    reference = scan.landmarks.astype(np.float64)
    found = landmark_findings(plain.vertices, plain.triangles, points, reference)
    if mm_per_unit is not None:
        found += unit_findings(points, reference, mm_per_unit)
    if not any(finding.severity is Severity.ERROR for finding in found):
        found += surface_findings(scan, points, alignment)
    return found + distance_findings(alignment.distances)


def _plain(mesh: Mesh) -> Mesh:
    """The mesh in the number types that the kernels were compiled for."""
    return Mesh(
        np.ascontiguousarray(mesh.vertices, dtype=np.float64),
        np.ascontiguousarray(mesh.triangles, dtype=np.int64),
    )
