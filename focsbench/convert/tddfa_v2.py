"""3DDFA_V2 (Guo et al. 2020; github.com/cleardusk/3DDFA_V2).

- ``demo.py -o obj`` (or ply) writes ``<name>_obj.obj``: all faces of the photograph one after the
  other, 38,365 vertices each, with expression and pose, in pixels of the photograph with y up. Such
  meshes have no unit, and are accepted with one face and expressions kept.
- The neutral mesh needs the parameters, which the demo does not save. Save the first of what
  ``param_lst, roi_box_lst = tddfa(img, boxes)`` returns as ``<name>_param.npy`` (62,): 12 numbers
  of the pose, 40 of the shape, 10 of the expression. With ``--model bfm_noneck_v3.pkl`` (in the
  folder configs of the method, ``tri.pkl`` beside it) the shape is u + w_shp alpha, micrometres.

The landmarks are the ``keypoints`` of that file: rows of u, three for each of 68 points. Without
the file the vertices have to be named.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np

from focsbench.convert.adapter import (
    NOW_IN_68,
    Options,
    check_millimetres,
    outputs_below,
    read_array,
)
from focsbench.convert.seven_points import SevenPoints, read_seven_points, whole_numbers
from focsbench.data.restricted_pickle import numbers_of, read_pickle
from focsbench.errors import ConfigError, InputError
from focsbench.geometry.io import read_mesh
from focsbench.types import FloatArray, IntArray, Mesh, Reconstruction

VERTICES = 38_365
POSE, SHAPE, EXPRESSION = 12, 40, 10
MM = 1e-3  # of a micrometre


class TDDFAv2:
    """See the module."""

    name: ClassVar[str] = "3ddfa_v2"
    label: ClassVar[str] = "3DDFA V2"
    reads: ClassVar[str] = (
        "NAME_param.npy with --model bfm_noneck_v3.pkl (neutral, um, written as mm); or demo.py -o "
        "obj with --keep-expression (no unit)"
    )

    def __init__(self, options: Options) -> None:
        self._model = None if options.model is None else _read_model(options.model)
        self._posed = options.keep_expression
        self._points = None if options.landmarks is None else read_seven_points(options.landmarks)
        if self._points is None and self._model is not None:
            self._points = self._model.seven
        if self._points is None:
            raise ConfigError(
                "3ddfa_v2: the landmarks are in configs/bfm_noneck_v3.pkl of the method; name it "
                "with --model, or name the vertices with --landmarks FILE."
            )
        if self._model is None and not self._posed:
            raise ConfigError(
                "3ddfa_v2: the meshes carry expression and pose; save parameters and name "
                "bfm_noneck_v3.pkl with --model, or accept them with --keep-expression."
            )

    @property
    def unit(self) -> str | None:
        """Millimetres for parameters, none for meshes in pixels."""
        return None if self._posed else "mm"

    def find(self, folder: Path) -> Mapping[str, Path]:
        """See :class:`.adapter.Adapter`."""
        if self._posed:
            return outputs_below(folder, "_obj.obj", "_ply.ply")
        return outputs_below(folder, "_param.npy")

    def read(self, path: Path) -> Reconstruction:
        """See :class:`.adapter.Adapter`."""
        assert self._points is not None
        if self._posed:
            mesh = read_mesh(path)
            if len(mesh.vertices) != VERTICES:
                faces = len(mesh.vertices) / VERTICES
                raise InputError(
                    f"{path}: has {len(mesh.vertices)} vertices, which is {faces:.4g} faces of "
                    f"{VERTICES}; run the method on a photograph with one face."
                )
            return Reconstruction(neutral=mesh, landmarks7=self._points.on(mesh))
        assert self._model is not None
        code = read_array(path, (POSE + SHAPE + EXPRESSION,), "parameters")
        mesh = self._model.neutral(code[POSE : POSE + SHAPE])
        landmarks = self._points.on(mesh)
        check_millimetres(path, landmarks, 1.0)
        parameters = {
            "identity": code[POSE : POSE + SHAPE],
            "expression": code[POSE + SHAPE :],
            "pose": code[:POSE],
        }
        return Reconstruction(neutral=mesh, landmarks7=landmarks, parameters=parameters)


@dataclass(frozen=True)
class _Model:
    """Mean (3V,) and basis (3V, 40) in micrometres, triangles (F, 3), seven landmarks."""

    mean: FloatArray
    basis: FloatArray
    triangles: IntArray
    seven: SevenPoints

    def neutral(self, code: FloatArray) -> Mesh:
        """Return the mesh of a shape code (40,), mm."""
        with np.errstate(over="ignore", invalid="ignore"):  # the writer refuses what is not finite
            vertices = (self.mean + self.basis @ code).reshape(-1, 3) * MM
        return Mesh(vertices, self.triangles)


def _read_model(path: Path) -> _Model:
    content = read_pickle(path)
    beside = path.with_name("tri.pkl")
    if beside.is_file():
        content = {**_dictionary(path, content), "tri": read_pickle(beside)}
    mean = _numbers(path, content, "u").reshape(-1)
    basis = _numbers(path, content, "w_shp")
    rows = whole_numbers(_numbers(path, content, "keypoints").reshape(-1))
    triangles = whole_numbers(_numbers(beside if beside.is_file() else path, content, "tri"))
    if triangles.ndim == 2 and triangles.shape[0] == 3 != triangles.shape[1]:
        triangles = triangles.T
    vertices = len(mean) // 3
    if (
        len(mean) % 3
        or basis.ndim != 2
        or len(basis) != len(mean)
        or basis.shape[1] < SHAPE
        or triangles.ndim != 2
        or triangles.shape[1] != 3
        or not triangles.size
        or not 0 <= triangles.min() <= triangles.max() < vertices
        or rows.shape != (3 * 68,)
        or not 0 <= rows.min() <= rows.max() < len(mean)
    ):
        raise InputError(
            f"{path}: mean, basis, triangles and keypoints do not belong together; take "
            "bfm_noneck_v3.pkl and tri.pkl from the folder configs of 3DDFA_V2."
        )
    seven = SevenPoints(path, vertices=(rows[::3] // 3)[list(NOW_IN_68)])
    # The method saves its meshes with the corners in reverse, which lets normals point outward.
    model = _Model(mean, basis[:, :SHAPE], triangles[:, ::-1], seven)
    check_millimetres(path, seven.on(model.neutral(np.zeros(SHAPE))), 1.0)
    return model


def _numbers(path: Path, content: Any, name: str) -> FloatArray:
    array = numbers_of(_dictionary(path, content).get(name))
    if array is None or not array.size or not np.isfinite(array).all():
        raise InputError(
            f"{path}: has no array {name!r} of numbers; take bfm_noneck_v3.pkl and tri.pkl of "
            "3DDFA_V2 (configs)."
        )
    return np.asarray(array, dtype=np.float64)


def _dictionary(path: Path, content: Any) -> dict[str, Any]:
    if not isinstance(content, dict):
        raise InputError(f"{path}: is no dictionary; take bfm_noneck_v3.pkl of 3DDFA_V2 (configs).")
    return content
