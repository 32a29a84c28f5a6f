"""Pickled arrays: read as numpy reads them, and nothing of a hostile file is ever run."""

import builtins
import codecs
import contextlib
import functools
import io
import os
import pickle  # noqa: TID251 - hostile files have to be made somehow
import resource
import struct
import subprocess
import sys
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from focsbench.data import restricted_pickle
from focsbench.data.restricted_pickle import object_npy_bytes, read_object_npy, read_pickle
from focsbench.errors import InputError

CONTENT = {
    "doubles": np.arange(6.0).reshape(2, 3),
    "by column": np.asfortranarray(np.arange(6, dtype=np.int32).reshape(2, 3)),
    "big endian": np.arange(3, dtype=">i8"),
    "flags": np.array([True, False]),
    "words": np.array(["a/b.jpg", "é"]),
    "bytes": np.array([b"ab", b"c"]),
    "scalar": np.float32(2.5),
    "empty": np.zeros((0, 3)),
    "objects": np.array([None, "x", [1, 2]], dtype=object),
    "plain": [1, -(2**40), 2.5, True, None, "text", b"raw", (1, (2,)), {"deep": [{}]}],
}


class Calls:
    """Pickles as a call of anything with any arguments."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def same(found, wanted):
    if isinstance(wanted, np.ndarray):
        assert isinstance(found, np.ndarray)
        assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
        return all(same(*pair) for pair in zip(found.ravel(), wanted.ravel(), strict=True))
    if isinstance(wanted, dict):
        return found.keys() == wanted.keys() and all(same(found[key], wanted[key]) for key in found)
    if isinstance(wanted, list | tuple):
        return len(found) == len(wanted) and all(map(same, found, wanted))
    return type(found) is type(wanted) and found == wanted


@pytest.mark.parametrize("protocol", range(pickle.HIGHEST_PROTOCOL + 1))
def test_reads_what_pickle_reads(tmp_path, protocol):
    path = tmp_path / "arrays.pkl"
    path.write_bytes(pickle.dumps(CONTENT, protocol))
    assert same(read_pickle(path), CONTENT)


def test_arrays_of_python_2(tmp_path):
    """What Python 2 wrote: strings instead of bytes, names and numbers in its own way."""
    path = tmp_path / "arrays.pkl"
    raw = np.array([1.5, -2.0]).tobytes()
    path.write_bytes(
        b"\x80\x02}q\x00U\x06shapesq\x01cnumpy.core.multiarray\n_reconstruct\nq\x02cnumpy\n"
        b"ndarray\nq\x03K\x00\x85U\x01b\x87Rq\x04(K\x01\x8a\x01\x02\x85cnumpy\ndtype\nq\x05U\x02f8"
        b"K\x00K\x01\x87Rq\x06(K\x03U\x01<NNNJ\xff\xff\xff\xffJ\xff\xff\xff\xffK\x00tb\x89U\x10"
        + raw
        + b"tbs."
    )
    assert read_pickle(path)["shapes"].tolist() == [1.5, -2.0]


@given(
    parts=st.lists(hnp.arrays(np.float64, st.integers(0, 5)), max_size=4),
    words=st.lists(st.text(max_size=3), max_size=3),
)
def test_written_files_are_those_of_numpy(tmp_path_factory, parts, words):
    path = tmp_path_factory.mktemp("npy") / "result.npy"
    content = {"parts": parts, "count": 3, "words": np.array([*words, "x"])}
    path.write_bytes(object_npy_bytes(content))
    loaded = np.load(path, allow_pickle=True, encoding="latin1").item()  # the oracle
    for found in (loaded, read_object_npy(path)):
        np.testing.assert_equal(found, content)
    np.save(path, content)
    np.testing.assert_equal(read_object_npy(path), content)


def test_written_files_name_modules_that_every_numpy_has():
    data = object_npy_bytes({"parts": [np.zeros(2)], "words": np.array(["numpy._core."])})
    assert b"numpy.core.multiarray" in data
    assert b"numpy._core" not in data
    assert "numpy._core.".encode("utf-32-le") in data


def loaded_modules():
    """Return the imported modules but for codecs: decoding text loads those on first use."""
    return {name for name in sys.modules if not name.startswith("encodings.")}


MARK = "marker"
HOSTILE = {
    "os.system": Calls(os.system, f"touch {MARK}"),
    "eval": Calls(eval, f"open({MARK!r}, 'w')"),
    "exec": Calls(exec, f"open({MARK!r}, 'w')"),
    "getattr": Calls(getattr, "", "join"),
    "open": Calls(open, MARK, "w"),
    "partial": functools.partial(open, MARK, "w"),
    "import": Calls(builtins.__import__, "this"),
    "numpy.load": Calls(np.load, MARK),
    "numpy.save": Calls(np.save, f"{MARK}.npy", 1),
    "fromfile": Calls(np.fromfile, MARK),
    "memmap": Calls(np.memmap, MARK, "u1", "w+", 0, 9),
    "loads": Calls(pickle.loads, b"."),
    "decode": Calls(codecs.decode, "6162", "hex"),
    "zlib encode": Calls(codecs.encode, b"ab", "zlib"),
    "decompress": Calls(zlib.decompress, zlib.compress(bytes(10))),
    "class": Calls,
    "object": object(),
    "set": {1, 2},
    "complex": np.zeros(2, dtype=complex),
    "record": np.zeros(2, dtype=[("a", "f8"), ("b", "O")]),
    "date": np.array(["2020-01-01"], dtype="M8[D]"),
    "ndarray": Calls(np.ndarray, (1 << 40,)),
    "tuple key": {(1, 2): 3},
    "array in dict in array": np.array([{"x": Calls(os.system, f"touch {MARK}")}], dtype=object),
}


@pytest.mark.parametrize("protocol", [0, 2, 4, 5])
@pytest.mark.parametrize("name", HOSTILE)
def test_nothing_is_run(tmp_path, monkeypatch, name, protocol):
    monkeypatch.chdir(tmp_path)
    pickled, array = tmp_path / "canary.pkl", tmp_path / "canary.npy"
    content = {"computed_distances": [HOSTILE[name]]}
    pickled.write_bytes(pickle.dumps(content, protocol))
    np.save(array, content)
    before = loaded_modules()
    for read, path in ((read_pickle, pickled), (read_object_npy, array)):
        with pytest.raises(InputError) as raised:
            read(path)
        assert str(path) in str(raised.value)
        assert str(raised.value).count("\n") == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["canary.npy", "canary.pkl"]
    assert loaded_modules() == before


def test_torch_files_are_refused(tmp_path):
    # By name, since importing torch takes seconds.
    path = tmp_path / "weights.pkl"
    path.write_bytes(b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n)R.")
    with pytest.raises(InputError, match=r"asks for 'torch\._utils\._rebuild_tensor_v2'"):
        read_pickle(path)


def array_pickle(shape: bytes, dtype: bytes, raw: bytes, state: bytes = b"") -> bytes:
    """An array by hand, with any shape, type and data; state is put behind the dtype."""
    return (
        b"\x80\x04cnumpy.core.multiarray\n_reconstruct\n(cnumpy\nndarray\nK\x00\x85C\x01btR(K\x01"
        + shape
        + b"cnumpy\ndtype\n"
        + struct.pack("<BB", 0x8C, len(dtype))
        + dtype
        + b"\x89\x88\x87R"
        + state
        + b"\x89B"
        + struct.pack("<I", len(raw))
        + raw
        + b"tb."
    )


def nested(opening: bytes, closing: bytes, depth: int) -> bytes:
    return b"\x80\x04" + opening * depth + closing * depth + b"."


def laughs(generations: int) -> bytes:
    """Lists of ten times the list before, each written once."""
    one = b"".join(
        b"](" + (b"h" + bytes([number])) * 10 + b"e\x94" for number in range(generations)
    )
    return b"\x80\x04(]\x94" + one + b"l."


BOMBS = {
    "huge shape": array_pickle(b"\x8a\x05\x00\x00\x00\x00\x10\x85", b"f8", bytes(8)),
    "huge shape of nothing": array_pickle(b"\x8a\x08" + b"\xff" * 7 + b"\x7fK\x00\x86", b"f8", b""),
    "negative shape": array_pickle(b"J\xff\xff\xff\xff\x85", b"f8", bytes(8)),
    "no shape": array_pickle(b"N", b"f8", bytes(8)),
    "huge strings": array_pickle(b"K\x01\x85", b"S999999999", bytes(8)),
    "empty strings": array_pickle(b"\x8a\x05\x00\x00\x00\x00\x10\x85", b"U0", b""),
    "no character": array_pickle(b"K\x01\x85", b"U1", b"\xff\xff\xff\x7f"),
    "pointers": array_pickle(b"K\x01\x85", b"O8", bytes(8)),
    "crafted dtype": array_pickle(
        b"K\x01\x85", b"f8", bytes(8), b"(K\x03\x8c\x01<NN\x8c\x01aK\x08K\x08K\x00tb"
    ),
    "bytes": b"\x80\x04\x8e" + struct.pack("<Q", 1 << 40) + b"abc.",
    "list in itself": b"\x80\x04]\x94h\x00a.",
    "array in itself": b"\x80\x04cnumpy\ndtype\n)R\x94h\x00b.",
    "deep lists": nested(b"]", b"a", 40_000)[:-2] + b".",
    "deep tuples": b"\x80\x04)" + b"\x85" * 50_000 + b".",
    "deep key": b"\x80\x04})" + b"\x85" * 120_000 + b"Ns.",
    "laughs": laughs(9),
    "arrays again": b"\x80\x04]\x94(" + array_pickle(b"K\x08\x85", b"f8", bytes(64))[2:-1] + b"\x94"
    b"h\x01" * 50_000 + b"e.",
    "opcodes": b"\x80\x04" + b"N" * 300_000 + b".",
    "digits": b"I" + b"9" * 100_000 + b"\n.",
    "persistent name": b"Pname\n.",
    "extension": b"\x80\x02\x82\x01.",
    "two objects": b"\x80\x04NN.",
    "no object": b"\x80\x04.",
    "no end": b"\x80\x04N",
    "no mark": b"\x80\x04NNe.",
    "call of a word": b"\x80\x04\x8c\x01a)R.",
    "state of a list": b"\x80\x04])b.",
    "odd items": b"\x80\x04}(Nu.",
    "no pickle": b"hello",
    "nothing": b"",
    "zeros": bytes(1000),
}


def peak_memory() -> int:
    """Most memory that this process has held so far, bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss << 10


