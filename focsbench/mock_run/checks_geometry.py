"""Checks of the meshes: unit, size, pose, landmarks, triangles."""

from __future__ import annotations

import numpy as np

from focsbench.geometry.diagnosis import diagnose_landmarks, diagnose_prediction
from focsbench.geometry.diagnosis_finding import Severity
from focsbench.geometry.diagnosis_landmarks import MEAN_LANDMARKS
from focsbench.geometry.procrustes import procrustes
from focsbench.geometry.scan_crop import eye_distance
from focsbench.mock_run.check import Check, Fault, NotApplicable
from focsbench.mock_run.subject import Answered, meshes
from focsbench.types import FloatArray, Mesh

_EYES_MM = (60.0, 120.0)  # between the outer corners; adults have 80 to 100
_SIZES = (0.75, 1.35)  # of a face against the mean face
_UNITS = {"m": 1000.0, "cm": 10.0, "inches": 25.4, "units of 0.1 mm": 0.1, "micrometres": 1e-3}
_TURN_DEGREES = 20.0
_OUTWARD = 0.0  # mean cosine of normals with the direction from the middle; closed shapes have 0.5
_OFF_MESH_MM = 12.0  # of a landmark from the nearest vertex; a very coarse mesh has such edges


def triangles_valid(subject: Answered) -> None:
    for key, (mesh, _) in meshes(subject).items():
        low, high = int(mesh.triangles.min()), int(mesh.triangles.max())
        if low < 0 or high >= len(mesh.vertices):
            raise Fault(
                f"{key}: a triangle names vertex {low if low < 0 else high} of "
                f"{len(mesh.vertices)}; count from 0."
            )


def mesh_sound(subject: Answered) -> None:
    """Findings of the evaluation itself, except those about landmarks."""
    for key, (mesh, landmarks) in meshes(subject).items():
        for finding in diagnose_prediction(mesh, landmarks):
            if "landmarks" not in finding.name:
                raise Fault(f"{key}: {finding}")


def triangles_outward(subject: Answered) -> None:
    for key, (mesh, _) in meshes(subject).items():
        if _outwardness(mesh) < _OUTWARD:
            raise Fault(
                f"{key}: the triangles face inwards; swap two corners of each (right-hand rule)."
            )


def _outwardness(mesh: Mesh) -> float:
    """Area-weighted mean cosine between normals and the direction from behind the face."""
    vertices = np.asarray(mesh.vertices, dtype=np.float64)
    corners = vertices[mesh.triangles]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    away = corners.mean(axis=1) - vertices.mean(axis=0)
    away /= np.maximum(np.linalg.norm(away, axis=1, keepdims=True), 1e-12)
    area = np.linalg.norm(normals, axis=1).sum()
    return float((normals * away).sum() / area) if area > 0 else 0.0


def one_topology(subject: Answered) -> None:
    first_key, first = "", None
    for key, (mesh, _) in meshes(subject).items():
        if first is None:
            first_key, first = key, mesh
        elif len(mesh.vertices) != len(first.vertices) or not np.array_equal(
            mesh.triangles, first.triangles
        ):
            raise Fault(
                f"{key}: other triangles than {first_key}; meshes of one method share a topology."
            )


def units_mm(subject: Answered) -> None:
    _require_unit(subject)
    for key, (_, landmarks) in meshes(subject).items():
        eyes = eye_distance(landmarks)
        if _EYES_MM[0] <= eyes <= _EYES_MM[1]:
            continue
        guess = [unit for unit, size in _UNITS.items() if _EYES_MM[0] <= eyes * size <= _EYES_MM[1]]
        hint = f"this looks like {guess[0]}; multiply by {_UNITS[guess[0]]:g}" if guess else ""
        raise Fault(
            f"{key}: the outer eye corners are {eyes:.3g} mm apart"
            f"{'; ' + hint if hint else ', where faces have 80 to 100'}."
        )


