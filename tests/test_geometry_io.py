from __future__ import annotations

import numpy as np
import pytest
from geometry_support import grid_face
from hypothesis import given
from hypothesis import strategies as st

from focsbench.errors import InputError
from focsbench.geometry.io import ply_bytes, read_landmarks7, read_mesh, write_mesh
from focsbench.geometry.obj import parse_obj
from focsbench.geometry.ply import fan_triangles
from focsbench.types import Mesh

SQUARE = "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\n"
SEVEN = np.arange(21, dtype=np.float64).reshape(7, 3) ** 1.5


def save(path, text):
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize(
    ("faces", "triangles"),
    [
        ("f 1 2 3\n", [[0, 1, 2]]),
        ("f 1/1 2/2 3/3\nf 1/9/9 3//7 4/1\n", [[0, 1, 2], [0, 2, 3]]),
        ("f 1 2 3 4\nf 1 2 4\n", [[0, 1, 2], [0, 2, 3], [0, 1, 3]]),
        ("f -4 -3 -2\n", [[0, 1, 2]]),
        ("f\t1  2 3 \r\n", [[0, 1, 2]]),
    ],
)
def test_obj_faces(tmp_path, faces, triangles):
    head = "# made by hand\nmtllib a.mtl\no thing\ng\ns off\nvt 0 0\nvn 0 0 1\nusemtl x\n"
    mesh = read_mesh(save(tmp_path / "m.obj", head + SQUARE + faces + "l 1 2\n"))
    assert mesh.triangles.tolist() == triangles
    assert mesh.vertices.tolist() == [[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]]


def test_negative_indices_count_from_the_vertices_read_so_far(tmp_path):
    text = "v 0 0 0\nv 1 0 0\nv 0 1 0\nf -3 -2 -1\nv 5 5 5\nf -4 -3 -1\n"
    assert read_mesh(save(tmp_path / "m.obj", text)).triangles.tolist() == [[0, 1, 2], [0, 1, 3]]


def test_vertex_colours_are_not_coordinates(tmp_path):
    text = "v 1 2 3 .1 .2 .3\nv 4 5 6 .1 .2 .3\nv 7 8 10 .1 .2 .3\nf 1 2 3\n"
    mesh = read_mesh(save(tmp_path / "m.obj", text))
    assert mesh.vertices.tolist() == [[1, 2, 3], [4, 5, 6], [7, 8, 10]]


@given(st.lists(st.integers(3, 7), max_size=8))
def test_fans_agree_with_a_loop(sizes):
    corners = np.arange(100, 100 + sum(sizes))
    expected, start = [], 0
    for size in sizes:
        polygon = corners[start : start + size]
        expected += [[polygon[0], polygon[k], polygon[k + 1]] for k in range(1, size - 1)]
        start += size
    assert fan_triangles(corners, np.array(sizes, dtype=np.int64)).tolist() == expected


@pytest.mark.parametrize("suffix", [".obj", ".ply"])
def test_round_trip_keeps_vertex_and_face_order(tmp_path, suffix):
    mesh, _ = grid_face(7)
    path = tmp_path / f"mesh{suffix}"
    write_mesh(path, mesh)
    again = read_mesh(path)
    np.testing.assert_allclose(again.vertices, mesh.vertices, atol=1e-5)
    np.testing.assert_array_equal(again.triangles, mesh.triangles)
    first = path.read_bytes()
    write_mesh(path, mesh)
    assert path.read_bytes() == first


def test_ply_with_colours_and_quads(tmp_path):
    text = (
        "ply\nformat ascii 1.0\nelement vertex 4\nproperty double x\nproperty double y\n"
        "property double z\nproperty uchar red\nproperty uchar green\nproperty uchar blue\n"
        "element face 2\nproperty list uchar int vertex_indices\nend_header\n"
        "0 0 0 1 2 3\n1 0 0 1 2 3\n1 1 0.123456789012 1 2 3\n0 1 0 1 2 3\n4 0 1 2 3\n3 0 1 3\n"
    )
    mesh = read_mesh(save(tmp_path / "m.ply", text))
    assert mesh.vertices.shape == (4, 3)
    assert mesh.vertices[2, 2] == 0.123456789012
    assert sorted(map(sorted, mesh.triangles.tolist())) == [[0, 1, 2], [0, 1, 3], [0, 2, 3]]


