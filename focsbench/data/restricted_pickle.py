"""Pickled numpy arrays of other programs, read without running anything that they ask for.

The one place of the project that touches pickles. Official NoW results are ``.npy`` files around
a pickled dictionary, and head models come as pickled dictionaries of arrays. A pickle is a program
that may call whatever it can import. Here it is only looked at (:mod:`.pickle_machine`), and
refused unless

- it names nothing but the few functions and classes that numpy writes around an array, which are
  not called: the array is made from values that were checked;
- it comes to plain data (dict with words as keys, list, tuple, str, bytes, numbers, None) and
  arrays of numbers, strings or such data;
- all of it, followed through every reference, is no bigger than the file.
"""

from __future__ import annotations

import io
import math
import pickle  # noqa: TID251 - for writing one format only; nothing here loads with it
import re
import struct
import warnings
from collections.abc import Collection, Mapping
from pathlib import Path
from tokenize import TokenError
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from focsbench.data.pickle_machine import MAX_OPCODES, Call, Name, Outside, parse_pickle
from focsbench.errors import InputError, brief
from focsbench.user_files import read_bytes

MAX_BYTES = 2 << 30  # NoW's 1702 test images come to about 0.7 GB
MAX_DEPTH = 32
_TYPES = re.compile(r"[<>=|]?(?:[iu][1248]|f[248]|f16|b1|[SU][1-9]\d{0,5}|O[48]?)")
_ERRORS = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError,
    MemoryError, RecursionError, struct.error,
)  # fmt: skip
# What numpy 1 and 2 write around arrays, and what it means here.
_MEANING = {
    ("numpy", "dtype"): "dtype",
    ("_codecs", "encode"): "bytes",
    ("__builtin__", "bytes"): "bytes",  # so Python 3 writes empty bytes for Python 2
    **{
        (f"numpy.{core}.{module}", name): meaning
        for core in ("core", "_core")
        for module, name, meaning in (
            ("multiarray", "_reconstruct", "array"),
            ("multiarray", "scalar", "scalar"),
            ("numeric", "_frombuffer", "buffer"),
        )
    },
}


def read_pickle(path: Path) -> Any:
    """Read a pickle of plain data and numpy arrays.

    Strings of Python 2 are taken for Latin-1. Arrays are read-only.

    Raises:
        InputError: if the file is missing, damaged, larger than ``MAX_BYTES``, or holds anything
            else.
    """
    return _decode(path, read_bytes(path, "file of pickled arrays", MAX_BYTES), 0)


def read_object_npy(path: Path, only: Collection[str] | None = None) -> Any:
    """Read a ``.npy`` file whose array holds pickled objects; see :func:`read_pickle`.

    Args:
        path: of the file.
        only: entries of the outermost dictionary to take. The others are not looked at, so they may
            be what is refused otherwise; nothing of them is run either.

    Returns:
        The array, or the one object in it where it has no dimension (``np.save`` of a dictionary).

    Raises:
        InputError: as :func:`read_pickle`, also if the array does not hold objects.
    """
    data = read_bytes(path, "file of pickled arrays", MAX_BYTES)
    stream = io.BytesIO(data)
    try:
        version = np.lib.format.read_magic(stream)
        readers = {
            (1, 0): np.lib.format.read_array_header_1_0,
            (2, 0): np.lib.format.read_array_header_2_0,
        }
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", UserWarning)  # Python 2 wrote it: so it did
            shape, _, dtype = readers[version](stream)
    except (*_ERRORS, SyntaxError, TokenError) as error:
        raise _refused(path, error) from None
    if dtype != np.dtype(object):
        raise InputError(f"{path}: holds an array of {dtype}, no objects; choose another file.")
    array = _decode(path, data, stream.tell(), only)
    if not isinstance(array, np.ndarray) or array.shape != shape:
        raise InputError(f"{path}: the content does not fit its header; write it again.")
    return array.item() if array.shape == () else array


def numbers_of(found: Any) -> NDArray[Any] | None:
    """Return the real numbers that an array or nested lists in a pickle hold, or None."""
    if isinstance(found, (list, tuple)):
        if not _holds_numbers(found):  # among texts, all would get the width of the longest
            return None
        try:
            found = np.asarray(found)
        except ValueError:  # lists of several lengths
            return None
    is_array = isinstance(found, np.ndarray) and found.dtype.kind in "iuf"
    return found if is_array and found.dtype.itemsize <= 8 else None


def _holds_numbers(found: Any) -> bool:
    if isinstance(found, (list, tuple)):
        return all(map(_holds_numbers, found))
    if isinstance(found, np.ndarray):
        return found.dtype.kind in "iuf"
    return isinstance(found, (int, float, np.number))


def object_npy_bytes(content: Mapping[str, Any]) -> bytes:
    """Return what ``np.save`` writes for a dictionary, readable by every numpy since 1.7.

    The one writer of pickles, for a file format that others have fixed. Newer numpy versions write
    a module name that versions before 1.26 do not know; here the old name stands, which all know.

    Args:
        content: plain data and arrays of numbers or strings.
    """
    array = np.empty((), dtype=object)  # an array around the dictionary, as np.save makes it
    array[()] = dict(content)
    stream = io.BytesIO()
    np.lib.format.write_array_header_1_0(stream, np.lib.format.header_data_from_array_1_0(array))
    # Protocol 3 spells names in lines of text. The module's stands once, at the start: whatever
    # follows refers back to it.
    text = pickle.dumps(array, protocol=3)
    head = text[:32].replace(b"cnumpy._core.", b"cnumpy.core.", 1)
    return b"".join([stream.getvalue(), head, memoryview(text)[32:]])


