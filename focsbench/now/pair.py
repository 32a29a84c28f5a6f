"""One prediction against the scan of its subject: read, diagnose, place, measure."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.geometry.diagnosis import (
    UNSCORABLE,
    Finding,
    Severity,
    diagnose_fit,
    diagnose_prediction,
    diagnose_unit,
)
from focsbench.geometry.io import read_landmarks7, read_mesh_with_notes
from focsbench.geometry.procrustes import Similarity
from focsbench.geometry.scan_alignment import AlignmentMode, align_to_scan
from focsbench.geometry.scan_crop import CroppedScan
from focsbench.now.misread import misread_findings
from focsbench.types import FloatArray, Mesh


@dataclass(frozen=True)
class PairScore:
    """What is measured of one image.

    distances: (N,) float64 mm, in the order of the cropped scan vertices.
    steps: accepted steps of the refinement; sum_of_squares: of the distances, mm^2.
    cpu_seconds: of this process for this pair, reading the prediction included, the scan not.
    findings: what looks wrong with the prediction; none of them changes a number.
    transform: from the prediction's own frame and unit to the scan, mm.
    """

    distances: FloatArray
    steps: int
    sum_of_squares: float
    cpu_seconds: float
    findings: tuple[Finding, ...]
    transform: Similarity


@dataclass(frozen=True)
class ReadPair:
    """A prediction whose files can be scored.

    mesh, landmarks: in its own frame and unit, the landmarks (7, 3).
    findings: what looks odd about them.
    """

    mesh: Mesh
    landmarks: FloatArray
    findings: list[Finding]


def read_pair(
    folder: PredictionFolder, key: str, scan_landmarks: FloatArray, mm_per_unit: float | None
) -> ReadPair:
    """Read one image of a predictions folder, and refuse what no alignment makes sense of.

    Args:
        folder, key, mm_per_unit: as in :func:`score_pair`.
        scan_landmarks: (7, 3) of the scan, mm.

    Raises:
        InputError: if the prediction is missing, unreadable or unscorable.
    """
    path = folder.mesh_file(key)
    mesh, notes = read_mesh_with_notes(path)
    landmarks = read_landmarks7(folder.landmark_file(key))
    findings = misread_findings(path, notes) + diagnose_prediction(mesh, landmarks)
    for finding in findings:
        if finding.name in UNSCORABLE:
            raise InputError(f"{key}: {finding}")
    if mm_per_unit is not None:
        _refuse_wrong_unit(key, diagnose_unit(landmarks, scan_landmarks, mm_per_unit))
    return ReadPair(mesh, landmarks, findings)


def score_pair(
    folder: PredictionFolder,
    key: str,
    scan: CroppedScan,
    *,
    mm_per_unit: float | None = None,
    mode: AlignmentMode = "official",
) -> PairScore:
    """Score one image of a predictions folder.

    Args:
        folder: of the method.
        key: of the image, ``subject/challenge/image``.
        scan: of its subject.
        mm_per_unit: None for the evaluation without scale, else the size of the prediction's unit.
        mode: ``official`` stops where the official evaluation stops, ``converged`` goes on.

    Raises:
        InputError: if the prediction is missing, unreadable or cannot be placed on the scan.
    """
    start = time.process_time()
    read = read_pair(folder, key, scan.landmarks, mm_per_unit)
    mesh, landmarks = read.mesh, read.landmarks
    try:
        alignment = align_to_scan(
            scan.points, scan.landmarks, mesh, landmarks, mm_per_unit=mm_per_unit, mode=mode
        )
    except ValueError as error:
        raise InputError(f"{key}: cannot be placed on the scan ({error}); check it.") from None
    if not np.isfinite(alignment.distances).all():
        raise InputError(f"{key}: the distances to the scan are not finite; check the mesh.")
    fit = diagnose_fit(scan, mesh, landmarks, alignment, mm_per_unit=mm_per_unit)
    return PairScore(
        alignment.distances,
        alignment.steps,
        alignment.sum_of_squares,
        time.process_time() - start,
        (*read.findings, *fit),
        alignment.transform,
    )


def _refuse_wrong_unit(key: str, findings: list[Finding]) -> None:
    """A mesh of another size than a face has no metrical error, only minutes of alignment."""
    for finding in findings:
        if finding.severity is Severity.ERROR:
            raise InputError(f"{key}: {finding}")
