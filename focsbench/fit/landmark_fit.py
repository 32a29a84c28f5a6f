"""Pose and shape from 68 landmarks alone: the start of the refinement.

Robust Gauss-Newton on the projected landmarks with the normal prior of the face model. Detectors
put the jaw points on the visible outline, which slides over the skin as the head turns: the jaw
vertices are therefore chosen again in every step (outermost vertex at the height of the point).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from focsbench.face_models.morphable_model import MorphableModel
from focsbench.rendering.camera import CAMERA_DISTANCE, focal_length, principal_point
from focsbench.rendering.camera import rotation_matrix as torch_rotation
from focsbench.types import BoolArray, FloatArray, IntArray

STEPS = 15
NOISE = 0.009  # of a landmark, in widths of the crop: 2 px at 224
TOLERANCE = 2.5  # multiples of the noise beyond which a landmark counts less (Cauchy)
JAW_WEIGHT = 0.3  # of points 0 to 16, whose place along the outline is arbitrary
DEPTH_MM = 60.0  # prior of the translation along the view; perspective alone hardly shows it
HEIGHT_MM = 3.0  # vertices this near in height to a jaw point may stand for it
SLIDING = (0, 1, 2, 3, 4, 5, 11, 12, 13, 14, 15, 16)  # the chin keeps its vertices


@dataclass
class Pose:
    """What the landmarks say: identity (I,), expression (E,), angles (3,) rad, translation mm."""

    identity: FloatArray
    expression: FloatArray
    angles: FloatArray
    translation: FloatArray


def fit_landmarks(
    model: MorphableModel, landmarks: FloatArray, image_size: int, start: Pose
) -> tuple[Pose, IntArray]:
    """Fit pose, identity and expression to landmarks.

    Args:
        model: its part that is drawn (the jaw points slide over its vertices).
        landmarks: (68, 2) pixels of the aligned crop.
        image_size: side of the crop, pixels.
        start: where the iteration begins; shapes as in `Pose`.

    Returns:
        The pose, and the (68,) vertices that stand for the landmarks under it.
    """
    jaw = _Jaw(model)
    pose = start
    noise = NOISE * image_size
    base = np.ones(68)
    base[:17] = JAW_WEIGHT
    for _ in range(STEPS):
        vertices = jaw.vertices(pose)
        seen, jacobian = _project(model, vertices, pose, image_size)
        off = (landmarks - seen) / noise
        weights = base / (1 + (off**2).sum(axis=1) / TOLERANCE**2)
        pose = _step(pose, off, jacobian / noise, np.repeat(weights, 2))
    return pose, jaw.vertices(pose)


def _step(pose: Pose, off: FloatArray, jacobian: FloatArray, weights: FloatArray) -> Pose:
    """One damped Gauss-Newton step of the weighted residuals and the prior."""
    kinds = [pose.identity, pose.expression, pose.angles, pose.translation]
    now = np.concatenate(kinds)
    shape = len(pose.identity) + len(pose.expression)
    precision = np.concatenate([np.ones(shape), np.zeros(5), [1 / DEPTH_MM**2]])
    weighted = jacobian * weights[:, None]
    normal = jacobian.T @ weighted + np.diag(precision) + 1e-6 * np.eye(len(now))
    step = np.linalg.solve(normal, weighted.T @ off.reshape(-1) - precision * now)
    first, second = len(pose.identity), shape
    # A rotation far outside the linear range would not come back.
    turn = np.clip(step[second : second + 3], -0.3, 0.3)
    return Pose(
        pose.identity + step[:first],
        pose.expression + step[first:second],
        pose.angles + turn,
        pose.translation + step[second + 3 :],
    )


def _project(
    model: MorphableModel, vertices: IntArray, pose: Pose, image_size: int
) -> tuple[FloatArray, FloatArray]:
    """Pixels (68, 2) of vertices and their derivatives (136, parameters)."""
    bases = np.concatenate(
        [model.identity_basis[:, vertices], model.expression_basis[:, vertices]]
    ).astype(np.float64)  # (144, 68, 3)
    weights = np.concatenate([pose.identity, pose.expression])
    points = model.fitted_mean[vertices] + np.tensordot(weights, bases, axes=1)
    rotation = _rotation(pose.angles)
    offset = pose.translation + np.array([0.0, 0.0, CAMERA_DISTANCE])
    camera = points @ rotation.T + offset
    depth = np.maximum(camera[:, 2:], 1.0)
    focal = focal_length(image_size)
    seen = focal * camera[:, :2] / depth + principal_point(image_size)

    def on_image(moved: FloatArray) -> FloatArray:
        """Derivative of the pixels for a movement (..., 68, 3) in camera axes."""
        return np.asarray(focal * (moved[..., :2] - moved[..., 2:] * camera[:, :2] / depth) / depth)

    tiny = 1e-5
    turned = [
        points @ ((_rotation(pose.angles + tiny * axis) - rotation) / tiny).T for axis in np.eye(3)
    ]
    shifted = [np.broadcast_to(axis, points.shape) for axis in np.eye(3)]
    columns = np.concatenate([on_image(bases @ rotation.T), on_image(np.stack(turned + shifted))])
    return seen, columns.reshape(len(columns), -1).T


def _rotation(angles: FloatArray) -> FloatArray:
    tensor = torch.from_numpy(np.asarray(angles, dtype=np.float64))[None]
    return torch_rotation(tensor)[0].numpy()


class _Jaw:
    """Chooses the vertices that stand for the landmarks under a pose."""

    def __init__(self, model: MorphableModel) -> None:
        self._model = model
        mean = model.fitted_mean
        self._candidates: list[tuple[int, IntArray]] = []
        for number in SLIDING:
            point = mean[model.landmarks68[number]]
            near: BoolArray = np.abs(mean[:, 1] - point[1]) < HEIGHT_MM
            same_side: BoolArray = mean[:, 0] * point[0] > 0
            self._candidates.append((number, np.flatnonzero(near & same_side)))

    def vertices(self, pose: Pose) -> IntArray:
        """(68,) vertex numbers: those of the model, the outermost ones along the jaw."""
        model = self._model
        chosen = model.landmarks68.copy()
        shape = model.shape(pose.identity, pose.expression)
        across = _rotation(pose.angles)[0]
        x = shape @ across  # to the right of the picture
        for number, candidates in self._candidates:
            if len(candidates):
                # Points 0 to 8 are on the subject's right: the left of the picture.
                outermost = np.argmin if number < 8 else np.argmax
                chosen[number] = candidates[outermost(x[candidates])]
        return chosen
