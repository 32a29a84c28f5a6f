"""Reading and writing meshes (.obj, .ply) and the seven landmarks (.npy, .txt, .pp).

Vertices keep their number and order: distances and landmark indices refer to them. Every reader
either returns usable arrays or raises one InputError that names the file and what to do.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np

from focsbench.errors import InputError, brief
from focsbench.geometry.landmark_files import parse_npy, parse_picked_points, parse_txt
from focsbench.geometry.obj import parse_obj
from focsbench.geometry.ply import parse_ply
from focsbench.types import FloatArray, IntArray, Mesh
from focsbench.user_files import read_bytes

MESH_SUFFIXES = (".obj", ".ply")
_OFFICIAL_MISTAKES = {
    ".obj": {
        "bare_group": "it aborts on a 'g' line without a name",
        "negative_indices": "it does not understand negative vertex numbers",
        "vertex_colours": "it takes the colours on the 'v' lines for coordinates",
        "vertex_weights": "it takes the fourth number of the 'v' lines for a coordinate",
    },
    ".ply": {"polygons": "it keeps only the first three corners of each polygon"},
}
_LARGEST_LANDMARKS = 1 << 20  # far above seven points
_LANDMARKS = {".npy": parse_npy, ".txt": parse_txt, ".pp": parse_picked_points}


def read_mesh(path: Path) -> Mesh:
    """Read a triangle mesh; polygons are cut into fans, vertex colours are ignored.

    Returns:
        vertices (V, 3) float as stored, triangles (F, 3) int64, V and F at least 1, all
        coordinates finite, all indices valid. The unit is the file's own.

    Raises:
        InputError: if the file is missing, of another kind, damaged, empty, or holds coordinates
            that are not finite or faces that name missing vertices.
    """
    return read_mesh_with_notes(path)[0]


def read_mesh_with_notes(path: Path) -> tuple[Mesh, frozenset[str]]:
    """Read a mesh as :func:`read_mesh`, and what its file holds that other readers stumble over.

    Returns:
        The mesh, and names among ``vertex_colours``, ``vertex_weights``, ``polygons``,
        ``negative_indices`` and ``bare_group``. Colours count in .obj only, where they follow the
        coordinates without a name. See :func:`official_misreadings`.

    Raises:
        InputError: as :func:`read_mesh`.
    """
    suffix = path.suffix.lower()
    if suffix not in MESH_SUFFIXES:
        raise InputError(f"{path}: not a mesh format focsbench reads; save it as .obj or .ply.")
    data = read_bytes(path, "mesh")
    try:
        vertices, triangles, notes = (parse_obj if suffix == ".obj" else parse_ply)(data)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{path}: not a readable mesh ({brief(error)}); export it again."
        ) from None
    return _checked(path, vertices, triangles), notes


def official_misreadings(path: Path, notes: frozenset[str]) -> list[str]:
    """Say what the reader of the official NoW evaluation makes of a file, one clause per mistake.

    Measured on that evaluation (soubhiksanyal/now_evaluation, with its mesh library).

    Args:
        path: the mesh; its suffix counts.
        notes: from :func:`read_mesh_with_notes`.

    Returns:
        Clauses sorted by the name of the note; none where it reads the file right.
    """
    mistakes = _OFFICIAL_MISTAKES.get(path.suffix.lower(), {})
    return [mistakes[note] for note in sorted(notes) if note in mistakes]


def _checked(path: Path, vertices: FloatArray, triangles: IntArray) -> Mesh:
    if len(vertices) == 0:
        raise InputError(f"{path}: the mesh has no vertices; export it again.")
    if len(triangles) == 0:
        raise InputError(
            f"{path}: the mesh has no faces; export it with its triangles (points alone have no "
            "surface to measure to)."
        )
    bad = ~np.isfinite(vertices).all(axis=1)
    if bad.any():
        raise InputError(
            f"{path}: vertex {int(bad.argmax())} (counting from 0) and {int(bad.sum()) - 1} more "
            "have a coordinate that is not finite; the method that wrote it has failed."
        )
    wrong = (triangles < 0) | (triangles >= len(vertices))
    if wrong.any():
        raise InputError(
            f"{path}: a face names vertex {int(triangles[wrong][0])} (counting from 0) of "
            f"{len(vertices)}; export it again."
        )
    return Mesh(vertices, triangles)


def write_mesh(path: Path, mesh: Mesh, colours: FloatArray | None = None) -> None:
    """Write a mesh as binary .ply (float32) or as .obj (six decimals), by the suffix of the path.

    The same mesh gives the same bytes.

    Args:
        path: of the file.
        mesh: in any unit.
        colours: (V, 3) display RGB in [0, 1], written as vertex colours; None for none.

    Raises:
        InputError: if the suffix is neither.
    """
    if path.suffix.lower() == ".ply":
        path.write_bytes(ply_bytes(mesh, colours))
    elif path.suffix.lower() == ".obj":
        path.write_bytes(obj_bytes(mesh, colours))
    else:
        raise InputError(f"{path}: not a mesh format focsbench writes; choose .obj or .ply.")


def obj_bytes(mesh: Mesh, colours: FloatArray | None = None) -> bytes:
    """Return a mesh as Wavefront OBJ; colours follow the coordinates, as MeshLab writes them."""
    stream = io.BytesIO()
    rows, form = mesh.vertices, "v %.6f %.6f %.6f"
    if colours is not None:
        rows, form = np.hstack([rows, np.clip(colours, 0, 1)]), form + " %.4f %.4f %.4f"
    np.savetxt(stream, rows, fmt=form)
    np.savetxt(stream, mesh.triangles + 1, fmt="f %d %d %d")
    return stream.getvalue()


def ply_bytes(mesh: Mesh, colours: FloatArray | None = None) -> bytes:
    """Return a mesh as a binary little-endian PLY file: float32 coordinates, 8-bit colours."""
    channels = ("red", "green", "blue") if colours is not None else ()
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(mesh.vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        + "".join(f"property uchar {name}\n" for name in channels)
        + f"element face {len(mesh.triangles)}\n"
        "property list uchar int vertex_indices\nend_header\n"
    )
    vertices = np.zeros(len(mesh.vertices), dtype=[("xyz", "<f4", 3), ("rgb", "u1", len(channels))])
    vertices["xyz"] = mesh.vertices
    if colours is not None:
        vertices["rgb"] = np.rint(np.clip(colours, 0, 1) * 255)
    faces = np.zeros(len(mesh.triangles), dtype=[("size", "u1"), ("corners", "<i4", 3)])
    faces["size"] = 3
    faces["corners"] = mesh.triangles
    return header.encode("ascii") + vertices.tobytes() + faces.tobytes()


def read_landmarks7(path: Path) -> FloatArray:
    """Read the seven NoW landmarks.

    Order: right eye outer and inner corner, left eye inner and outer corner, nose bottom
    (subnasale), right and left mouth corner; right is the subject's right.

    .npy: (7, 3) or (1, 7, 3), float32 kept, other numbers become float64, no pickles. .txt: seven
    lines ``x y z``. .pp: MeshLab's PickedPoints. The two texts give float32, as in the reference
    evaluation.

    Returns:
        (7, 3) finite float array, in the unit of the file.

    Raises:
        InputError: if the file is missing, of another kind, damaged, or not seven finite points.
    """
    suffix = path.suffix.lower()
    if suffix not in _LANDMARKS:
        raise InputError(f"{path}: not a landmark format; save seven points as .npy, .txt or .pp.")
    data = read_bytes(path, "landmark file", _LARGEST_LANDMARKS)
    try:
        points = _LANDMARKS[suffix](data)
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{path}: not readable as landmarks ({brief(error)}); save them again."
        ) from None
    if points.ndim == 3 and points.shape[0] == 1:
        points = points[0]
    if points.shape != (7, 3):
        raise InputError(
            f"{path}: expected seven landmarks x y z, found an array of shape {points.shape}; "
            "pick iBUG points 36, 39, 42, 45, 33, 48, 54."
        )
    if not np.isfinite(points).all():
        raise InputError(f"{path}: a landmark is not finite; the method that wrote it has failed.")
    return points
