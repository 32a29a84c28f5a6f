"""Checksummed array files: round trips, damage, unwritable folders."""

from __future__ import annotations

import numpy as np
import pytest

from focsbench.errors import CacheError
from focsbench.face_models.array_cache import checksum, read_arrays, write_arrays


@pytest.fixture
def arrays():
    rng = np.random.default_rng(0)
    return {
        "shape": rng.normal(size=(7, 3)).astype(np.float32),
        "triangles": np.arange(12, dtype=np.int32).reshape(4, 3),
        "mask": np.array([True, False, True]),
        "empty": np.zeros((0, 3), dtype=np.float32),
    }


def test_round_trip_keeps_values_types_and_facts(tmp_path, arrays):
    path = tmp_path / "deep" / "folder" / "a.safetensors"
    write_arrays(path, arrays, {"name": "x", "list": [1, 2]})
    back, facts = read_arrays(path)
    assert facts == {"name": "x", "list": [1, 2]}
    assert back.keys() == arrays.keys()
    for name, array in arrays.items():
        assert back[name].dtype == array.dtype
        np.testing.assert_array_equal(back[name], array)
    assert [p.name for p in path.parent.iterdir()] == [path.name]


def test_transposed_arrays_are_stored_by_value(tmp_path):
    array = np.arange(6.0).reshape(2, 3).T
    write_arrays(tmp_path / "t", {"a": array}, {})
    np.testing.assert_array_equal(read_arrays(tmp_path / "t")[0]["a"], array)


def test_same_content_gives_same_bytes(tmp_path, arrays):
    write_arrays(tmp_path / "a", arrays, {"k": 1})
    write_arrays(tmp_path / "b", dict(reversed(arrays.items())), {"k": 1})
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_checksum_sees_names_types_shapes_values_and_facts(arrays):
    first = checksum(arrays, {"k": 1})
    assert checksum(arrays, {"k": 2}) != first
    assert checksum({**arrays, "mask": ~arrays["mask"]}, {"k": 1}) != first
    assert checksum({**arrays, "shape": arrays["shape"].reshape(3, 7)}, {"k": 1}) != first
    renamed = {("mesh" if name == "shape" else name): a for name, a in arrays.items()}
    assert checksum(renamed, {"k": 1}) != first


@pytest.mark.parametrize("position", [0.02, 0.5, 0.999])
def test_a_flipped_byte_is_one_sentence_that_says_delete(tmp_path, arrays, position):
    path = tmp_path / "a.safetensors"
    write_arrays(path, arrays, {"name": "x"})
    content = bytearray(path.read_bytes())
    content[int(position * len(content))] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(CacheError, match="is damaged; delete it") as caught:
        read_arrays(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("content", [b"", b"not a tensor file", b"\xff" * 64])
def test_garbage_is_damaged(tmp_path, content):
    path = tmp_path / "a.safetensors"
    path.write_bytes(content)
    with pytest.raises(CacheError, match="damaged"):
        read_arrays(path)


def test_a_truncated_file_is_damaged(tmp_path, arrays):
    path = tmp_path / "a.safetensors"
    write_arrays(path, arrays, {})
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CacheError, match="damaged"):
        read_arrays(path)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CacheError, match=r"none\.safetensors does not exist"):
        read_arrays(tmp_path / "none.safetensors")


def test_an_unwritable_place_says_what_to_set(tmp_path, arrays):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(CacheError, match="FOCSBENCH_CACHE"):
        write_arrays(tmp_path / "file" / "a.safetensors", arrays, {})
