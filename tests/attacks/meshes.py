"""Hostile .obj and .ply files, and what is no file at all."""

from __future__ import annotations

import os
import struct
from functools import partial

from attacks.case import Case, content, sparse

TRIANGLE = "v 0 0 0\nv 1 0 0\nv 0 1 0\n"


def ply(
    body: bytes = b"",
    *,
    form: str = "binary_little_endian",
    vertices: object = 3,
    faces: object = 1,
    length: str = "uchar",
    extra: str = "",
) -> bytes:
    """A PLY file with a header as given."""
    header = (
        f"ply\nformat {form} 1.0\nelement vertex {vertices}\nproperty float x\nproperty float y\n"
        f"property float z\nelement face {faces}\nproperty list {length} int vertex_indices\n"
        f"{extra}end_header\n"
    )
    return header.encode() + body


POINTS = struct.pack("<9f", 0, 0, 0, 1, 0, 0, 0, 1, 0)
FACE = struct.pack("<B3i", 3, 0, 1, 2)


def obj(name: str, data: bytes | str) -> Case:
    return content(name, "head.obj", "mesh", data)


def plyfile(name: str, data: bytes) -> Case:
    return content(name, "head.ply", "mesh", data)


ATTACKS = (
    obj("obj_face_out_of_range", f"{TRIANGLE}f 1 2 9\n"),
    obj("obj_index_of_thirty_digits", f"{TRIANGLE}f 1 2 {10**30}\n"),
    obj("obj_vertex_zero", f"{TRIANGLE}f 0 1 2\n"),
    obj("obj_not_a_number", "v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"),
    obj("obj_overflow", f"v {'9' * 400} 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n"),
    obj("obj_points_only", TRIANGLE * 100),
    obj("obj_only_degenerate_indices", f"{TRIANGLE}f 1 1 -9\n"),
    obj("obj_one_endless_line", b"v " + b"1 " * 2_000_000),
    obj("obj_endless_polygon", TRIANGLE.encode() + b"f" + b" 1" * 3_000_000 + b" x"),
    obj("obj_utf16", f"{TRIANGLE}f 1 2 3\n".encode("utf-16")),
    obj("obj_is_a_program", b"\x7fELF" + bytes(range(256)) * 64),
    obj("obj_nul_bytes", b"\0" * 4096),
    Case("obj_of_terabytes", "head.obj", "mesh", partial(sparse, size=1 << 40)),
    plyfile("ply_huge_vertex_count", ply(POINTS + FACE, vertices=10**17)),
    plyfile("ply_huge_face_count", ply(POINTS + FACE, faces=10**17)),
    plyfile("ply_negative_count", ply(POINTS + FACE, vertices=-3)),
    plyfile("ply_count_of_a_thousand_digits", ply(POINTS, vertices="9" * 1000)),
    plyfile("ply_truncated", ply(POINTS[:-5])),
    plyfile("ply_ascii_that_says_binary", ply(b"0 0 0\n1 0 0\n0 1 0\n3 0 1 2\n")),
    plyfile("ply_binary_that_says_ascii", ply(POINTS + FACE, form="ascii")),
    plyfile("ply_list_of_two_billion", ply(POINTS + struct.pack("<i", 2**31 - 1), length="int")),
    plyfile("ply_negative_list", ply(POINTS + struct.pack("<i", -3) + FACE, length="int")),
    plyfile("ply_list_length_is_a_float", ply(POINTS + FACE, length="float")),
    plyfile("ply_negative_index", ply(POINTS + struct.pack("<B3i", 3, 0, 1, -1))),
    plyfile("ply_not_a_number", ply(struct.pack("<f", float("nan")) + POINTS[4:] + FACE)),
    plyfile("ply_endless_header", b"ply\nformat ascii 1.0\n" + b"comment x\n" * 2_000_000),
    plyfile(
        "ply_thousands_of_elements", ply(extra="".join(f"element e{i} 9\n" for i in range(3000)))
    ),
    plyfile(
        "ply_of_many_empty_lists",
        ply(
            b"0 0 0 1 0 0 0 1 0 3 0 1 2 -1 " + b"99 " * 2_000_000,
            form="ascii",
            extra="".join(
                f"element e{i} {i // 1599}\nproperty list char int a\n" for i in range(1600)
            ),
        ),
    ),
    plyfile("ply_without_faces", ply(POINTS, faces=0)),
    plyfile("ply_is_an_obj", f"{TRIANGLE}f 1 2 3\n".encode()),
    Case("mesh_is_a_pipe", "head.ply", "mesh", os.mkfifo),
    Case("mesh_is_a_folder", "head.ply", "mesh", lambda path: path.mkdir()),
    Case("mesh_is_dev_zero", "head.ply", "mesh", lambda path: path.symlink_to("/dev/zero")),
    Case("mesh_is_a_link_to_itself", "head.ply", "mesh", lambda path: path.symlink_to(path.name)),
)
