"""Mesh files in every form: what is written by hand comes back, to the last bit."""

from __future__ import annotations

import os
import struct

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from mesh_files_support import fan, naive_obj, ply_file

from focsbench.errors import InputError
from focsbench.geometry.io import official_misreadings, read_mesh, read_mesh_with_notes
from focsbench.geometry.obj import parse_obj
from focsbench.geometry.ply import parse_ply
from focsbench.geometry.text_kernels import LARGEST, MOST_LEFT

FORMATS = ("ascii", "binary_little_endian", "binary_big_endian")
XYZ = ["double x", "double y", "double z"]
LIST = ["list uchar int vertex_indices"]

finite = st.floats(allow_nan=False, allow_infinity=False)
styles = st.sampled_from(
    ["{!r}", "{:.6f}", "{:.4f}", "{:.17g}", "{:.16e}", "{:.18e}", "{:+.9g}", "{:.3E}", "{:g}"]
)
digits = st.text("0123456789", min_size=1, max_size=22)
number_texts = st.one_of(
    st.builds(lambda style, value: style.format(value), styles, finite),
    st.builds(lambda style, value: style.format(value), styles, st.floats(-2000, 2000, width=32)),
    st.builds(
        "{}{}{}{}".format,
        st.sampled_from(["", "+", "-"]),
        digits,
        st.sampled_from(["", ".", ".5", ".00000000000001", ".98765432109876543210"]),
        st.sampled_from(["", "e1", "E-7", "e+022", "e-300"]),
    ),
)


def coordinate(text):
    return parse_obj(f"v {text} 0 0\n".encode())[0][0, 0]


def bits(value):
    return struct.pack("<d", value)


@settings(max_examples=600, deadline=None)
@given(number_texts)
@example("9007199254740993")  # 2**53 + 1, half way between two floats
@example("9007199254740992.5")
@example("1.00000000000000011")  # just beside half way
@example("5e-324")
@example("1e400")
@example("-0.0")
@example("0e999999999999999999999")
@example("123456789012345678")
@example("1e22")
@example("1e23")
@example("8.41e21")
@example("0.000000000000000000000000000000000001234")
def test_numbers_have_the_bits_of_pythons_float(text):
    assert bits(coordinate(text)) == bits(float(text))


@settings(max_examples=300, deadline=None)
@given(st.floats(1e-4, 1e4), st.integers(15, 18), st.integers(-1, 1))
def test_numbers_near_half_way_between_floats_round_right(value, digits, step):
    from decimal import Context, Decimal

    middle = (Decimal(value) + Decimal(float(np.nextafter(value, np.inf)))) / 2
    rounded = Context(prec=digits).plus(middle)
    text = str(rounded + step * Decimal(1).scaleb(rounded.as_tuple().exponent))
    assert bits(coordinate(text)) == bits(float(text))


def test_many_numbers_of_each_length_have_the_bits_of_pythons_float():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(2000, 3)) * 10.0 ** rng.integers(-6, 4, (2000, 1))
    for digits in range(1, 21):
        text = "".join("v {} {} {}\n".format(*(f"{x:.{digits}g}" for x in row)) for row in values)
        expected = np.array([float(word) for word in text.split() if word != "v"])
        np.testing.assert_array_equal(parse_obj(text.encode())[0].ravel(), expected)


@st.composite
def obj_texts(draw):
    """A mesh with all that OBJ allows, and whether it holds each thing that has a note."""
    lines, count = ["# head", "mtllib a.mtl", "o thing"], 0
    expected = set()
    for _ in range(draw(st.integers(1, 12))):
        kind = draw(st.sampled_from(["v", "v", "v", "f", "f", "other"] if count else ["v"]))
        if kind == "v":
            extra = draw(st.sampled_from([0, 0, 1, 3, 4]))
            expected |= {0: set(), 1: {"vertex_weights"}}.get(extra, {"vertex_colours"})
            words = draw(st.lists(number_texts, min_size=3, max_size=3)) + ["0.5"] * extra
            count += 1
        elif kind == "f":
            words = [
                str(n) + draw(st.sampled_from(["", "/1", "//2", "/1/2"]))
                for n in draw(
                    st.lists(st.integers(-count, count).filter(bool), min_size=3, max_size=6)
                )
            ]
            expected |= {"polygons"} if len(words) > 3 else set()
            expected |= {"negative_indices"} if any(w[0] == "-" for w in words) else set()
        else:
            line = draw(
                st.sampled_from(
                    ["", "g", "g head", "s off", "vt 0 0", "vn 0 0 1", "#v 1", "l 1 2", "vp 1"]
                )
            )
            expected |= {"bare_group"} if line == "g" else set()
            lines.append(line)
            continue
        blank = draw(st.sampled_from([" ", "  ", "\t", " \\\n "]))
        lines.append(draw(st.sampled_from(["", " "])) + blank.join([kind, *words]))
        lines[-1] += draw(st.sampled_from(["", " ", "\t", " # why"]))
    ending = draw(st.sampled_from(["\n", "\r\n", "\r"]))
    text = "\n".join(lines) + draw(st.sampled_from(["", "\n"]))
    return text.replace("\n", "\n" if ending == "\r" and "\\" in text else ending), expected


