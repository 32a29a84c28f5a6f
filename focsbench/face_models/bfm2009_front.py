"""The front of the Basel Face Model 2009 (Paysan et al.) as Deep3D packs it.

``BFM_model_front.mat``, which Deep3D's own script makes of the University of Basel's
``01_MorphableModel.mat`` and the expression modes of Guo et al.: 35,709 vertices, 80 identity, 64
expression and 80 colour modes that are already scaled by their standard deviations. Lengths are
decimetres and colours 0 to 255 there, millimetres and 0 to 1 here; vertices, modes and their order
stay, and triangles end up counter-clockwise seen from outside. Deep3D subtracts the centroid of the
mean shape when it loads the file; so does this module, so 100 times Deep3D's coordinates are those
here.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import InputError
from focsbench.face_models.frame import NOW_LANDMARKS
from focsbench.face_models.mat_arrays import mat_shapes, read_mat
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.face_models.plausible import check_plausible, looks_inwards

VERTICES, TRIANGLES = 35709, 70789
IDENTITY, EXPRESSION, ALBEDO = 80, 64, 80
FRONT, SKIN = "frontmask2_idx", "skinmask"
MM_PER_DM, COLOURS = 100.0, 255.0
RAW = "shapeMU"  # an array of the University's own file
_SIZE = 3 * VERTICES
SHAPES = {
    "meanshape": (1, _SIZE),
    "idBase": (_SIZE, IDENTITY),
    "exBase": (_SIZE, EXPRESSION),
    "meantex": (1, _SIZE),
    "texBase": (_SIZE, ALBEDO),
    "tri": (TRIANGLES, 3),
    "keypoints": (1, 68),
    FRONT: (27660, 1),
    SKIN: (1, VERTICES),
}


def files(path: Path) -> list[Path]:
    """Return the files that decide the model: the one."""
    return [path]


def read(path: Path) -> MorphableModel:
    """Read the model from Deep3D's file.

    Raises:
        InputError: if the file is missing, damaged, another model, or in another unit.
    """
    if RAW in mat_shapes(path):
        raise InputError(
            f"{path}: is the Basel Face Model 2009 as the University hands it out; pack it with "
            "Deep3D's script first, which writes BFM_model_front.mat."
        )
    return from_arrays(read_mat(path, SHAPES), path)


def contents(path: Path) -> list[str]:
    """Say what the file holds. Raises InputError as :func:`read`."""
    return [", ".join(f"{name} {shape}" for name, shape in mat_shapes(path).items())]


def from_arrays(arrays: Mapping[str, NDArray[Any]], path: Path) -> MorphableModel:
    """Make the model of the arrays of :data:`SHAPES`, in the file's units and order.

    path: named in messages. Raises InputError as :func:`read`.
    """
    mean = arrays["meanshape"].reshape(-1, 3).astype(np.float64)
    triangles = _ids(path, "tri", arrays["tri"], VERTICES).astype(np.int32)
    if looks_inwards(mean, triangles):  # Deep3D draws both sides, so it could be either way
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    landmarks = _ids(path, "keypoints", arrays["keypoints"].ravel(), VERTICES)
    front = np.zeros(VERTICES, dtype=bool)
    front[_ids(path, FRONT, arrays[FRONT].ravel(), VERTICES)] = True
    model = MorphableModel(
        name="bfm2009_front",
        mean_shape=((mean - mean.mean(axis=0)) * MM_PER_DM).astype(np.float32),
        identity_basis=_modes(arrays["idBase"], MM_PER_DM),
        expression_basis=_modes(arrays["exBase"], MM_PER_DM),
        mean_albedo=(arrays["meantex"].reshape(-1, 3) / COLOURS).astype(np.float32),
        albedo_basis=_modes(arrays["texBase"], 1 / COLOURS),
        triangles=triangles,
        landmarks68=landmarks,
        landmarks7=landmarks[list(NOW_LANDMARKS)],
        regions={
            "face": np.ones(VERTICES, dtype=bool),  # the file holds nothing but the face
            "front": front,
            "skin": arrays[SKIN].ravel() > 0,
        },
        expression_names=tuple(f"expression{mode:02d}" for mode in range(1, EXPRESSION + 1)),
    )
    check_plausible(model, path, "decimetres")
    return model


def _modes(basis: NDArray[Any], factor: float) -> NDArray[np.float32]:
    """(3N, K) to (K, N, 3), scaled."""
    modes = basis.T.astype(np.float32) * np.float32(factor)
    return np.ascontiguousarray(modes.reshape(basis.shape[1], -1, 3))


def _ids(path: Path, name: str, numbers: NDArray[Any], count: int) -> NDArray[np.int64]:
    """Numbers from 1, as MATLAB counts, to vertices from 0."""
    ids = numbers.astype(np.int64) - 1
    if (numbers != ids + 1).any() or ids.min() < 0 or ids.max() >= count:
        raise InputError(
            f"{path}: {name} has numbers outside 1 to {count}; get the original file again."
        )
    return ids
