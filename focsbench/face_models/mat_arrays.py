"""Numeric arrays of a MATLAB file (version 5) from a stranger, bounded before they are read.

Read here and not with scipy: its reader is compiled code that trusts the file, and a damaged one
can end the process. Plain arrays of real numbers are all that face models consist of; cells,
structures, objects, texts and sparse or complex arrays are passed over unread.

Source of the format: "MAT-File Format", The MathWorks, level 5.
"""

from __future__ import annotations

import math
import struct
import zlib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import InputError, brief
from focsbench.user_files import require_file

MAX_BYTES = 512 << 20  # of all arrays unpacked; Deep3D's file has some 200 MiB
Shape = tuple[int, ...]
_HEADER, _TAG = 128, 8
_MATRIX, _COMPRESSED = 14, 15
_MOST_ARRAYS = 1000  # in a file; face models and outputs of methods have some ten
_HEAD = 1 << 16  # bytes of an array that hold its class, shape and name
_PIECE = 1 << 20
_COMPLEX = 0x0800
# Classes of arrays, and the types that their numbers are stored as, which may be smaller.
_CLASSES = {6: "f8", 7: "f4", 8: "i1", 9: "u1", 10: "i2", 11: "u2", 12: "i4", 13: "u4", 14: "i8",
            15: "u8"}  # fmt: skip
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8",
          13: "u8"}  # fmt: skip
_ERRORS = (OSError, ValueError, OverflowError, MemoryError, struct.error, zlib.error)


@dataclass(frozen=True)
class _Array:
    """An array that a file lists.

    name, shape: as it says. dtype: of its class, empty where it holds no plain real numbers.
    start, size: of its bytes in the file. packed: whether they are compressed. unpacked: their
    number then. numbers: where the numbers begin in them.
    """

    name: str
    shape: Shape
    dtype: str
    start: int
    size: int
    packed: bool
    unpacked: int
    numbers: int


def read_mat(path: Path, shapes: Mapping[str, Shape]) -> dict[str, NDArray[Any]]:
    """Read named arrays of finite numbers.

    Args:
        path: a MAT file of version 5 (MATLAB's ``-v6`` and ``-v7``, scipy's ``savemat``).
        shapes: the shape that each array must have, by name.

    Raises:
        InputError: if the file is missing, cut off, of another format, larger than `MAX_BYTES`
            unpacked or of very many arrays, or if an array is missing, not numeric, or of another
            shape.
    """
    found = mat_shapes(path)
    for name, shape in shapes.items():
        if name not in found:
            raise InputError(
                f"{path}: has no array {name}, so it is not the expected face model; "
                "see docs/face-models.md for the right file."
            )
        if found[name] != shape:
            raise InputError(
                f"{path}: {name} has shape {brief(found[name])} instead of {shape}; "
                "get the original file again."
            )
    content = numeric_arrays(path, shapes)
    for name in shapes:
        if not np.isfinite(content[name]).all():
            raise InputError(
                f"{path}: {name} has values that are not finite; get the original file again."
            )
    return content


def mat_shapes(path: Path) -> dict[str, Shape]:
    """Return the declared shape of every array of a MAT file. Raises InputError as `read_mat`."""
    return {array.name: array.shape for array in _listed(path)}


