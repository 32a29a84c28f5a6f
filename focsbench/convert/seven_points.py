"""Where the seven landmarks of NoW are on a topology: vertices, or points in triangles.

Forms of a landmark file:

- text: 7 or 68 whole numbers, vertices counted from 0 (of 68, iBUG order, seven are taken);
- ``flame_static_embedding.pkl`` of FLAME: ``lmk_face_idx`` (51,), ``lmk_b_coords`` (51, 3);
- ``landmark_embedding.npy`` of DECA: ``static_lmk_faces_idx``, ``static_lmk_bary_coords`` alike.

The last two come with FLAME and DECA, under their licences; of the 51 points (iBUG without the jaw)
seven are taken. They are read without running what a pickle asks for.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.convert.adapter import NOW_IN_68
from focsbench.data.restricted_pickle import numbers_of, read_object_npy, read_pickle
from focsbench.errors import InputError, brief
from focsbench.geometry.barycentric import surface_points
from focsbench.types import FloatArray, IntArray, Mesh
from focsbench.user_files import read_text

# Names of triangles and weights in the two files.
_ENTRIES = (
    ("lmk_face_idx", "lmk_b_coords"),
    ("static_lmk_faces_idx", "static_lmk_bary_coords"),
)
JAW = 17  # points of iBUG-68 that the static embedding of FLAME lacks
_TEXT_BYTES = 1 << 20
_LARGEST_NUMBER = 1 << 31


@dataclass(frozen=True)
class SevenPoints:
    """Seven points of a topology: triangles (7,) and corner weights (7, 3), or vertices (7,)."""

    source: Path
    vertices: IntArray | None = None
    triangles: IntArray | None = None
    weights: FloatArray | None = None

    def on(self, mesh: Mesh) -> FloatArray:
        """Return the (7, 3) points on a mesh.

        Raises:
            InputError: if the mesh has not so many vertices or triangles.
        """
        numbers = self.vertices if self.vertices is not None else self.triangles
        assert numbers is not None
        count = len(mesh.vertices) if self.vertices is not None else len(mesh.triangles)
        if numbers.min() < 0 or numbers.max() >= count:
            what = "vertices" if self.vertices is not None else "triangles"
            raise InputError(
                f"{self.source}: names number {numbers.max()} of a mesh with {count} {what}; take "
                "the landmarks of this method's own topology."
            )
        if self.vertices is not None:
            return mesh.vertices[self.vertices]
        assert self.weights is not None
        return surface_points(mesh.vertices, mesh.triangles, numbers, self.weights)


def read_seven_points(path: Path) -> SevenPoints:
    """Read a landmark file in one of the forms of the module.

    Raises:
        InputError: if it is missing, damaged or of another form.
    """
    if path.suffix == ".pkl":
        return _embedding(path, read_pickle(path))
    if path.suffix == ".npy":
        # DECA keeps torch tensors beside these arrays, which nobody has to unpickle.
        return _embedding(path, read_object_npy(path, only=_ENTRIES[1]))
    text = read_text(path, "list of vertex numbers", _TEXT_BYTES)
    try:
        numbers = [int(word) for word in text.replace(",", " ").split()]
    except ValueError as error:
        raise InputError(
            f"{path}: not readable as vertex numbers ({brief(error)}); write 7 or 68 whole numbers."
        ) from None
    if len(numbers) not in (7, 68):
        raise InputError(
            f"{path}: has {len(numbers)} numbers; write 7 (order of NoW) or 68 (iBUG)."
        )
    if max(map(abs, numbers)) > _LARGEST_NUMBER:
        raise InputError(f"{path}: no mesh has so many vertices; write the numbers of vertices.")
    ids = np.array(numbers)
    return SevenPoints(path, vertices=ids if len(ids) == 7 else ids[list(NOW_IN_68)])


def _embedding(path: Path, content: Any) -> SevenPoints:
    for faces, weights in _ENTRIES:
        if isinstance(content, dict) and faces in content and weights in content:
            triangles, corners = (numbers_of(content[name]) for name in (faces, weights))
            if (
                triangles is not None
                and corners is not None
                and triangles.shape == (51,)
                and corners.shape == (51, 3)
            ):
                chosen = [number - JAW for number in NOW_IN_68]
                return SevenPoints(
                    path,
                    triangles=whole_numbers(triangles[chosen]),
                    weights=corners[chosen].astype(np.float64),
                )
    raise InputError(
        f"{path}: holds no static landmark embedding of 51 points; take "
        "flame_static_embedding.pkl of FLAME or landmark_embedding.npy of DECA."
    )


def whole_numbers(numbers: NDArray[Any]) -> IntArray:
    """Convert to whole numbers; what is none in any mesh becomes -1."""
    numbers = np.asarray(numbers, dtype=np.float64)
    return np.where(np.abs(numbers) < 1 << 31, numbers, -1).astype(np.int64)
