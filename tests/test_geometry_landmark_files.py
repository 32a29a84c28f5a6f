"""Landmark files in every form and every kind of damage."""

from __future__ import annotations

import contextlib

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from focsbench.errors import InputError
from focsbench.geometry.io import read_landmarks7

points7 = arrays(np.float64, (7, 3), elements=st.floats(-1e6, 1e6))
POINT = '<point x="1" y="2" z="3" name="0" active="1"/>'


def save(path, text):
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@settings(max_examples=60, deadline=None)
@given(points7, st.sampled_from(["<f8", ">f8", "<f4", ">f4", "<i4", "<u1"]), st.booleans())
def test_npy_of_any_number_type(tmp_path_factory, points, kind, leading):
    path = tmp_path_factory.mktemp("npy") / "l.npy"
    stored = np.clip(points, 0, 200).astype(kind)
    np.save(path, np.asfortranarray(stored[None] if leading else stored))
    found = read_landmarks7(path)
    assert found.dtype == (np.float32 if kind[1:] == "f4" else np.float64)
    assert found.flags.c_contiguous
    np.testing.assert_array_equal(found, stored)


@settings(max_examples=100, deadline=None)
@given(
    points7,
    st.sampled_from([" ", "\t", "   ", " \t"]),
    st.sampled_from(["\n", "\r\n", "\n\n", " # why\n"]),
    st.sampled_from(["", "\ufeff", "# head\n"]),
    st.sampled_from(["{!r}", "{:.18e}", "{:.3f}"]),
)
def test_txt_in_every_form(tmp_path_factory, points, blank, ending, head, style):
    path = tmp_path_factory.mktemp("txt") / "l.txt"
    rows = [[style.format(float(x)) for x in row] for row in points]
    save(path, head + ending.join(blank + blank.join(row) + blank for row in rows))
    expected = np.array([[float(x) for x in row] for row in rows]).astype(np.float32)
    found = read_landmarks7(path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, expected)


@settings(max_examples=100, deadline=None)
@given(
    points7,
    st.permutations(["x", "y", "z", "name", "active"]),
    st.sampled_from(
        [
            "",
            "<!DOCTYPE PickedPoints>\n",
            '<?xml version="1.0" encoding="UTF-8"?>\n<!DOCTYPE PickedPoints>\n<!-- by hand -->\n',
            "\ufeff",
        ]
    ),
    st.sampled_from(["", '<DocumentData><User name="y=3"/><pointer x="9"/></DocumentData>']),
    st.sampled_from(["'", '"']),
    st.sampled_from([" ", "\n  ", "\r\n\t"]),
    st.sampled_from(["utf-8", "utf-16"]),
)
def test_pp_in_every_form(tmp_path_factory, points, order, head, other, quote, blank, encoding):
    path = tmp_path_factory.mktemp("pp") / "l.pp"
    text = f"{head}<PickedPoints>{other}"
    for number, point in enumerate(points):
        values = dict(zip("xyz", map(repr, point.tolist()), strict=True))
        # the names run backwards and half of the points are switched off: both are ignored
        values |= {"name": str(6 - number), "active": str(number % 2)}
        text += f"<point {blank.join(f'{k}={quote}{values[k]}{quote}' for k in order)} />{blank}"
    if encoding == "utf-16":
        text = text.replace("UTF-8", "UTF-16").removeprefix("\ufeff")
    path.write_bytes((text + "</PickedPoints>").encode(encoding))
    found = read_landmarks7(path)
    assert found.dtype == np.float32
    np.testing.assert_array_equal(found, points.astype(np.float32))