def numeric_arrays(path: Path, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """Read arrays by name, of the shapes that :func:`mat_shapes` gives.

    Raises:
        InputError: as :func:`read_mat`, and if an array is missing or holds no plain real numbers.
    """
    listed = {array.name: array for array in _listed(path)}
    for name in names:
        if name not in listed or not listed[name].dtype:
            raise InputError(f"{path}: {name} holds no numbers; get the original file again.")
    try:
        with path.open("rb") as stream:
            order = _order(path, stream)
            return {name: _numbers(stream, listed[name], order) for name in names}
    except _ERRORS as error:
        raise _damaged(path, error) from None


def _listed(path: Path) -> list[_Array]:
    """Walk over the file and look at the head of each array."""
    require_file(path, "MATLAB file")
    try:
        with path.open("rb") as stream:
            order = _order(path, stream)
            arrays = list(islice(_arrays(stream, order), _MOST_ARRAYS + 1))
    except _ERRORS as error:
        raise _damaged(path, error) from None
    if len(arrays) > _MOST_ARRAYS:
        raise InputError(
            f"{path}: has more than {_MOST_ARRAYS} arrays; get the original file again."
        )
    total = sum(array.unpacked for array in arrays)
    if total > MAX_BYTES:
        raise InputError(
            f"{path}: unpacks to more than {MAX_BYTES >> 20} MiB; get the original file again."
        )
    return arrays


def _order(path: Path, stream: BinaryIO) -> str:
    """Return the byte order, with the stream behind the header."""
    header = stream.read(_HEADER)
    if header.startswith((b"MATLAB 7.3", b"\x89HDF")):
        raise InputError(
            f"{path}: is a MATLAB 7.3 file; write it again with version 7 "
            "(MATLAB: save -v7; Python: scipy.io.savemat)."
        )
    if not header.startswith(b"MATLAB 5.0") or header[126:128] not in (b"IM", b"MI"):
        raise InputError(
            f"{path}: is no MATLAB file of version 5; see docs/face-models.md for the right file."
        )
    return "<" if header[126:128] == b"IM" else ">"


def _arrays(stream: BinaryIO, order: str) -> Iterator[_Array]:
    end = stream.seek(0, 2)
    start = _HEADER + _TAG
    while start - _TAG < end:
        stream.seek(start - _TAG)
        kind, size = struct.unpack(f"{order}II", stream.read(_TAG))
        if start + size > end:
            raise ValueError("the file is shorter than it says")
        unpacked = size
        if kind == _COMPRESSED:
            head = zlib.decompressobj().decompress(stream.read(min(size, _HEAD)), _HEAD)
            inner, unpacked = struct.unpack(f"{order}II", head[:_TAG])
            if inner != _MATRIX:
                raise ValueError(f"part of unknown kind {inner}")
            head = head[_TAG:]
        elif kind == _MATRIX:
            head = stream.read(min(size, _HEAD))
        else:
            raise ValueError(f"part of unknown kind {kind}")
        name, shape, dtype, numbers = _head(head, order)
        yield _Array(name, shape, dtype, start, size, kind == _COMPRESSED, unpacked, numbers)
        start += size + _TAG


def _head(head: bytes, order: str) -> tuple[str, Shape, str, int]:
    """Return name, shape, type and where the numbers begin; no type where there are none."""
    flags, place = _part(head, 0, order)
    (word,) = struct.unpack(f"{order}I", flags[:4])
    kind = word & 0xFF
    if not 1 <= kind <= 15:  # an object of MATLAB, which has no shape
        return "", (), "", 0
    sizes, place = _part(head, place, order)
    shape = tuple(np.frombuffer(sizes, f"{order}i4").tolist())
    if min(shape, default=-1) < 0 or len(shape) > 32:
        raise ValueError("an array has an impossible shape")
    name, place = _part(head, place, order)
    dtype = "" if word & _COMPLEX else _CLASSES.get(kind, "")
    return name.decode("latin-1"), shape, dtype, place


def _part(data: bytes, place: int, order: str) -> tuple[bytes, int]:
    """Return the bytes of a small part of an array, and where the next one begins."""
    kind, size, start = _tag(data, place, order)
    if start + size > len(data):
        raise ValueError("an array ends early")
    after = start + size if kind == 0 else start + -(-size // 8) * 8
    return data[start : start + size], place + _TAG if start == place + 4 else after


def _tag(data: bytes, place: int, order: str) -> tuple[int, int, int]:
    """Return type, size and start of a part; small ones share their tag with their bytes."""
    (kind,) = struct.unpack_from(f"{order}I", data, place)
    if kind >> 16:
        return kind & 0xFFFF, min(kind >> 16, 4), place + 4
    (size,) = struct.unpack_from(f"{order}I", data, place + 4)
    return kind, size, place + _TAG


def _numbers(stream: BinaryIO, array: _Array, order: str) -> NDArray[Any]:
    data = _content(stream, array)
    kind, size, start = _tag(data, array.numbers, order)
    stored = np.dtype(order + _TYPES[kind]) if kind in _TYPES else None
    count = math.prod(array.shape)
    if stored is None or size != count * stored.itemsize or start + size > len(data):
        raise ValueError(f"the numbers of {array.name[:40]!a} do not fit its shape")
    flat = np.frombuffer(data, stored, count, start)
    with np.errstate(over="ignore", invalid="ignore"):
        values = flat.astype(array.dtype)
    return values.reshape(array.shape, order="F")


def _content(stream: BinaryIO, array: _Array) -> bytes:
    stream.seek(array.start)
    if not array.packed:
        return stream.read(array.size)
    machine, pieces = zlib.decompressobj(), []
    left, limit = array.size, array.unpacked + _TAG
    while left > 0 and limit > 0:
        piece = stream.read(min(left, _PIECE))
        left -= len(piece)
        if not piece:
            break
        pieces.append(machine.decompress(piece, limit))
        limit -= len(pieces[-1])
    data = b"".join(pieces)
    if len(data) < array.unpacked + _TAG:
        raise ValueError("a packed part is cut off")
    return data[_TAG:]


def _damaged(path: Path, error: BaseException) -> InputError:
    return InputError(
        f"{path}: cannot be read as a MATLAB file, it is cut off or damaged ({brief(error)}); "
        "get the original file again."
    )
