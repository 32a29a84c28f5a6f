"""Findings about the seven landmarks of a prediction, against those of a scan or of a mean face.

All thresholds are shares of the distance between the outer eye corners (about 90 mm). The figures
beside them were measured on nine reference pairs with official results and on the twenty heads of
the embedded benchmark: mean faces and landmark noise of 2 mm stay below 0.07 in the root mean
square, and any permutation of the seven except the mirror image raises it above 0.14.
"""

from __future__ import annotations

from itertools import permutations

import numpy as np

from focsbench.geometry.diagnosis_finding import Finding, error, warning
from focsbench.geometry.diagnosis_kernels import protrusion
from focsbench.geometry.procrustes import Similarity, procrustes
from focsbench.geometry.scan_crop import eye_distance
from focsbench.types import FloatArray, IntArray

NAMES = (
    "right eye outer corner",
    "right eye inner corner",
    "left eye inner corner",
    "left eye outer corner",
    "subnasale",
    "right mouth corner",
    "left mouth corner",
)
SUBNASALE = 4
MIRRORED_ORDER = (3, 2, 1, 0, 4, 6, 5)

# The seven landmarks of the mean of the face model anny, mm, x to the subject's left, y up.
MEAN_LANDMARKS = np.array(
    [
        [-41.5, 29.7, 13.7],
        [-16.5, 28.3, 17.5],
        [16.5, 28.3, 17.5],
        [41.5, 29.7, 13.7],
        [0.0, -17.5, 35.1],
        [-23.4, -37.2, 24.1],
        [23.4, -37.2, 24.1],
    ]
)

MISFIT = 0.1  # root mean square from which another order is tried
STRANGE = 0.15  # from here they are no landmarks of a face; a wide grin makes 0.10
REMEDY = 0.6  # another order explains a misfit if it leaves less than this share of it
NOSE_TIP_DEPTH = 0.05  # the nose stands out over the subnasale by 0.13 to 0.24
NOSE_REACH = 0.4  # the tip is within this distance of the subnasale
CLEAR_FACING = 0.15  # mean cosine of face normals with the viewing direction; 0.3 to 0.7 measured


def face_frame(landmarks: FloatArray) -> FloatArray:
    """Return (3, 3) rows: unit vectors to the subject's left, up and out of the face.

    Args:
        landmarks: (7, 3) in the order of the benchmark, not mirrored.
    """
    left = _unit(landmarks[3] - landmarks[0])
    rise = landmarks[:4].mean(axis=0) - landmarks[5:].mean(axis=0)
    up = _unit(rise - (rise @ left) * left)
    return np.stack([left, up, np.cross(left, up)])


def _unit(vector: FloatArray) -> FloatArray:
    length = np.linalg.norm(vector)
    return vector / length if length > 0 else vector


def landmark_findings(
    vertices: FloatArray, triangles: IntArray, landmarks: FloatArray, reference: FloatArray
) -> list[Finding]:
    """Judge order, handedness and kind of the landmarks of a prediction.

    Args:
        vertices, triangles: (V, 3), (F, 3) of the prediction, any unit.
        landmarks: (7, 3) of the prediction, float64, not all in one place.
        reference: (7, 3) landmarks they should resemble, right-handed.
    """
    start = procrustes(landmarks, reference, allow_reflection=True)
    placed = start.apply(landmarks)
    misfit = float(np.sqrt(((placed - reference) ** 2).sum(axis=1).mean()))
    if misfit > MISFIT * eye_distance(reference):
        found = _misfit_findings(landmarks, reference, misfit)
        if found:
            return found
    if start.is_mirror:
        return [_mirror_finding(vertices, triangles, start, reference)]
    return _nose_findings(vertices, landmarks, face_frame(landmarks))