def bomb(encoding="utf-8"):
    entities = '<!ENTITY a "1">' + "".join(
        f'<!ENTITY {chr(98 + i)} "{f"&{chr(97 + i)};" * 10}">' for i in range(5)
    )
    point = "<point x='&f;' y='1' z='1'/>"
    return f"<!DOCTYPE p [{entities}]><p>{point * 7}</p>".encode(encoding)


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("l.pp", bomb(), "declares the entity 'a'"),
        ("l.pp", bomb("utf-16"), "declares the entity 'a'"),
        ("l.pp", "<!DOCTYPE p SYSTEM 'file:///etc/passwd'><p/>", "expected seven"),
        ("l.pp", b"", "no element found"),
        ("l.pp", "<?xml version='1.0' encoding='klingon'?><p/>", "unknown encoding"),
        ("l.pp", f"<p>{POINT * 8}</p>", r"expected seven .* \(8, 3\)"),
        ("l.pp", f"<p>{POINT * 6}</p>", r"expected seven .* \(6, 3\)"),
        ("l.pp", f"<p>{POINT * 7}", "not readable"),
        ("l.pp", f"<p>{POINT * 6}<point x='1' y='2'/></p>", "point 7 has no z"),
        ("l.pp", f"<p>{POINT * 6}<point x='1' y='2' z='1_0'/></p>", "'1_0' is not a number"),
        ("l.pp", f"<p>{POINT * 6}<point x='1' y='2' z='1,5'/></p>", "not readable"),
        ("l.pp", f"<p>{POINT * 6}<point x='1' y='2' z='nan'/></p>", "not finite"),
        ("l.pp", f"<p>{POINT * 6}<point x='1' y='2' z='1e39'/></p>", "not finite"),
        ("l.pp", "<p>" * 9999, "not readable"),
        ("l.txt", b"", "expected seven"),
        ("l.txt", "1 2 1e39\n" * 7, "not finite"),
        ("l.txt", "1 2 inf\n" * 7, "not finite"),
        ("l.txt", "1,2,3\n" * 7, "not readable"),
        ("l.txt", "1_0 2 3\n" * 7, "'1_0' is not a number"),
        ("l.txt", "1 2 3 4\n" * 7, r"expected seven .* \(7, 4\)"),
        ("l.txt", "1 2 3\n" * 6 + "1 2\n", "differ in length"),
        ("l.txt", "1 2 3 " * 7, "expected seven"),
        ("l.txt", b"\xff\xfe1 2 3", "not readable"),
    ],
)
def test_hostile_landmark_files(tmp_path, name, content, words):
    path = save(tmp_path / name, content)
    with pytest.raises(InputError, match=words) as caught:
        read_landmarks7(path)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((7, 3), dtype=complex), "an array of complex128"),
        (np.zeros((7, 3), dtype="U4"), "an array of <U4"),
        (np.zeros((7, 3), dtype="M8[s]"), "not readable"),
        (np.zeros((7, 3), dtype=[("x", "f4")]), "not readable"),
        (np.zeros((7, 3), dtype=bool), "an array of bool"),
        (np.zeros((2, 7, 3)), r"shape \(2, 7, 3\)"),
        (np.zeros((3, 7)), r"shape \(3, 7\)"),
        (np.zeros(()), r"shape \(\)"),
        (np.full((7, 3), np.nan), "not finite"),
    ],
)
def test_arrays_that_are_no_landmarks(tmp_path, array, words):
    np.save(tmp_path / "l.npy", array)
    with pytest.raises(InputError, match=words):
        read_landmarks7(tmp_path / "l.npy")


def test_an_archive_named_npy_is_refused(tmp_path):
    np.savez(tmp_path / "l.npz", np.zeros((7, 3)))
    (tmp_path / "l.npz").rename(tmp_path / "l.npy")
    with pytest.raises(InputError, match="not readable"):
        read_landmarks7(tmp_path / "l.npy")


@settings(max_examples=200, deadline=None)
@given(st.binary(max_size=200), st.integers(0, 127))
def test_damaged_npy_headers_never_crash(tmp_path_factory, noise, at):
    path = tmp_path_factory.mktemp("npy") / "l.npy"
    np.save(path, np.ones((7, 3)))
    whole = path.read_bytes()
    path.write_bytes(whole[:at] + noise + whole[at + len(noise) :])
    # InputError or seven points, and nothing else
    with contextlib.suppress(InputError):
        assert read_landmarks7(path).shape == (7, 3)