PLY_HEAD = (
    "ply\nformat {form} 1.0\nelement vertex {v}\nproperty float x\nproperty float y\n"
    "property float z\nelement face {f}\nproperty list uchar int vertex_indices\nend_header\n"
)
GOOD_PLY = ply_bytes(Mesh(np.eye(3), np.array([[0, 1, 2]])))


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("m.stl", b"", "not a mesh format"),
        ("m.obj", b"", "no vertices"),
        ("m.obj", SQUARE.encode(), "no faces"),
        ("m.obj", SQUARE + "f 1 2 5\n", "names vertex 4"),
        ("m.obj", SQUARE + "f 1 2 -9\n", "names vertex"),
        ("m.obj", SQUARE + "f 0 1 2\n", "vertex 0"),
        ("m.obj", SQUARE + "f 1 2\n", "fewer than three corners"),
        ("m.obj", SQUARE + "f 1 2 x\n", "not a readable mesh"),
        ("m.obj", SQUARE + "f 1 2 99999999999999999999999\n", "not a readable mesh"),
        ("m.obj", "v 0 0\nf 1 1 1\n", "not a readable mesh"),
        ("m.obj", "v 0 zero 0\nf 1 1 1\n", "not a readable mesh"),
        ("m.obj", "v 0 0 nan\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "vertex 0 .* not finite"),
        ("m.obj", "v 0 0 1\nv 1 0 inf\nv 0 1 0\nf 1 2 3\n", "vertex 1 .* not finite"),
        ("m.obj", bytes(range(256)) * 10, "no vertices"),
        ("m.ply", b"", "not a readable mesh"),
        ("m.ply", b"ply\n", "not a readable mesh"),
        ("m.ply", bytes(range(256)), "not a readable mesh"),
        ("m.ply", GOOD_PLY[:-5], "not a readable mesh"),
        ("m.ply", GOOD_PLY[:120], "not a readable mesh"),
        ("m.ply", PLY_HEAD.format(form="ascii", v=0, f=0), "no vertices"),
        ("m.ply", PLY_HEAD.format(form="ascii", v=1, f=0) + "1 2 3\n", "no faces"),
        ("m.ply", PLY_HEAD.format(form="ascii", v=3, f=1) + "1 2 3\n", "not a readable mesh"),
        (
            "m.ply",
            PLY_HEAD.format(form="binary_little_endian", v=10**12, f=1).encode() + bytes(99),
            "not a readable mesh",
        ),
        (
            "m.ply",
            ply_bytes(Mesh(np.eye(3), np.array([[0, 1, 7]]))),
            "names vertex 7",
        ),
    ],
)
def test_hostile_meshes_are_refused_by_name(tmp_path, name, content, words):
    path = save(tmp_path / name, content)
    with pytest.raises(InputError, match=words) as caught:
        read_mesh(path)
    assert str(path) in str(caught.value)
    assert str(caught.value).endswith((".", ")."))


def test_missing_files_and_folders(tmp_path):
    with pytest.raises(InputError, match="mesh is missing"):
        read_mesh(tmp_path / "none.obj")
    (tmp_path / "folder.ply").mkdir()
    with pytest.raises(InputError, match="cannot be opened"):
        read_mesh(tmp_path / "folder.ply")
    with pytest.raises(InputError, match="landmark file is missing"):
        read_landmarks7(tmp_path / "none.npy")
    with pytest.raises(InputError, match="not a mesh format focsbench writes"):
        write_mesh(tmp_path / "mesh.stl", grid_face(3)[0])


