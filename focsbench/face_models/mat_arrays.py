"""Numeric arrays of a MATLAB file (version 5) from a stranger, bounded before they are read."""

from __future__ import annotations

import struct
import warnings
import zlib
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import InputError

MAX_BYTES = 512 << 20  # of all arrays unpacked; Deep3D's file has some 200 MiB
Shape = tuple[int, ...]
_HEADER, _TAG = 128, 8
_MATRIX, _COMPRESSED = 14, 15
_PIECE = 1 << 20
_NUMERIC = frozenset(
    {"double", "single", *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64))}
)
_ERRORS = (
    OSError, ValueError, TypeError, KeyError, IndexError, AttributeError, NotImplementedError,
    EOFError, OverflowError, MemoryError, struct.error, zlib.error,
    NameError, AssertionError,  # scipy, on types that it did not foresee
)  # fmt: skip


def read_mat(path: Path, shapes: Mapping[str, Shape]) -> dict[str, NDArray[Any]]:
    """Read named arrays of finite numbers.

    Args:
        path: a MAT file of version 5 (MATLAB's ``-v6`` and ``-v7``, scipy's ``savemat``).
        shapes: the shape that each array must have, by name.

    Raises:
        InputError: if the file is missing, cut off, of another format, larger than `MAX_BYTES`
            unpacked, or if an array is missing, not numeric, or of another shape.
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
                f"{path}: {name} has shape {found[name]} instead of {shape}; "
                "get the original file again."
            )
    content = numeric_arrays(path, list(shapes))
    for name, shape in shapes.items():
        array = content[name]
        if array.shape != shape or not np.isfinite(array).all():
            raise InputError(
                f"{path}: {name} has values that are not finite, or another shape than it says; "
                "get the original file again."
            )
    return content


def mat_shapes(path: Path) -> dict[str, Shape]:
    """Return the declared shape of every array of a MAT file. Raises InputError as `read_mat`."""
    _check_size(path)
    return {name: shape for name, shape, _ in _listed(path)}


def numeric_arrays(path: Path, names: Collection[str]) -> dict[str, NDArray[Any]]:
    """Read arrays by name, of the shapes that :func:`mat_shapes` gives.

    Nothing but plain arrays is read: cells hold others, to any depth, which exhausts the stack.

    Raises:
        InputError: as :func:`read_mat`, and if an array is missing or not numeric.
    """
    from scipy.io import loadmat

    kinds = {name: kind for name, _, kind in _listed(path)}
    for name in names:
        if kinds.get(name) not in _NUMERIC:
            raise InputError(f"{path}: {name} holds no numbers; get the original file again.")
    content = _guarded(path, lambda: loadmat(path, variable_names=list(names)))
    for name in names:
        array = content.get(name)
        if not isinstance(array, np.ndarray) or array.dtype.kind not in "fiu":
            raise InputError(f"{path}: {name} holds no numbers; get the original file again.")
    return {name: content[name] for name in names}


def _listed(path: Path) -> list[tuple[str, Shape, str]]:
    from scipy.io import whosmat

    listed = _guarded(path, lambda: whosmat(path))
    return [(name, tuple(int(size) for size in shape), kind) for name, shape, kind in listed]


def _check_size(path: Path) -> None:
    """Walk over the file and unpack it piecewise, so that it cannot unpack to more than it may."""
    if not path.is_file():
        raise InputError(f"{path}: there is no such file; check the path.")
    total = 0
    try:
        with path.open("rb") as stream:
            for size in _sizes(path, stream):
                total += size
                if total > MAX_BYTES:
                    raise InputError(
                        f"{path}: unpacks to more than {MAX_BYTES >> 20} MiB; "
                        "get the original file again."
                    )
    except (OSError, struct.error, zlib.error) as error:
        raise _damaged(path, error) from None


def _sizes(path: Path, stream: BinaryIO) -> Iterator[int]:
    """Yield how many bytes each part of the file unpacks to, in pieces."""
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
    order = "<" if header[126:128] == b"IM" else ">"
    while tag := stream.read(_TAG):
        kind, size = struct.unpack(f"{order}II", tag)
        start = stream.tell()
        if kind == _COMPRESSED:
            yield from _unpacked(stream, size)
        elif kind == _MATRIX:
            yield size
        else:
            raise zlib.error(f"part of unknown kind {kind}")
        stream.seek(0, 2)
        if stream.tell() < start + size:
            raise zlib.error("the file is shorter than it says")
        stream.seek(start + size)


def _unpacked(stream: BinaryIO, size: int) -> Iterator[int]:
    machine = zlib.decompressobj()
    while size > 0 and not machine.eof:
        piece = stream.read(min(size, _PIECE))
        if not piece:
            raise zlib.error("the file is shorter than it says")
        size -= len(piece)
        while piece and not machine.eof:
            yield len(machine.decompress(piece, _PIECE))
            piece = machine.unconsumed_tail
    if not machine.eof:
        raise zlib.error("a packed part is cut off")


def _guarded(path: Path, read: Any) -> Any:
    from scipy.io.matlab import MatReadError

    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of arrays that nobody asked for
            return read()
    except (*_ERRORS, MatReadError) as error:
        raise _damaged(path, error) from None


def _damaged(path: Path, error: BaseException) -> InputError:
    reason = " ".join(str(error).split())[:160] or type(error).__name__
    return InputError(
        f"{path}: cannot be read as a MATLAB file, it is cut off or damaged ({reason}); "
        "get the original file again."
    )