@settings(max_examples=150, deadline=None)
@given(obj_texts())
def test_obj_agrees_with_a_line_by_line_reader(case):
    text, expected = case
    vertices, triangles, notes = parse_obj(text.encode())
    slow_vertices, slow_triangles = naive_obj(text)
    assert vertices.tobytes() == np.array(slow_vertices, dtype=np.float64).tobytes()
    assert triangles.tolist() == slow_triangles
    assert notes == expected


def test_a_dense_file_lets_the_arrays_grow():
    text = "v 1 2 3\n" * 500 + "f 1 2 3\n" * 900 + "f " + "1 2 " * 2000
    vertices, triangles, _ = parse_obj(text.encode())
    assert vertices.tolist() == [[1, 2, 3]] * 500
    assert len(triangles) == 900 + 3998
    assert triangles[-1].tolist() == [0, 0, 1]


def test_many_numbers_left_to_python():
    text = "".join(f"v {i}.00000000000000000000001 0 nan\n" for i in range(1, 99))
    vertices = parse_obj(text.encode())[0]
    assert vertices[:, 0].tolist() == list(range(1, 99))
    assert np.isnan(vertices[:, 2]).all()


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("\n\nv 1 2\n", "line 3: a vertex has fewer than three"),
        ("\r\n\r\nv 1 2\r\n", "line 3: a vertex has fewer than three"),
        ("\r\n\n\rv 1 2\r", "line 4: a vertex has fewer than three"),
        ("v 1 2 # 3\n", "line 1: a vertex has fewer"),
        ("v\n", "line 1: a vertex has fewer"),
        ("v 1 2", "fewer than three"),
        ("v 1 2 3\r\nv 1 1_0 2\r\n", "line 2: '1_0' is not a number"),
        ("v 1 0x10 2\n", "'0x10' is not a number"),
        ("v 1 - 2\n", "'-' is not a number"),
        ("v 1 . 2\n", "'.' is not a number"),
        ("v 1 2e 2\n", "'2e' is not a number"),
        ("v 1 2,5 2\n", "'2,5' is not a number"),
        ("v 1 \\ 2\n", "is not a number"),
        ("v 1 1.#QNAN 2\n", "'1.#QNAN' is not a number"),
        ("f 1 2 3x\n", "a face corner"),
        ("f 1 2 /3\n", "a face corner"),
        ("f 1 2 1.5\n", "a face corner"),
        ("f 1 2 - 3\n", "a face corner"),
        ("f 1 2 1234567890123456789\n", "a face corner"),
        ("f 1 1 0/1\n", "vertex 0"),
        ("f 1 1 -0\n", "vertex 0"),
        ("f\n", "fewer than three corners"),
        ("f", "fewer than three corners"),
        ("v", "fewer than three coordinates"),
    ],
)
def test_the_line_that_cannot_be_read_is_named(text, words):
    with pytest.raises(ValueError, match=words):
        parse_obj(text.encode())


integer_types = st.sampled_from(["char", "uchar", "short", "ushort", "int", "uint", "int32"])
length_types = st.sampled_from(["uchar", "char", "ushort", "int", "uint8", "uint32"])