def size_plausible(subject: Answered) -> None:
    for key, (_, landmarks) in meshes(subject).items():
        scale = procrustes(MEAN_LANDMARKS, landmarks.astype(float), allow_reflection=True).scale
        if not _SIZES[0] <= scale <= _SIZES[1]:
            raise Fault(
                f"{key}: the face has {scale:.2f} times the size of the mean face; faces of adults "
                "differ by less."
            )


def landmarks_on_mesh(subject: Answered) -> None:
    _require_unit(subject)
    for key, (mesh, landmarks) in meshes(subject).items():
        gaps = np.linalg.norm(landmarks[:, None] - mesh.vertices[None], axis=2).min(axis=1)
        if gaps.max() > _OFF_MESH_MM:
            raise Fault(
                f"{key}: landmark {int(gaps.argmax())} is {gaps.max():.0f} mm off the mesh; give "
                "both in one frame."
            )


def landmark_order(subject: Answered) -> None:
    for key, (mesh, landmarks) in meshes(subject).items():
        for finding in diagnose_landmarks(mesh, landmarks):
            if finding.severity is Severity.ERROR:
                raise Fault(f"{key}: {finding}")


def subnasale(subject: Answered) -> None:
    for key, (mesh, landmarks) in meshes(subject).items():
        for finding in diagnose_landmarks(mesh, landmarks):
            if finding.name == "nose_tip_landmark":
                raise Fault(f"{key}: {finding}")


def neutral_pose(subject: Answered) -> None:
    _require_unit(subject)  # a folder in the plain official form may be in any frame
    for key, (_, landmarks) in meshes(subject).items():
        angle = _turn_degrees(landmarks)
        if angle > _TURN_DEGREES:
            raise Fault(
                f"{key}: the mesh is turned by {angle:.0f} degrees; give it without pose, x to "
                "the subject's left, y up, z out of the nose."
            )


def _turn_degrees(landmarks: FloatArray) -> float:
    rotation = procrustes(landmarks.astype(float), MEAN_LANDMARKS).rotation
    return float(np.degrees(np.arccos(np.clip((np.trace(rotation) - 1) / 2, -1, 1))))


def _require_unit(subject: Answered) -> None:
    if not subject.unit_known:
        raise NotApplicable("no manifest says in which unit and frame the meshes are")


CHECKS: tuple[Check[Answered], ...] = (
    Check(
        "triangles_valid", "Triangles name vertices that exist.", triangles_valid, ("mesh_finite",)
    ),
    Check(
        "mesh_sound",
        "No torn surface, zero-area or double triangles, stray vertices.",
        mesh_sound,
        ("triangles_valid",),
    ),
    Check(
        "triangles_outward",
        "Normals point out of the head by the right-hand rule.",
        triangles_outward,
        ("mesh_sound",),
    ),
    Check(
        "one_topology",
        "All meshes have the same triangles.",
        one_topology,
        ("triangles_valid",),
    ),
    Check("units_mm", "Meshes are in millimetres.", units_mm, ("mesh_finite",)),
    Check(
        "landmarks_on_mesh",
        "Landmarks lie on the mesh.",
        landmarks_on_mesh,
        ("units_mm",),
    ),
    Check(
        "landmark_order",
        "Landmarks are in the order of NoW and neither swapped nor mirrored.",
        landmark_order,
        ("mesh_finite", "triangles_valid"),
    ),
    Check(
        "size_plausible",
        "Faces have about the size of the mean face.",
        size_plausible,
        ("units_mm", "landmark_order"),
    ),
    Check(
        "subnasale",
        "The fifth landmark is the subnasale, not the tip of the nose.",
        subnasale,
        ("landmark_order",),
    ),
    Check(
        "neutral_pose",
        "Meshes look along z with y up: no head pose in them.",
        neutral_pose,
        ("landmark_order",),
    ),
)
