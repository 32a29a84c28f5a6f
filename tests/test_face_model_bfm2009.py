"""Deep3D's pack of the Basel Face Model 2009 from a file of its form (made of free data)."""

from __future__ import annotations

import contextlib
import struct
import tracemalloc
import zlib

import h5py
import numpy as np
import pytest
import scipy.io
from face_model_files import bfm2009_front_arrays, write_bfm2009_front
from hypothesis import given
from hypothesis import strategies as st

from focsbench.errors import InputError
from focsbench.face_models import load_face_model, mat_arrays
from focsbench.face_models.bfm2009_front import from_arrays
from focsbench.face_models.mat_arrays import mat_shapes, read_mat


@pytest.fixture(scope="module")
def arrays():
    return bfm2009_front_arrays()


def refusal(path):
    with pytest.raises(InputError) as caught:
        load_face_model("bfm2009_front", path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.count(". ") == 0, "one sentence"
    return message


def test_numbers_of_the_file_in_our_units(arrays, tmp_path):
    model = load_face_model("bfm2009_front", write_bfm2009_front(tmp_path / "front.mat"))
    assert model.modes == (80, 64, 80)
    mean = arrays["meanshape"].reshape(-1, 3)
    centred = 100 * (mean - mean.mean(axis=0))
    np.testing.assert_allclose(model.mean_shape, centred, atol=1e-4)
    neutral = model.shape(2 * np.eye(80)[4])
    moved = arrays["idBase"][:, 4].reshape(-1, 3)
    np.testing.assert_allclose(neutral, centred + 200 * moved, atol=1e-3)
    smiling = model.shape(np.zeros(80), np.eye(64)[1])
    np.testing.assert_allclose(
        smiling, centred + 100 * arrays["exBase"][:, 1].reshape(-1, 3), atol=1e-3
    )
    colour = (arrays["meantex"].ravel() + arrays["texBase"][:, 2]).reshape(-1, 3) / 255
    np.testing.assert_allclose(model.albedo(np.eye(80)[2]), colour, atol=1e-5)
    np.testing.assert_array_equal(model.triangles, arrays["tri"] - 1)
    np.testing.assert_array_equal(model.landmarks68, arrays["keypoints"][0] - 1)
    chosen = [36, 39, 42, 45, 33, 48, 54]
    np.testing.assert_array_equal(model.landmarks7, model.landmarks68[chosen])
    assert model.regions["front"].sum() == 27660
    assert len(model.crop("face").mean_shape) == 35709


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("meanshape", lambda v: v * 1e5, "as if it were in micrometres; .* which is in decimetres"),
        ("meanshape", lambda v: v * 100, "as if it were in millimetres"),
        ("meanshape", lambda v: -v, "landmarks are not where"),
        ("tri", lambda v: v - 1, "numbers outside 1 to 35709"),
        ("tri", lambda v: v + 0.5, "numbers outside 1 to 35709"),
        ("keypoints", lambda v: v * 0 + 40000, "numbers outside"),
        ("keypoints", lambda v: v[:, ::-1], "landmarks are not where"),
        ("meantex", lambda v: v / 255, "colours are black"),
        ("idBase", lambda v: v * 1000, "scaled otherwise"),
    ],
)
def test_wrong_units_and_orders(arrays, tmp_path, name, change, reason):
    with pytest.raises(InputError, match=reason):
        from_arrays({**arrays, name: change(arrays[name])}, tmp_path)


def test_triangles_look_outwards_either_way(arrays, tmp_path):
    model = from_arrays(arrays, tmp_path)
    other = from_arrays({**arrays, "tri": arrays["tri"][:, ::-1]}, tmp_path)
    np.testing.assert_array_equal(other.triangles, model.triangles)


def test_files_that_are_something_else(tmp_path):
    path = tmp_path / "front.mat"
    assert "no such file" in refusal(path)
    path.write_text("<html>404</html>")
    assert "no MATLAB file of version 5" in refusal(path)
    with h5py.File(path, "w", userblock_size=512) as file:
        file["meanshape"] = np.zeros(3)
    content = bytearray(path.read_bytes())
    content[:19] = b"MATLAB 7.3 MAT-file"
    path.write_bytes(content)
    assert "write it again with version 7" in refusal(path)
    scipy.io.savemat(path, {"shapeMU": np.zeros((3, 1)), "tl": np.zeros((4, 3))})
    assert "as the University hands it out" in refusal(path)
    scipy.io.savemat(path, {"something": np.zeros(3)})
    assert "has no array meanshape" in refusal(path)
    scipy.io.savemat(path, {"meanshape": np.zeros((1, 107126))})
    assert "meanshape has shape (1, 107126) instead of (1, 107127)" in refusal(path)


def test_a_truncated_file(arrays, tmp_path):
    path = tmp_path / "front.mat"
    few = {name: arrays[name] for name in ("meanshape", "meantex", "tri", "keypoints")}
    for packed in (False, True):
        scipy.io.savemat(path, few, do_compression=packed)
        content = path.read_bytes()
        path.write_bytes(content[: len(content) * 6 // 10])
        assert "cut off" in refusal(path)


def test_a_file_that_unpacks_to_too_much(tmp_path, monkeypatch):
    monkeypatch.setattr(mat_arrays, "MAX_BYTES", 32 << 20)
    path = tmp_path / "front.mat"
    head = struct.pack("<12I", 14, 64 << 20, 6, 8, 6, 0, 5, 8, 1, 8 << 20, 1, 0)
    packed = zlib.compress(head + bytes(64 << 20))
    header = b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H2s", 0x0100, b"IM")
    path.write_bytes(header + struct.pack("<II", 15, len(packed)) + packed)
    tracemalloc.start()
    message = refusal(path)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert "unpacks to more than 32 MiB" in message
    assert peak < 8 << 20


def test_a_file_of_very_many_arrays(tmp_path):
    path = tmp_path / "front.mat"
    names = [f"a{number}" for number in range(1001)]
    scipy.io.savemat(path, dict.fromkeys(names[:-1], 1.0))
    assert list(mat_shapes(path)) == names[:-1]
    scipy.io.savemat(path, dict.fromkeys(names, 1.0))
    with pytest.raises(InputError, match=r"front\.mat: has more than 1000 arrays"):
        mat_shapes(path)


@pytest.mark.parametrize("value", ["text", {"a": 1.0}, np.array([[1, "x"]], dtype=object)])
def test_arrays_of_something_else_than_numbers(tmp_path, value):
    path = tmp_path / "front.mat"
    scipy.io.savemat(path, {"x": value})
    shape = mat_shapes(path)["x"]
    with pytest.raises(InputError, match=r"no numbers|not finite"):
        read_mat(path, {"x": shape})


@pytest.fixture(scope="module", params=[False, True])
def small(request, tmp_path_factory):
    path = tmp_path_factory.mktemp("flip") / "small.mat"
    scipy.io.savemat(
        path, {"a": np.arange(12.0)[None], "b": np.eye(3)}, do_compression=request.param
    )
    return path, path.read_bytes()


@given(st.data())
def test_a_flipped_byte_ends_in_numbers_or_a_reason(small, data):
    path, content = small
    place = data.draw(st.integers(0, len(content) - 1))
    spoilt = bytearray(content)
    spoilt[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(spoilt)
    with contextlib.suppress(InputError):  # nothing else comes out
        found = read_mat(path, {"a": (1, 12), "b": (3, 3)})
        assert found["a"].shape == (1, 12)