@st.composite
def ply_files(draw):
    """A mesh as (format, elements), its vertices and its polygons."""
    count = draw(st.integers(1, 6))
    kind = draw(st.sampled_from(["float", "double", "float32", "int", "short"]))
    values = {"int": st.integers(-9999, 9999), "short": st.integers(-9999, 9999)}.get(
        kind, st.floats(-2000, 2000, width=32 if "float" in kind else 64)
    )
    points = draw(
        st.lists(st.lists(values, min_size=3, max_size=3), min_size=count, max_size=count)
    )
    corner = st.integers(0, count - 1)
    polygons = draw(st.lists(st.lists(corner, min_size=3, max_size=6), max_size=5))
    vertex = [f"{kind} {axis}" for axis in "xyz"]
    rows = [list(point) for point in points]
    if draw(st.booleans()):
        vertex += ["uchar red", "uchar green", "uchar blue"]
        rows = [[*row, 255, 0, 7] for row in rows]
    if draw(st.booleans()):
        vertex, rows = ["double quality", *vertex], [[0.25, *row] for row in rows]
    name = draw(st.sampled_from(["vertex_indices", "vertex_index"]))
    face = [f"list {draw(length_types)} {draw(integer_types)} {name}"]
    faces = [[polygon] for polygon in polygons]
    if draw(st.booleans()):
        face = ["uchar flag", *face, "list uchar float texcoord"]
        faces = [[1, *row, [0.5] * draw(st.integers(0, 4))] for row in faces]
    elements = [("vertex", vertex, rows), ("face", face, faces)]
    others = [
        ("camera", ["float f", "int n"], [[1.5, 3], [2.5, 4]]),
        ("strips", ["list int int vertex_indices"], [[[0, 1, 2, 3]], [[]]]),
        ("nothing", [], [[], []]),
    ]
    for other in draw(st.lists(st.sampled_from(others), unique_by=lambda e: e[0])):
        elements.insert(draw(st.integers(0, len(elements))), other)
    return draw(st.sampled_from(FORMATS)), elements, kind, points, polygons


@settings(max_examples=300, deadline=None)
@given(ply_files())
def test_ply_in_every_layout_comes_back(case):
    form, elements, kind, points, polygons = case
    vertices, triangles, notes = parse_ply(ply_file(form, elements))
    assert vertices.tolist() == points
    single = form != "ascii" and "float" in kind
    assert vertices.dtype == (np.float32 if single else np.float64)
    assert triangles.tolist() == [t for polygon in polygons for t in fan(polygon)]
    assert notes == ({"polygons"} if any(len(p) > 3 for p in polygons) else set())


@settings(max_examples=200, deadline=None)
@given(ply_files(), st.integers(1, 60))
def test_a_ply_that_is_cut_short_is_refused(case, missing):
    form, elements, *_ = case
    whole = ply_file(form, [e for e in elements if e[0] in ("vertex", "face")])
    body = len(whole) - whole.index(b"end_header\n") - len(b"end_header\n")
    # Cutting digits off the last word of a text leaves another number.
    cut = min(missing, body) if form != "ascii" else body
    with pytest.raises(ValueError, match=r"early|length"):
        parse_ply(whole[: len(whole) - cut])


@pytest.mark.parametrize("ending", ["\r\n", "\r"])
def test_ply_header_with_other_line_ends(ending):
    whole = ply_file("binary_little_endian", [("vertex", XYZ, [[1, 2, 3]] * 3)])
    split = whole.index(b"end_header\n") + len(b"end_header\n")
    changed = whole[:split].replace(b"\n", ending.encode()) + whole[split:]
    assert parse_ply(changed)[0].tolist() == [[1, 2, 3]] * 3


def test_words_behind_the_last_element_are_skipped():
    whole = ply_file("ascii", [("vertex", XYZ, [[1, 2, 3]]), ("face", LIST, [[[0, 0, 0]]])])
    assert parse_ply(whole + b"the end")[1].tolist() == [[0, 0, 0]]


