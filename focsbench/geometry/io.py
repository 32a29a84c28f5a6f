"""Reading and writing meshes (.obj, .ply) and the seven landmarks (.npy, .txt, .pp).

Vertices keep their number and order: distances and landmark indices refer to them. Every reader
either returns usable arrays or raises one InputError that names the file and what to do.
"""

from __future__ import annotations

import re
import struct
from pathlib import Path
from stat import S_ISDIR, S_ISREG
from xml.etree import ElementTree

import numpy as np

from focsbench.errors import InputError
from focsbench.geometry.obj import parse_obj
from focsbench.types import FloatArray, IntArray, Mesh

MESH_SUFFIXES = (".obj", ".ply")
_HEADER_BYTES = 1 << 16
_LARGEST_BYTES = 256 << 20  # a scan with texture coordinates takes 25 MB
_LANDMARK_BYTES = 1 << 20  # far above seven points; keeps oversized files out of memory


def read_mesh(path: Path) -> Mesh:
    """Read a triangle mesh; polygons are cut into fans, vertex colours are ignored.

    Returns:
        vertices (V, 3) float as stored, triangles (F, 3) int64, V and F at least 1, all
        coordinates finite, all indices valid. The unit is the file's own.

    Raises:
        InputError: if the file is missing, of another kind, damaged, empty, or holds coordinates
            that are not finite or faces that name missing vertices.
    """
    if path.suffix.lower() not in MESH_SUFFIXES:
        raise InputError(f"{path}: not a mesh format focsbench reads; save it as .obj or .ply.")
    data = read_bytes(path, "mesh")
    try:
        vertices, triangles = (parse_obj if path.suffix.lower() == ".obj" else _parse_ply)(data)
    except (ValueError, OverflowError) as error:
        raise InputError(f"{path}: not a readable mesh ({error}); export it again.") from None
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


def write_mesh(path: Path, mesh: Mesh) -> None:
    """Write a mesh as binary .ply (float32) or as .obj (six decimals), by the suffix of the path.

    The same mesh gives the same bytes.

    Raises:
        InputError: if the suffix is neither.
    """
    if path.suffix.lower() == ".ply":
        path.write_bytes(ply_bytes(mesh))
    elif path.suffix.lower() == ".obj":
        with path.open("w", encoding="ascii", newline="\n") as file:
            np.savetxt(file, mesh.vertices, fmt="v %.6f %.6f %.6f")
            np.savetxt(file, mesh.triangles + 1, fmt="f %d %d %d")
    else:
        raise InputError(f"{path}: not a mesh format focsbench writes; choose .obj or .ply.")


def ply_bytes(mesh: Mesh) -> bytes:
    """Return a mesh as a binary little-endian PLY file with float32 coordinates."""
    header = (
        "ply\nformat binary_little_endian 1.0\n"
        f"element vertex {len(mesh.vertices)}\n"
        "property float x\nproperty float y\nproperty float z\n"
        f"element face {len(mesh.triangles)}\n"
        "property list uchar int vertex_indices\nend_header\n"
    )
    faces = np.zeros(len(mesh.triangles), dtype=[("size", "u1"), ("corners", "<i4", 3)])
    faces["size"] = 3
    faces["corners"] = mesh.triangles
    return header.encode("ascii") + mesh.vertices.astype("<f4").tobytes() + faces.tobytes()


