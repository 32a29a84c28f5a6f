"""Does a face model that was just read look like a face in millimetres? Cheap, with a reason."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import InputError
from focsbench.face_models.morphable_model import MorphableModel

EYE_CORNERS_MM = (65.0, 125.0)  # outer eye corners of adults are some 90 mm apart
FIRST_MODE_MM = (0.05, 15.0)  # RMS movement of a vertex by one sigma of the first identity mode
_MM_PER = {
    "micrometres": 1e-3, "millimetres": 1.0, "centimetres": 10.0, "decimetres": 100.0,
    "metres": 1000.0,
}  # fmt: skip
_RIGHT_EYE, _LEFT_EYE, _BROWS, _MOUTH, _NOSE_TIP = 36, 45, slice(17, 27), slice(48, 60), 30


def check_plausible(model: MorphableModel, path: Path, unit: str) -> None:
    """Check units, axes, winding, sigmas and colours of a model read from ``path``.

    Args:
        model: in the project's frame, if the file is what it should be.
        path: file or folder that the messages name.
        unit: what the source keeps its shapes in: a name in `_MM_PER`.

    Raises:
        InputError: one sentence with what is wrong and what to do.
    """
    for reason in (_unit(model, unit), _axes(model), _modes(model), _colours(model)):
        if reason:
            raise InputError(f"{path}: {reason}.")


def _unit(model: MorphableModel, unit: str) -> str:
    right, left = model.fitted_mean[model.landmarks68[[_RIGHT_EYE, _LEFT_EYE]]]
    distance = float(np.linalg.norm(left - right))
    low, high = EYE_CORNERS_MM
    if low <= distance <= high:
        return ""
    for name, size in _MM_PER.items():
        if low <= distance * size / _MM_PER[unit] <= high:
            return (
                f"its outer eye corners are {distance:.3g} mm apart instead of some 90, as if it "
                f"were in {name}; get the original file, which is in {unit}"
            )
    return (
        f"its outer eye corners are {distance:.3g} mm apart instead of some 90, so the vertices "
        "are in another order or unit; get the original file"
    )


def _axes(model: MorphableModel) -> str:
    points = model.fitted_mean[model.landmarks68]
    eyes = points[[_RIGHT_EYE, _LEFT_EYE]]
    upright = points[_BROWS, 1].mean() > points[_MOUTH, 1].mean()
    forward = points[_NOSE_TIP, 2] > eyes[:, 2].max()
    if not (upright and forward and eyes[0, 0] < eyes[1, 0]):
        return (
            "its landmarks are not where a face has them (x to the subject's left, y up, z out of "
            "the nose), so axes or the order of vertices differ; get the original file"
        )
    face = model.regions["face"][model.triangles].all(axis=1)
    if looks_inwards(model.mean_shape, model.triangles[face]):
        return "its triangles look inwards; get the original file"
    return ""


def looks_inwards(vertices: NDArray[np.floating[Any]], triangles: NDArray[np.integer[Any]]) -> bool:
    """Tell whether the triangles of a face (z out of the nose) are clockwise from outside."""
    a, b, c = np.moveaxis(vertices[triangles], 1, 0)
    return bool(np.cross(b - a, c - a)[:, 2].sum() <= 0)


def _modes(model: MorphableModel) -> str:
    if not len(model.identity_basis):
        return "it has no identity modes; get the original file"
    moved = float(np.sqrt((model.identity_basis[0] ** 2).sum(axis=1).mean()))
    low, high = FIRST_MODE_MM
    if low <= moved <= high:
        return ""
    return (
        f"one sigma of its first identity mode moves a vertex by {moved:.3g} mm (RMS) instead of "
        f"{low:g} to {high:g}, so the modes are scaled otherwise; get the original file"
    )


def _colours(model: MorphableModel) -> str:
    face = model.mean_albedo[model.regions["face"]]
    if face.min() < -0.2 or face.max() > 1.2:
        return (
            f"its mean colours reach from {face.min():.3g} to {face.max():.3g} instead of 0 to 1, "
            "so their range is another one; get the original file"
        )
    if face.mean() < 0.05:
        return "its mean colours are black, so their range is another one; get the original file"
    return ""