def header(*lines, form="ascii"):
    return "\n".join(["ply", f"format {form} 1.0", *lines, "end_header\n"]).encode()


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"ply", "no PLY header"),
        (b"plywood\nend_header\n", "no PLY header"),
        (b"ply\nend_header\n", "no format"),
        (b"ply\n" + b"comment x\n" * 9999 + b"end_header\n", "no PLY header"),
        (header(form="binary_middle_endian"), "is not PLY"),
        (header("element vertex -1"), "is not PLY"),
        (header("element vertex 9999999999999999999"), "is not PLY"),
        (header("element vertex 1", "element vertex 1"), "an element twice"),
        (header("property float x"), "is not PLY"),
        (header("element vertex 1", "property half x"), "is not PLY"),
        (header("element face 1", "property list float int vertex_indices"), "not a whole number"),
        (header("element vertex 1", "property float x") + b"1", "no x, y and z"),
        (header("element vertex 1", "property list int int x") + b"1 1", "is a list"),
        (header("element face 1", "property list int int corners") + b"1 1", "list no vertex_ind"),
        (header("element vertex 999999999999999999", "property char x"), "ends early"),
        (header("element face 999999999999999999", f"property {LIST[0]}"), "ends early"),
        (header("element face 1", f"property {LIST[0]}") + b"3 0 1 2.5", "not a vertex number"),
        (header("element face 1", f"property {LIST[0]}") + b"-3 0 1 2", "length"),
        (header("element face 1", f"property {LIST[0]}") + b"3 0 1 a", "'a' is not a number"),
        (header("element face 1", f"property {LIST[0]}") + b"1e300 0 1 1", "length"),
        (header("element face 1", f"property {LIST[0]}") + b"2 0 1", "fewer than three"),
        (
            header("element vertex 1", *(f"property {line}" for line in XYZ)) + b"1 2 x",
            "'x' is not a number",
        ),
        (
            header("element face 1", "property list uint int vertex_indices", form=FORMATS[1])
            + b"\xff" * 16,
            "length",
        ),
    ],
)
def test_hostile_ply_is_refused(data, words):
    with pytest.raises(ValueError, match=words):
        parse_ply(data)


def test_an_element_without_properties_takes_no_time():
    data = header("element nothing 999999999999999999", "element vertex 0", form=FORMATS[1])
    with pytest.raises(ValueError, match="no x, y and z"):
        parse_ply(data)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.obj", "v 0 0 0 1 1 1\nf 1 1 1\n", ["colours"]),
        ("a.obj", "v 0 0 0 1\nf 1 1 1\n", ["fourth number"]),
        ("a.obj", "g\nv 0 0 0\nf -1 1 1\n", ["'g' line", "negative"]),
        ("a.obj", "g x\nv 0 0 0\nf 1 1 1 1\n", []),
        (
            "a.PLY",
            ply_file("ascii", [("vertex", XYZ, [[0, 0, 0]]), ("face", LIST, [[[0] * 4]])]).decode(),
            ["first three corners"],
        ),
    ],
)
def test_what_the_official_reader_misreads(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_text(content)
    mesh, notes = read_mesh_with_notes(path)
    assert mesh.triangles.tolist() == read_mesh(path).triangles.tolist()
    clauses = official_misreadings(path, notes)
    assert len(clauses) == len(words)
    assert all(word in clause for word, clause in zip(words, clauses, strict=True))


@pytest.mark.parametrize(
    "data",
    [
        b"v 0 0 0\nf" + b" 1" * (LARGEST + 3),
        b"v 0 0 0\n" * (LARGEST + 1),
        b"v nan nan nan\n" * (MOST_LEFT // 3 + 1),
    ],
    ids=["triangles", "vertices", "words"],
)
def test_obj_files_that_would_fill_the_memory(data):
    with pytest.raises(ValueError, match=r"line .*: more than"):
        parse_obj(data)


def test_ply_files_that_would_fill_the_memory():
    corners = header("element face 1", "property list int char vertex_indices", form=FORMATS[1])
    corners += struct.pack("<i", 3 * LARGEST + 1) + bytes(3 * LARGEST + 1)
    rows = header(f"element face {LARGEST + 1}", f"property {LIST[0]}", form=FORMATS[1])
    words = header("element vertex 1", *(f"property {line}" for line in XYZ))
    for data in (corners, rows + bytes(LARGEST + 1), words + b"nan " * MOST_LEFT):
        with pytest.raises(ValueError, match="more than"):
            parse_ply(data)


def test_pipes_and_huge_files_are_refused(tmp_path):
    os.mkfifo(tmp_path / "pipe.obj")
    with pytest.raises(InputError, match="device or pipe"):
        read_mesh(tmp_path / "pipe.obj")
    with (tmp_path / "huge.ply").open("wb") as file:
        file.truncate(1 << 40)  # takes no room on the disk
    with pytest.raises(InputError, match="too large for a mesh"):
        read_mesh(tmp_path / "huge.ply")
