"""MICA (Zielonka et al. 2022; github.com/Zielon/MICA): FLAME shape without expression, mm.

Two forms, both metrical and neutral:

- ``demo.py``: ``<name>/mesh.ply`` (or .obj), ``<name>/kpt7.npy`` (7, 3), ``<name>/kpt68.npy``,
  ``<name>/identity.npy`` (300,); the vertices are multiplied by 1000 there, so millimetres;
- ``test.py`` on NoW: ``<subject>/<challenge>/<image>.ply`` and ``.npy``, already the official form.

The seven landmarks come with the mesh (``kpt7``, else taken out of ``kpt68``).
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from focsbench.convert.adapter import (
    NOW_IN_68,
    Options,
    check_millimetres,
    outputs_below,
    read_array,
)
from focsbench.convert.seven_points import read_seven_points
from focsbench.errors import InputError
from focsbench.geometry.io import read_mesh
from focsbench.types import FloatArray, Mesh, Reconstruction

IDENTITY = 300


class MICA:
    """See the module."""

    name: ClassVar[str] = "mica"
    label: ClassVar[str] = "MICA"
    reads: ClassVar[str] = (
        "demo.py: NAME/mesh.ply with kpt7.npy; test.py: the predicted_meshes folder. mm, neutral"
    )
    unit = "mm"

    def __init__(self, options: Options) -> None:
        self._points = None if options.landmarks is None else read_seven_points(options.landmarks)

    def find(self, folder: Path) -> Mapping[str, Path]:
        """See :class:`.adapter.Adapter`."""
        found = outputs_below(folder, "/mesh.ply", "/mesh.obj")
        if found:
            return found
        return outputs_below(folder, ".ply", ".obj")

    def read(self, path: Path) -> Reconstruction:
        """See :class:`.adapter.Adapter`."""
        mesh = read_mesh(path)
        source, landmarks = self._landmarks(path, mesh)
        check_millimetres(source, landmarks, 1.0)
        identity = path.with_name("identity.npy")
        parameters = {}
        if path.stem == "mesh" and identity.is_file():
            parameters["identity"] = read_array(identity, (IDENTITY,), "shape code of FLAME")
        return Reconstruction(neutral=mesh, landmarks7=landmarks, parameters=parameters)

    def _landmarks(self, path: Path, mesh: Mesh) -> tuple[Path, FloatArray]:
        """Return the landmarks, and the file that they are from."""
        if self._points is not None:
            return path, self._points.on(mesh)
        seven = path.with_name("kpt7.npy") if path.stem == "mesh" else path.with_suffix(".npy")
        if seven.is_file():
            return seven, read_array(seven, (7, 3), "seven landmarks")
        all_68 = path.with_name("kpt68.npy")
        if path.stem == "mesh" and all_68.is_file():
            return all_68, read_array(all_68, (68, 3), "68 landmarks")[list(NOW_IN_68)]
        raise InputError(f"{seven}: the landmarks are missing; keep what MICA writes together.")