def read_landmarks7(path: Path) -> FloatArray:
    """Read the seven NoW landmarks.

    Order: right eye outer and inner corner, left eye inner and outer corner, nose bottom
    (subnasale), right and left mouth corner; right is the subject's right.

    .npy: (7, 3) or (1, 7, 3), precision kept, no pickles. .txt: seven lines ``x y z``. .pp:
    MeshLab's PickedPoints. The two texts give float32, as in the reference evaluation.

    Returns:
        (7, 3) finite float array, in the unit of the file.

    Raises:
        InputError: if the file is missing, of another kind, damaged, or not seven finite points.
    """
    readers = {".npy": _parse_npy, ".txt": _parse_txt, ".pp": _parse_picked_points}
    if path.suffix.lower() not in readers:
        raise InputError(f"{path}: not a landmark format; save seven points as .npy, .txt or .pp.")
    if path.is_file() and path.stat().st_size > _LANDMARK_BYTES:
        raise InputError(f"{path}: too large for seven landmarks; save seven rows x y z.")
    read_bytes(path, "landmark file")
    try:
        points = readers[path.suffix.lower()](path)
    except (ValueError, KeyError, EOFError, ElementTree.ParseError) as error:
        raise InputError(f"{path}: not readable as landmarks ({error}); save them again.") from None
    if points.ndim == 3 and points.shape[0] == 1:
        points = points[0]
    if points.shape != (7, 3) or points.dtype.kind not in "fiu":
        raise InputError(
            f"{path}: expected seven landmarks x y z, found an array of {points.dtype} with shape "
            f"{points.shape}; pick iBUG points 36, 39, 42, 45, 33, 48, 54."
        )
    if points.dtype.kind != "f":
        points = points.astype(np.float64)
    if not np.isfinite(points).all():
        raise InputError(f"{path}: a landmark is not finite; the method that wrote it has failed.")
    return points


def read_bytes(path: Path, what: str) -> bytes:
    """Return the content of a file of the user's.

    Args:
        path: the file.
        what: what the file is to the user, for the sentence that says it is missing.

    Raises:
        InputError: if it is missing, not a regular file, too large or cannot be opened.
    """
    try:
        status = path.stat()
        if not (S_ISREG(status.st_mode) or S_ISDIR(status.st_mode)):
            raise InputError(f"{path}: the {what} cannot be opened (a device or pipe); check it.")
        if status.st_size > _LARGEST_BYTES:
            raise InputError(
                f"{path}: too large for a {what} ({status.st_size >> 20} MiB, at most "
                f"{_LARGEST_BYTES >> 20}); check that it is the right file."
            )
        return path.read_bytes()
    except FileNotFoundError:
        raise InputError(f"{path}: the {what} is missing; write it, or check the path.") from None
    except OSError as error:
        raise InputError(
            f"{path}: the {what} cannot be opened ({error.strerror}); check it."
        ) from None


def _parse_ply(data: bytes) -> tuple[FloatArray, IntArray]:
    from io import BytesIO

    from trimesh.exchange.ply import load_ply

    try:
        # fix_texture would split the vertices at texture seams
        content = load_ply(BytesIO(data), fix_texture=False)
    except (KeyError, IndexError, TypeError, AttributeError, EOFError, struct.error) as error:
        raise ValueError(f"damaged PLY: {type(error).__name__} {error}") from None
    vertices = np.asarray(content.get("vertices", np.zeros((0, 3))))
    triangles = content.get("faces")
    if triangles is None or len(triangles) == 0:
        triangles = np.zeros((0, 3))
    # An ascii file that ends early would otherwise pass as a smaller mesh.
    promised = dict(re.findall(rb"^element\s+(\w+)\s+(\d+)", data[:_HEADER_BYTES], re.MULTILINE))
    if len(vertices) < int(promised[b"vertex"]) or len(triangles) < int(promised.get(b"face", 0)):
        raise ValueError("the file ends early")
    return vertices.reshape(-1, 3), np.asarray(triangles).astype(np.int64).reshape(-1, 3)


def _parse_npy(path: Path) -> FloatArray:
    # A memory map is checked against the size of the file, so a header cannot ask for gigabytes.
    return np.array(np.load(path, mmap_mode="r", allow_pickle=False))


def _parse_txt(path: Path) -> FloatArray:
    return np.loadtxt(path, dtype=np.float32, ndmin=2)


def _parse_picked_points(path: Path) -> FloatArray:
    points = ElementTree.parse(path).getroot().iter("point")
    rows = [[float(point.attrib[axis]) for axis in "xyz"] for point in points]
    return np.array(rows, dtype=np.float32)