def _misfit_findings(landmarks: FloatArray, reference: FloatArray, misfit: float) -> list[Finding]:
    order, rest = _best_order(landmarks, reference)
    if rest < REMEDY * misfit:
        given = ", ".join(str(i) for i in order)
        moved = [f"row {i} looks like the {NAMES[k]}" for k, i in enumerate(order) if i != k]
        found = error(
            "wrong_landmark_order",
            f"the landmarks fit much better in the order {given} ({'; '.join(moved)}); write them "
            "in the order of the benchmark, right being the subject's right.",
        )
    elif misfit > STRANGE * eye_distance(reference):
        found = error(
            "landmarks_do_not_fit",
            f"the seven landmarks miss those of a face by {misfit:.0f} mm in any order; take the "
            "eye corners, the subnasale and the mouth corners on the mesh (iBUG-68 numbers 36, "
            "39, 42, 45, 33, 48, 54).",
        )
    else:
        return []
    return [found]


def _best_order(landmarks: FloatArray, reference: FloatArray) -> tuple[tuple[int, ...], float]:
    """Return the order of the landmarks that fits without mirroring, and its misfit.

    The rows ``landmarks[order]`` belong to the rows of the reference.
    """
    orders = np.array(list(permutations(range(7))))
    target = reference - reference.mean(axis=0)
    source = landmarks - landmarks.mean(axis=0)
    size = float(np.linalg.norm(target))
    product = np.einsum("ki,pkj->pij", target / size, (source / np.linalg.norm(source))[orders])
    singular = np.linalg.svd(product, compute_uv=False)
    proper = singular[:, 0] + singular[:, 1]
    proper += np.where(np.linalg.det(product) < 0, -1, 1) * singular[:, 2]
    best = int(proper.argmax())
    rest = size * np.sqrt(max(1 - proper[best] ** 2, 0) / len(reference))
    return tuple(int(i) for i in orders[best]), float(rest)


def _mirror_finding(
    vertices: FloatArray, triangles: IntArray, start: Similarity, reference: FloatArray
) -> Finding:
    """Tell a mirrored mesh from swapped landmarks by the side to which the triangles face.

    A face and its mirror image are nearly the same shape, so only the winding can tell: software
    that flips an axis rarely rewinds the triangles.
    """
    placed = start.apply(vertices)
    near = np.linalg.norm(placed - reference.mean(axis=0), axis=1) < eye_distance(reference) / 2
    a, b, c = np.moveaxis(placed[triangles[near[triangles].all(axis=1)]], 1, 0)
    normals = np.cross(b - a, c - a)
    area = np.linalg.norm(normals, axis=1).sum()
    facing = float((normals @ face_frame(reference)[2]).sum() / area) if area > 0 else 0.0
    if facing > CLEAR_FACING:
        return error(
            "mirrored_mesh",
            "the face is a mirror image and its triangles face inwards, so an axis is flipped "
            "(often y, in image coordinates); negate it in the mesh and in the landmarks.",
        )
    if facing < -CLEAR_FACING:
        return error(
            "landmarks_left_right_swapped",
            "the landmarks say mirror image but the triangles face outwards, so left and right "
            f"are swapped; reorder the rows as {', '.join(map(str, MIRRORED_ORDER))} (right is "
            "the subject's right).",
        )
    return error(
        "mirrored_fit",
        "the landmarks fit only as a mirror image; undo the flipped axis of the mesh, or swap the "
        "landmarks of the left and right side.",
    )


def _nose_findings(vertices: FloatArray, landmarks: FloatArray, frame: FloatArray) -> list[Finding]:
    """Say so if nothing near the fifth landmark stands out further than it: it is the tip."""
    eyes = eye_distance(landmarks)
    nose = protrusion(vertices, landmarks[SUBNASALE], frame[2], NOSE_REACH * eyes)
    if nose > NOSE_TIP_DEPTH * eyes or nose == -np.inf:
        return []
    return [
        warning(
            "nose_tip_landmark",
            "the fifth landmark is the tip of the nose; take the subnasale, where the nose meets "
            "the upper lip (iBUG-68 number 33, not 30).",
        )
    ]