def _refused(path: Path, error: BaseException) -> InputError:
    return InputError(
        f"{path}: not readable as pickled arrays ({brief(error)}); get the file from its source "
        "again, and trust it no further if that does not help."
    )


def _decode(path: Path, data: bytes, start: int, only: Collection[str] | None = None) -> Any:
    try:
        stream = io.BytesIO(data)
        stream.seek(start)
        return _Plain(len(data), only).value(parse_pickle(stream))
    except _ERRORS as error:
        raise _refused(path, error) from None


class _Plain:
    """Turns what a pickle says into plain data and arrays, within the size of the file."""

    def __init__(self, size: int, only: Collection[str] | None = None) -> None:
        self._bytes = size
        self._values = MAX_OPCODES
        self._only = only

    def value(self, found: Any, depth: int = 0) -> Any:
        """Return plain data; references to the same object count again each time."""
        self._values -= 1
        if self._values < 0 or depth > MAX_DEPTH:
            raise ValueError("its data refer to each other without end")
        if isinstance(found, Call):
            return self._made(found, depth)
        if isinstance(found, (list, tuple)):
            return type(found)(self.value(item, depth + 1) for item in found)
        if isinstance(found, dict):
            if not all(isinstance(key, str) for key in found):
                raise ValueError("a key is no word")
            if self._only is not None:  # of the outermost dictionary alone
                found = {key: item for key, item in found.items() if key in self._only}
                self._only = None
            return {key: self.value(item, depth + 1) for key, item in found.items()}
        if isinstance(found, (bytes, bytearray)):
            return self._counted(found)
        if isinstance(found, Name):
            raise ValueError(f"it names {found}")
        if isinstance(found, Outside):
            raise ValueError("it refers to something outside")
        return found

    def _made(self, call: Call, depth: int) -> Any:
        meaning = _meaning(call)
        if meaning == "bytes":
            return self._counted(call)
        if meaning == "scalar":
            dtype, raw = call.arguments
            return self._array(raw, _dtype(dtype), (), "C")[()]
        if meaning == "buffer":
            raw, dtype, shape, ordering = call.arguments
            return self._array(raw, _dtype(dtype), shape, ordering)
        if meaning != "array":
            raise ValueError("it holds something that is neither data nor an array")
        _, shape, dtype, is_fortran, raw = call.state
        order: Literal["C", "F"] = "F" if is_fortran else "C"
        if _dtype(dtype).hasobject:
            return self._objects(raw, shape, order, depth)
        return self._array(raw, _dtype(dtype), shape, order)

    def _array(self, raw: Any, dtype: np.dtype[Any], shape: Any, order: Any) -> Any:
        data = self._counted(raw)
        if dtype.hasobject or order not in ("C", "F"):
            raise ValueError("an array is none of numbers or strings")
        if len(data) != _size(shape) * dtype.itemsize:
            raise ValueError("the data of an array do not fit its shape")
        array = np.frombuffer(data, dtype=dtype)
        if dtype.kind == "U" and array.size and array.view(f"{dtype.str[0]}u4").max() > 0x10FFFF:
            raise ValueError("a string has a character that does not exist")
        return array.reshape(shape, order=order)

    def _objects(self, raw: Any, shape: Any, order: Literal["C", "F"], depth: int) -> Any:
        if not isinstance(raw, list) or len(raw) != _size(shape):
            raise ValueError("the objects of an array do not fit its shape")
        array = np.empty(len(raw), dtype=object)
        for place, item in enumerate(raw):
            array[place] = self.value(item, depth + 1)
        return array.reshape(shape, order=order)

    def _counted(self, raw: Any) -> bytes:
        """Return bytes however they are spelt, and take them from what the file can hold."""
        if isinstance(raw, Call) and _meaning(raw) == "bytes":
            raw, encoding = raw.arguments or (b"", "latin1")
            if encoding != "latin1":
                raise ValueError("bytes are encoded in an unknown way")
        data = raw.encode("latin1") if isinstance(raw, str) else raw
        if not isinstance(data, (bytes, bytearray)):
            raise ValueError("the data of an array are no bytes")
        self._bytes -= len(data)
        if self._bytes < 0:
            raise ValueError("its arrays are larger than the file")
        return bytes(data)


def _meaning(call: Call) -> str:
    name = (call.function.module, call.function.name)
    if name not in _MEANING:
        raise ValueError(f"it asks for {call.function}")
    if call.items:
        raise ValueError("it sets an item of what is no dictionary")
    return _MEANING[name]


def _size(shape: Any) -> int:
    if (
        not isinstance(shape, tuple)
        or len(shape) > MAX_DEPTH
        or not all(type(size) is int and 0 <= size < 1 << 62 for size in shape)
    ):
        raise ValueError("the shape of an array is none")
    return math.prod(shape)


def _dtype(call: Any) -> np.dtype[Any]:
    """Make the dtype of numbers, strings or objects that a pickle describes."""
    if not isinstance(call, Call) or _meaning(call) != "dtype":
        raise ValueError("an array has no dtype")
    code = call.arguments[0]
    if not isinstance(code, str) or not _TYPES.fullmatch(code):
        raise ValueError("an array is neither of numbers nor of strings")
    dtype = np.dtype(object) if "O" in code else np.dtype(code)
    if call.state is None:
        return dtype
    _, byte_order, base, names, fields = call.state[:5]
    if byte_order not in ("<", ">", "|", "=") or any(x is not None for x in (base, names, fields)):
        raise ValueError("the dtype of an array has parts")
    return dtype if byte_order == "|" else dtype.newbyteorder(byte_order)