@pytest.mark.parametrize("name", BOMBS)
def test_bombs_are_refused_in_little_memory(tmp_path, name):
    path = tmp_path / "bomb.pkl"
    path.write_bytes(BOMBS[name])
    before = peak_memory()
    with pytest.raises(InputError, match=r"bomb\.pkl: not readable as pickled arrays"):
        read_pickle(path)
    assert peak_memory() - before < 64 << 20


@pytest.mark.parametrize(
    "bomb",
    [
        b"\x80\x04Nr\xff\xff\xff\x7f.",  # a memo of two thousand million places
        b"\x80\x04\x95" + struct.pack("<Q", 1 << 62) + b"N.",  # a frame longer than any memory
    ],
)
def test_what_is_a_bomb_for_others_is_data_here(tmp_path, bomb):
    path = tmp_path / "bomb.pkl"
    path.write_bytes(bomb)
    before = peak_memory()
    assert read_pickle(path) is None
    assert peak_memory() - before < 64 << 20


def test_bombs_by_hand_are_arrays_where_they_are_right(tmp_path):
    """The files above fail for what they ask, not for how they were put together."""
    path = tmp_path / "array.pkl"
    path.write_bytes(array_pickle(b"K\x01\x85", b"f8", np.float64(0.25).tobytes()))
    assert read_pickle(path).tolist() == [0.25]
    path.write_bytes(laughs(3))
    assert np.shape(read_pickle(path)[-1]) == (10, 10, 10, 0)


