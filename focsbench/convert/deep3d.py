"""Deep3DFaceRecon_pytorch (github.com/sicxu): ``test.py`` writes ``<name>.obj``, ``<name>.mat``.

The .mat holds the coefficients (``id`` (1, 80), ``exp`` (1, 64), ...), the .obj the mesh before the
camera with expression, pose and vertex colours, in decimetres. With the face model that Deep3D
uses, ``BFM_model_front.mat`` (made from the licensed BFM 2009, so it has to be given), the neutral
mesh is computed from ``id`` and the landmarks are its ``keypoints``:

    S = meanshape - its centroid + idBase id

Without the model the .obj is taken as it is, which needs expressions to be kept and the vertices of
the landmarks to be named. Either way the mesh is the front of the face (35,709 vertices); NoW
scores such cropped meshes worse than whole heads.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np

from focsbench.convert.adapter import NOW_IN_68, Options, check_millimetres, outputs_below
from focsbench.convert.mat_files import read_mat
from focsbench.convert.seven_points import SevenPoints, read_seven_points
from focsbench.errors import ConfigError, InputError
from focsbench.geometry.io import read_mesh
from focsbench.types import FloatArray, IntArray, Mesh, Reconstruction

IDENTITY, EXPRESSION = 80, 64
MM = 100.0  # of a decimetre


class Deep3D:
    """See the module. Meshes are given in millimetres."""

    name: ClassVar[str] = "deep3d"
    label: ClassVar[str] = "Deep3D"
    reads: ClassVar[str] = (
        "test.py: NAME.mat with --model BFM_model_front.mat (neutral); or NAME.obj with "
        "--keep-expression --landmarks FILE. dm, written as mm"
    )
    unit = "mm"

    def __init__(self, options: Options) -> None:
        self._model = None if options.model is None else _read_model(options.model)
        self._points: SevenPoints | None = None
        if options.landmarks is not None:
            self._points = read_seven_points(options.landmarks)
        elif self._model is not None:
            self._points = self._model.seven
        if self._model is None and not (options.keep_expression and self._points is not None):
            raise ConfigError(
                "deep3d: the meshes carry expression and pose; name BFM_model_front.mat with "
                "--model, or accept them with --keep-expression and --landmarks FILE."
            )

    def find(self, folder: Path) -> Mapping[str, Path]:
        """See :class:`.adapter.Adapter`."""
        return outputs_below(folder, ".mat" if self._model is not None else ".obj")

    def read(self, path: Path) -> Reconstruction:
        """See :class:`.adapter.Adapter`."""
        parameters: dict[str, FloatArray] = {}
        if self._model is None:
            mesh = read_mesh(path)
            mesh = Mesh(mesh.vertices * MM, mesh.triangles)
        else:
            codes = read_mat(path, {"id": (IDENTITY,), "exp": (EXPRESSION,)})
            parameters = {"identity": codes["id"], "expression": codes["exp"]}
            mesh = self._model.neutral(codes["id"])
        assert self._points is not None
        landmarks = self._points.on(mesh)
        check_millimetres(path, landmarks, 1.0)
        return Reconstruction(neutral=mesh, landmarks7=landmarks, parameters=parameters)


class _Model:
    """Mean (V, 3) and identity basis (3V, 80) in decimetres, triangles (F, 3) counted from 0."""

    def __init__(
        self, mean: FloatArray, basis: FloatArray, triangles: IntArray, seven: SevenPoints
    ) -> None:
        with np.errstate(over="ignore", invalid="ignore"):
            self._mean = mean - mean.mean(axis=0)
        self._basis = basis
        self._triangles = triangles
        self.seven = seven

    def neutral(self, code: FloatArray) -> Mesh:
        """Return the mesh of an identity code (80,), mm."""
        with np.errstate(over="ignore", invalid="ignore"):  # the writer refuses what is not finite
            vertices = (self._mean + (self._basis @ code).reshape(-1, 3)) * MM
        return Mesh(vertices, self._triangles)


def _read_model(path: Path) -> _Model:
    found = read_mat(
        path,
        {
            "meanshape": (None,),
            "idBase": (None, IDENTITY),
            "tri": (None, 3),
            "keypoints": (68,),
        },
    )
    mean = found["meanshape"].reshape(-1, 3) if found["meanshape"].size % 3 == 0 else None
    # What is no number of a vertex becomes 0, which the check below refuses.
    triangles, keypoints = (
        np.where(np.abs(found[name]) < 1 << 31, found[name], 0).astype(np.int64) - 1
        for name in ("tri", "keypoints")
    )
    if (
        mean is None
        or len(found["idBase"]) != mean.size
        or min(triangles.min(), keypoints.min()) < 0
        or max(triangles.max(), keypoints.max()) >= len(mean)
    ):
        raise InputError(
            f"{path}: mean, basis, triangles and keypoints do not belong together; make "
            "BFM_model_front.mat again with Deep3D's own script."
        )
    seven = SevenPoints(path, vertices=keypoints[list(NOW_IN_68)])
    model = _Model(mean, found["idBase"], triangles, seven)
    check_millimetres(path, seven.on(model.neutral(np.zeros(IDENTITY))), 1.0)
    return model
