"""DECA (Feng et al. 2021; github.com/yfeng95/DECA): FLAME meshes, metres.

- The NoW validation of its training code (``Trainer.evaluate``) sets expression and pose to zero
  and writes ``<subject>/<challenge>/<image>.obj`` and ``.npy`` (7, 3): neutral, taken as they are.
- ``demos/demo_reconstruct.py --saveObj True --saveMat True`` writes ``<name>/<name>.obj`` and
  ``<name>/<name>.mat``. That mesh carries expression, jaw and head pose, and no code of the shape
  is saved, so it cannot be made neutral afterwards. It is refused unless expressions are kept. Its
  landmarks are ``landmarks3d_world`` of the .mat; ``_kpt3d.txt`` is in image space and of no use.

``_detail.obj`` (displaced, with colours) is passed over. The landmark embedding of FLAME is
licensed, so without .mat and .npy it has to be given.
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
from focsbench.convert.mat_files import read_mat
from focsbench.convert.seven_points import read_seven_points
from focsbench.errors import InputError
from focsbench.geometry.io import read_mesh
from focsbench.types import FloatArray, Mesh, Reconstruction

FLAME_VERTICES = 5023
MM = 1000.0


class DECA:
    """See the module."""

    name: ClassVar[str] = "deca"
    label: ClassVar[str] = "DECA"
    reads: ClassVar[str] = (
        "NOW_validation folder (neutral); demo_reconstruct.py --saveObj True --saveMat True needs "
        "--keep-expression. m"
    )
    unit = "m"

    def __init__(self, options: Options) -> None:
        self._options = options
        self._points = None if options.landmarks is None else read_seven_points(options.landmarks)

    def find(self, folder: Path) -> Mapping[str, Path]:
        """See :class:`.adapter.Adapter`; ``<name>/<name>.obj`` is called ``<name>``."""
        found: dict[str, Path] = {}
        for name, path in outputs_below(folder, ".obj").items():
            if not name.endswith("_detail"):
                found[str(Path(name).parent) if _is_demo(path) else name] = path
        return found

    def read(self, path: Path) -> Reconstruction:
        """See :class:`.adapter.Adapter`."""
        if _is_demo(path) and not self._options.keep_expression:
            raise InputError(
                f"{path}: carries expression and pose; set codedict['exp'] and codedict['pose'] to "
                "zero before the mesh is saved, as DECA's own NoW evaluation does, or accept it "
                "with --keep-expression."
            )
        mesh = read_mesh(path)
        if len(mesh.vertices) != FLAME_VERTICES:
            raise InputError(
                f"{path}: has {len(mesh.vertices)} vertices instead of FLAME's {FLAME_VERTICES}; "
                "take the coarse mesh that DECA writes."
            )
        source, landmarks = self._landmarks(path, mesh)
        check_millimetres(source, landmarks, MM)
        return Reconstruction(neutral=mesh, landmarks7=landmarks)

    def _landmarks(self, path: Path, mesh: Mesh) -> tuple[Path, FloatArray]:
        """Return the landmarks, and the file that they are from."""
        if self._points is not None:
            return path, self._points.on(mesh)
        seven, details = path.with_suffix(".npy"), path.with_suffix(".mat")
        if seven.is_file():
            return seven, read_array(seven, (7, 3), "seven landmarks")
        if details.is_file():
            points = read_mat(details, {"landmarks3d_world": (68, 3)})["landmarks3d_world"]
            return details, points[list(NOW_IN_68)]
        raise InputError(
            f"{path}: has neither {seven.name} nor {details.name} beside it; save the .mat, or "
            "name the landmark embedding of FLAME with --landmarks."
        )


def _is_demo(path: Path) -> bool:
    """Whether a mesh is one of the demo: in a folder of its own name, without seven landmarks."""
    return path.parent.name == path.stem and not path.with_suffix(".npy").is_file()
