"""Basel Face Model 2017 (Gerig et al. 2018), the face model of the paper.

The file of the University of Basel, ``model2017-1_bfm_nomouth.h5`` (53,149 vertices, the one the
authors use) or ``model2017-1_face12_nomouth.h5`` (28,588). It holds means, orthonormal principal
components and their variances, in millimetres and colours from 0 to 1; a coefficient of 1 becomes
one standard deviation here, as in the authors' code. The first 80 of 199 shape, 64 of 100
expression and 80 of 199 colour modes are used (paper 4.1). The mean of the expression model is not
zero: it belongs to every fitted face and is absent from neutral shapes.

Frame: the file's own axes (x to the subject's left, y up, z out of the nose), moved by -100 mm in
z as in the authors' code, so that their trained networks fit.

Which part of the head is rendered: the authors' list of vertices ``idxes_crop.pkl`` if it lies
beside the model, otherwise the cones of their first version, which need no file.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.data.restricted_pickle import numbers_of, read_pickle
from focsbench.errors import InputError
from focsbench.face_models import bfm2017_landmarks as tables
from focsbench.face_models.frame import NOW_LANDMARKS
from focsbench.face_models.hdf5_arrays import Hdf5Arrays
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.face_models.plausible import check_plausible

MODES = (80, 64, 80)  # identity, expression, albedo
SHIFT = np.array([0.0, 0.0, -100.0])  # mm
CROP_FILE = "idxes_crop.pkl"
_NORM_TOLERANCE = 0.02

Ids = NDArray[np.int64]


@dataclass(frozen=True)
class Variant:
    """One of the published meshes: its name here and elsewhere, its sizes, its landmarks."""

    name: str
    file: str
    vertices: int
    triangles: int
    landmarks68: tuple[int, ...]
    landmarks7: tuple[int, ...]


VARIANTS = (
    Variant(
        "bfm2017",
        "model2017-1_bfm_nomouth.h5",
        53149,
        105694,
        tables.NOMOUTH68,
        tables.NOMOUTH7,
    ),
    Variant(
        "bfm2017-face12",
        "model2017-1_face12_nomouth.h5",
        28588,
        56572,
        tables.FACE12_68,
        tuple(tables.FACE12_68[place] for place in NOW_LANDMARKS),
    ),
)


def files(path: Path) -> list[Path]:
    """Return the files that decide the model: the model, and the crop file beside it."""
    crop = path.parent / CROP_FILE
    return [path, crop] if crop.is_file() else [path]


def read(path: Path) -> MorphableModel:
    """Read the model from its HDF5 file.

    Raises:
        InputError: if the file is missing, damaged, another model, or in another unit.
    """
    with Hdf5Arrays(path) as file:
        variant = _variant(file)
        count = variant.vertices
        triangles = file.numbers("shape/representer/cells", (3, variant.triangles), np.int32).T
        if triangles.min() < 0 or triangles.max() >= count:
            raise InputError(
                f"{path}: shape/representer/cells names vertices that do not exist; "
                "get the original file again."
            )
        mean, identity = _components(file, "shape", count, MODES[0])
        expression_mean, expression = _components(file, "expression", count, MODES[1])
        mean_albedo, albedo = _components(file, "color", count, MODES[2])
    landmarks68, face = _face(path, variant, mean, triangles)
    model = MorphableModel(
        name=variant.name,
        mean_shape=(mean + SHIFT).astype(np.float32),
        identity_basis=identity,
        expression_basis=expression,
        mean_albedo=mean_albedo,
        albedo_basis=albedo,
        triangles=np.ascontiguousarray(triangles),
        landmarks68=landmarks68,
        landmarks7=np.array(variant.landmarks7, dtype=np.int64),
        regions={"face": face},
        expression_names=tuple(f"expression{mode:02d}" for mode in range(1, len(expression) + 1)),
        expression_mean=expression_mean,
    )
    check_plausible(model, path, "millimetres")
    return model


def contents(path: Path) -> list[str]:
    """Say what the file holds. Raises InputError as :func:`read`."""
    with Hdf5Arrays(path) as file:
        variant = _variant(file)
        lines = [f"mesh of {variant.file}"]
        for part in ("shape", "expression", "color"):
            names = ("mean", "pcaBasis", "pcaVariance")
            shapes = ", ".join(f"{name} {file.shape(f'{part}/model/{name}')}" for name in names)
            lines.append(f"{part}/model: {shapes}")
    crop = path.parent / CROP_FILE
    if variant is not VARIANTS[0] or not crop.is_file():
        return [*lines, f"face by formula (no {CROP_FILE} beside it, or not for this mesh)"]
    return [*lines, f"face by {CROP_FILE}: {len(read_crop(crop))} vertices"]


def analytic_crop(points: NDArray[np.floating[Any]]) -> NDArray[np.bool_]:
    """Vertices of the face (V,) by the cones of the authors' first published version.

    points: (V, 3) mean shape without mean expression, mm, in the frame of the file (no shift).
    """
    x, y, z = np.asarray(points, dtype=np.float64).T
    z_safe = np.where(z > 0, z, np.inf)  # vertices behind the origin fail the last condition
    u, v = x / z_safe, y / z_safe
    whole = (u / 100) ** 2 + (v / 0.75) ** 2 <= 1
    lower = (u / 100) ** 2 + ((y + 18) / z_safe / 0.62) ** 2 <= 1
    upper = (u / 3.2) ** 2 + ((y - 25) / z_safe / 0.92) ** 2 <= 1
    return np.asarray((whole | lower | upper) & (z + 0.05 * y > 20) & (z > 0))


def _variant(file: Hdf5Arrays) -> Variant:
    shape = file.shape("shape/model/mean")
    for variant in VARIANTS:
        if shape == (3 * variant.vertices,):
            return variant
    known = " or ".join(f"{item.file} ({item.vertices} vertices)" for item in VARIANTS)
    raise InputError(
        f"{file.path}: shape/model/mean has shape {shape}, which is no known mesh of the Basel "
        f"Face Model 2017; take {known}."
    )


def _components(
    file: Hdf5Arrays, part: str, count: int, modes: int
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Return the mean (V, 3) and the modes (K, V, 3) per sigma of one part of the model."""
    mean = file.numbers(f"{part}/model/mean", (3 * count,)).reshape(count, 3)
    variance = file.numbers(f"{part}/model/pcaVariance", (None,), np.float64, modes)
    available = file.shape(f"{part}/model/pcaVariance")[0]
    basis = file.numbers(f"{part}/model/pcaBasis", (3 * count, available), columns=modes)
    norms = np.sqrt(np.einsum("vk,vk->k", basis, basis, dtype=np.float64))
    if (variance < 0).any() or (np.abs(norms[variance > 0] - 1) > _NORM_TOLERANCE).any():
        raise InputError(
            f"{file.path}: the columns of {part}/model/pcaBasis are not of length 1 or variances "
            "are negative, so the modes are scaled otherwise; get the original file."
        )
    scaled = (basis * np.sqrt(variance).astype(np.float32)).T
    return mean, np.ascontiguousarray(scaled.reshape(-1, count, 3))