@given(data=st.data())
def test_damage_is_an_error_or_other_data(tmp_path_factory, data):
    path = tmp_path_factory.mktemp("damage") / "arrays.npy"
    stream = io.BytesIO()
    np.save(stream, {"parts": [np.arange(3.0)], "words": np.array(["a"])})
    content = bytearray(stream.getvalue())
    for _ in range(data.draw(st.integers(1, 3))):
        content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content[: data.draw(st.integers(0, len(content)))])
    with contextlib.suppress(InputError):  # anything else fails the test
        read_object_npy(path)


@pytest.mark.parametrize("header", ["{'descr': '|O'}", "(" * 5000, "{'descr': '|O', 'shape': (9,)"])
def test_damaged_headers(tmp_path, header):
    path = tmp_path / "array.npy"
    text = header.encode()
    path.write_bytes(b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text + b"N.")
    with pytest.raises(InputError, match="not readable"):
        read_object_npy(path)


def test_other_files(tmp_path, monkeypatch):
    path = tmp_path / "numbers.npy"
    with pytest.raises(InputError, match="is missing"):
        read_object_npy(path)
    np.save(path, np.zeros(3))
    with pytest.raises(InputError, match="array of float64, no objects"):
        read_object_npy(path)
    np.save(path, np.array([None, 1], dtype=object))
    data = path.read_bytes()
    assert read_object_npy(path).tolist() == [None, 1]
    path.write_bytes(data.replace(b"'shape': (2,)", b"'shape': (3,)"))
    with pytest.raises(InputError, match="does not fit its header"):
        read_object_npy(path)
    monkeypatch.setattr(restricted_pickle, "MAX_BYTES", 10)
    with pytest.raises(InputError, match="too large"):
        read_object_npy(path)


def test_deep_keys_do_not_crash_a_process(tmp_path):
    """The interpreter itself would end in a fault of its stack; so this one runs apart."""
    path = tmp_path / "deep.pkl"
    path.write_bytes(BOMBS["deep key"])
    code = (
        "import sys, pathlib\nfrom focsbench.data.restricted_pickle import read_pickle\n"
        "from focsbench.errors import InputError\n"
        "try:\n    read_pickle(pathlib.Path(sys.argv[1]))\nexcept InputError:\n    print('refused')"
    )
    command = [sys.executable, "-c", code, str(path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert done.stdout == "refused\n"
