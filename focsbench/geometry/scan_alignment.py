"""Scan-to-mesh evaluation of one predicted face, as the NoW benchmark defines it.

The scan is cropped to a ball around the face; the prediction is placed on it by its seven
landmarks and refined so that the distances of all cropped scan vertices to its surface become
least; those distances are the result. Everything is in mm and float64.

Source: Sanyal et al., "Learning to regress 3D face shape and expression from an image without 3D
supervision", CVPR 2019, and the public description of the benchmark (now.is.tue.mpg.de).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from focsbench.geometry.closest_point import ClosestPointTree
from focsbench.geometry.procrustes import Similarity, procrustes
from focsbench.geometry.scan_residuals import ScanToMesh
from focsbench.geometry.trust_region import DoglegRules, minimise
from focsbench.types import FloatArray, IntArray, Mesh

OFFICIAL_RULES = DoglegRules()
AlignmentMode = Literal["official", "converged"]
_RULES: dict[AlignmentMode, DoglegRules] = {
    "official": OFFICIAL_RULES,
    "converged": DoglegRules(relative_drop=1e-12),
}


@dataclass(frozen=True)
class ScanAlignment:
    """How a prediction was placed on a scan, and the distances that remain.

    transform: from the prediction's own frame and unit to the scan, in mm.
    start: the placement by landmarks alone, before the refinement.
    distances: (N,) mm, unsigned, from each cropped scan vertex (in order) to the surface.
    triangles: (N,) the triangle of the prediction that holds each closest point.
    steps: accepted steps of the refinement.
    sum_of_squares: of the distances, mm^2.
    tree: over the triangles of the prediction placed by ``start``.
    """

    transform: Similarity
    start: Similarity
    distances: FloatArray
    triangles: IntArray
    steps: int
    sum_of_squares: float
    tree: ClosestPointTree


def align_to_scan(
    points: FloatArray,
    scan_landmarks: FloatArray,
    mesh: Mesh,
    landmarks: FloatArray,
    *,
    mm_per_unit: float | None = None,
    mode: AlignmentMode = "official",
) -> ScanAlignment:
    """Place a predicted mesh on cropped scan points and measure the distances.

    Args:
        points: (N, 3) cropped scan vertices, mm.
        scan_landmarks: (7, 3) landmarks of the scan, mm.
        mesh: the prediction, any unit.
        landmarks: (7, 3) landmarks of the prediction, in its frame and unit.
        mm_per_unit: None for the scale-invariant evaluation. Otherwise the metrical one: the
            prediction keeps its size, one unit of it being so many mm.
        mode: ``official`` walks the path of the reference evaluation and stops where it stops;
            ``converged`` goes on to the optimum.

    Raises:
        ValueError: if the landmarks coincide or a number is not finite.
    """
    start = _landmark_start(scan_landmarks, landmarks, mm_per_unit)
    tree = ClosestPointTree(start.apply(mesh.vertices), mesh.triangles)
    metrical = mm_per_unit is not None
    theta0 = np.zeros(6) if metrical else np.array([1.0, 0, 0, 0, 0, 0, 0])
    measure = ScanToMesh(tree, points)
    _, fit, steps = minimise(measure, theta0, _RULES[mode])
    distances, numbers = measure.in_scan_order(fit)
    total = Similarity(
        scale=fit.scale * start.scale,
        rotation=fit.rotation @ start.rotation,
        translation=fit.scale * fit.rotation @ start.translation + fit.translation,
    )
    return ScanAlignment(total, start, distances, numbers, steps, fit.sum_of_squares, tree)


def _landmark_start(
    scan_landmarks: FloatArray, landmarks: FloatArray, mm_per_unit: float | None
) -> Similarity:
    """Similarity of the landmarks, mirror images allowed as in the benchmark.

    The metrical variant replaces the scale but keeps the translation that belonged to the
    landmark scale, as the benchmark does; the refinement repairs the offset.
    """
    start = procrustes(landmarks, scan_landmarks, allow_reflection=True)
    if mm_per_unit is None:
        return start
    return Similarity(mm_per_unit, start.rotation, start.translation)