def picked_points(points, attributes='x="{0}" y="{1}" z="{2}" name="{3}"'):
    lines = [
        f" <point {attributes.format(*point, number)} active='1'/>"
        for number, point in enumerate(points)
    ]
    return "\n".join(["<!DOCTYPE PickedPoints>", "<PickedPoints>", *lines, "</PickedPoints>"])


def test_landmark_files_agree(tmp_path):
    np.save(tmp_path / "a.npy", SEVEN)
    np.save(tmp_path / "b.npy", SEVEN[None].astype(np.float32))
    np.save(tmp_path / "c.npy", np.arange(21).reshape(7, 3))
    np.savetxt(tmp_path / "d.txt", SEVEN)
    save(tmp_path / "e.pp", picked_points(SEVEN))
    save(tmp_path / "f.pp", picked_points(SEVEN, "name='{3}' z='{2}' y='{1}' x='{0}'"))
    np.testing.assert_array_equal(read_landmarks7(tmp_path / "a.npy"), SEVEN)
    assert read_landmarks7(tmp_path / "c.npy").dtype == np.float64
    for name in ("b.npy", "d.txt", "e.pp", "f.pp"):
        points = read_landmarks7(tmp_path / name)
        assert points.dtype == np.float32
        np.testing.assert_array_equal(points, SEVEN.astype(np.float32))


class Evil:
    def __reduce__(self):
        return (pytest.fail, ("a pickle from a stranger was executed",))


def test_pickles_are_refused(tmp_path):
    np.save(tmp_path / "p.npy", np.array([Evil()], dtype=object), allow_pickle=True)
    with pytest.raises(InputError, match="not readable as landmarks"):
        read_landmarks7(tmp_path / "p.npy")


def npy_header(shape):
    text = f"{{'descr': '<f8', 'fortran_order': False, 'shape': {shape}, }}"
    text = text.ljust(117) + "\n"
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode()


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("l.json", b"[]", "not a landmark format"),
        ("l.npy", b"", "not readable"),
        ("l.npy", b"not numpy at all", "not readable"),
        ("l.npy", npy_header((7, 3)) + bytes(8 * 20), "not readable"),
        ("l.npy", npy_header((10**9, 10**9)) + bytes(8), "not readable"),
        ("l.npy", npy_header((68, 3)) + bytes(8 * 68 * 3), "expected seven"),
        ("l.npy", npy_header((7, 3)) + b"\xff" * 8 * 21, "not finite"),
        ("l.txt", "1 2 3\n4 5\n", "not readable"),
        ("l.txt", "\n".join(["1 2 3"] * 6), "expected seven"),
        ("l.txt", "\n".join(["1 2 nan"] * 7), "not finite"),
        ("l.txt", "x" * (2 << 20), "too large"),
        ("l.pp", "<PickedPoints><point x='1'", "not readable"),
        ("l.pp", picked_points(SEVEN, 'x="{0}" y="{1}"'), "not readable"),
        ("l.pp", picked_points(SEVEN, 'x="{0}" y="{1}" z="far"'), "not readable"),
        ("l.pp", picked_points(SEVEN[:6]), "expected seven"),
    ],
)
def test_hostile_landmarks_are_refused_by_name(tmp_path, name, content, words):
    path = save(tmp_path / name, content)
    with pytest.raises(InputError, match=words) as caught:
        read_landmarks7(path)
    assert str(path) in str(caught.value)


def test_entity_bombs_do_not_explode(tmp_path):
    entities = '<!ENTITY a "ha">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(12)
    )
    text = f"<!DOCTYPE p [{entities}]><p><point x='&m;' y='1' z='1'/></p>"
    with pytest.raises(InputError, match="not readable"):
        read_landmarks7(save(tmp_path / "bomb.pp", text))


def test_parse_obj_of_nothing():
    vertices, triangles, notes = parse_obj(b"# empty\n")
    assert vertices.shape == (0, 3)
    assert triangles.shape == (0, 3)
    assert notes == frozenset()