def _face(
    path: Path, variant: Variant, mean: NDArray[np.float32], triangles: NDArray[np.int32]
) -> tuple[Ids, NDArray[np.bool_]]:
    """Return the 68 landmarks and the region ``face``, with or without the authors' crop file."""
    landmarks = np.array(variant.landmarks68, dtype=np.int64)
    crop = path.parent / CROP_FILE
    if variant is VARIANTS[0] and crop.is_file():
        kept = read_crop(crop)
        face = np.zeros(len(mean), dtype=bool)
        face[kept] = True
        landmarks = kept[list(tables.CROP68)]
    else:
        face = analytic_crop(mean)
    # A landmark outside comes in with its triangles: the fit needs all of them.
    wanted = np.concatenate([landmarks, np.array(variant.landmarks7)])
    inside = face[triangles].all(axis=1)
    lost = np.setdiff1d(wanted, triangles[inside])
    face[triangles[np.isin(triangles, lost).any(axis=1)]] = True
    return landmarks, face


def read_crop(path: Path) -> Ids:
    """Return the vertices (M,) of the full mesh that the authors' crop keeps, in its order.

    Nothing in the pickle is executed. Raises InputError if it is not that file.
    """
    content = read_pickle(path)
    points = content.get("points") if isinstance(content, dict) else None
    numbers = numbers_of(points)
    ids = np.squeeze(np.zeros(0) if numbers is None else numbers)
    if (
        ids.ndim != 1
        or ids.dtype.kind not in "iu"
        or len(ids) <= max(tables.CROP68)
        or ids.min() < 0
        or ids.max() >= VARIANTS[0].vertices
        or len(np.unique(ids)) < len(ids)
    ):
        raise InputError(
            f"{path}: is not the authors' list of face vertices; get it from their repository "
            "again, or remove it to crop by formula."
        )
    return ids.astype(np.int64)
