"""Files of ``torch.save``, read without torch and without running anything that they ask for.

Both a state dictionary and a whole pickled module come as a pickle beside raw numbers. Unpickling a
module would import its classes and call what the file names. Here the pickle is only looked at
(:mod:`.pickle_machine`), and refused if it names anything but tensors, dictionaries and the classes
of layers; of an object only its layers, parameters and buffers are followed. The result is a list
of tensors by name, whose numbers are read when asked for.

One reader for both kinds, so that a file of either is bounded the same way: every size that the
file announces is compared with the bytes that are there before memory is taken, and nothing in it
may be compressed (``torch.save`` does not compress).

Source of the formats: ``torch/serialization.py`` and ``torch/_utils.py`` of PyTorch 1.6 to 2.13.
"""

from __future__ import annotations

import io
import math
import struct
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.data.pickle_machine import Call, Name, Outside, parse_pickle
from focsbench.data.zip_archive import open_archive
from focsbench.errors import InputError, brief
from focsbench.user_files import require_file

MAX_BYTES = 4 << 30
MAX_PICKLE = 64 << 20
MAX_RECORDS = 50_000
MAX_DEPTH = 64
MAX_VISITS = 400_000
LONGEST_NAME = 512  # characters; of real networks some 80
MAX_NAMES = 16 << 20  # characters of all names of tensors
_LEGACY_MAGIC = 0x1950A86A20F9469CFC6C
_LEGACY_PROTOCOL = 1001
_DTYPES = {
    "FloatStorage": "<f4", "DoubleStorage": "<f8", "HalfStorage": "<f2", "BFloat16Storage": "<u2",
    "LongStorage": "<i8", "IntStorage": "<i4", "ShortStorage": "<i2", "CharStorage": "<i1",
    "ByteStorage": "<u1", "BoolStorage": "?",
}  # fmt: skip
_TENSORS = {("torch._utils", "_rebuild_tensor"), ("torch._utils", "_rebuild_tensor_v2")}
_PARAMETER = ("torch._utils", "_rebuild_parameter")
_DICTIONARY = ("collections", "OrderedDict")
# What may be named without meaning anything here: sets, numbers of optimisers and schedules.
_IGNORED = {
    ("builtins", "set"), ("__builtin__", "set"), ("torch", "device"), ("torch", "Size"),
    ("_codecs", "encode"), ("numpy", "dtype"), ("collections", "defaultdict"),
    ("numpy.core.multiarray", "scalar"), ("numpy._core.multiarray", "scalar"),
    ("builtins", "dict"), ("__builtin__", "dict"), ("collections", "Counter"),
}  # fmt: skip
# Classes of layers, and the modules in which the authors and torchvision define networks.
_LAYERS = ("torch.nn.modules.", "torchvision.models.", "encoder.", "UNet.")
_ERRORS = (
    ValueError, TypeError, KeyError, IndexError, AttributeError, EOFError, OverflowError,
    OSError, MemoryError, RecursionError, NotImplementedError, struct.error, zipfile.BadZipFile,
)  # fmt: skip


@dataclass(frozen=True)
class StoredTensor:
    """Where a tensor lies: its record, and shape, strides and offset in elements of it."""

    record: str
    storage: str
    elements: int
    offset: int
    shape: tuple[int, ...]
    strides: tuple[int, ...]


class TorchFile:
    """The tensors of a file by name.

    Names of nested dictionaries and layers are joined by dots. Use it as a context manager.

    tensors: what there is; classes: full names of the classes of layers that were pickled.

    Raises:
        InputError: if the file is missing, damaged, larger than ``MAX_BYTES``, or holds anything
            else than tensors, plain data and layers.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.tensors: dict[str, StoredTensor] = {}
        self.classes: set[str] = set()
        self._visits = MAX_VISITS
        self._letters = MAX_NAMES
        self._places: dict[str, tuple[int, int]] = {}
        require_file(path, "file of weights")
        try:
            self._bytes = path.stat().st_size
            if self._bytes > MAX_BYTES:
                raise InputError(f"{path}: larger than {MAX_BYTES >> 30} GiB; choose another file.")
            self._file = path.open("rb")
        except OSError as error:
            reason = error.strerror
            raise InputError(f"{path}: cannot be opened ({reason}); check the path.") from None
        try:
            zipped = self._file.read(4) == b"PK\x03\x04"
            self._walk("", self._zipped() if zipped else self._legacy(), 0)
        except BaseException as error:
            self._file.close()
            if isinstance(error, _ERRORS):
                raise self._refused(error) from None
            raise

    def __enter__(self) -> TorchFile:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    def array(self, name: str) -> NDArray[Any]:
        """Read one tensor; bfloat16 comes as float32.

        Raises:
            InputError: if its numbers are not in the file.
        """
        tensor = self.tensors[name]
        try:
            return self._array(tensor)
        except _ERRORS as error:
            raise self._refused(error) from None

    def _array(self, tensor: StoredTensor) -> NDArray[Any]:
        dtype = np.dtype(_DTYPES[tensor.storage])
        if math.prod(tensor.shape) * dtype.itemsize > self._bytes:
            raise ValueError("a tensor is larger than the file")
        if 0 in tensor.shape:
            return np.zeros(tensor.shape, dtype)
        steps = zip(tensor.shape, tensor.strides, strict=True)
        last = tensor.offset + sum((size - 1) * stride for size, stride in steps)
        if last >= tensor.elements:
            raise ValueError("a tensor reaches beyond its numbers")
        start, size = self._places[tensor.record]
        if tensor.elements * dtype.itemsize != size or start + size > self._bytes:
            raise ValueError("the numbers of a tensor are incomplete")
        self._file.seek(start + tensor.offset * dtype.itemsize)
        raw = self._file.read((last + 1 - tensor.offset) * dtype.itemsize)
        flat = np.frombuffer(raw, dtype)
        strides = tuple(stride * dtype.itemsize for stride in tensor.strides)
        view = np.lib.stride_tricks.as_strided(flat, tensor.shape, strides, writeable=False)
        if tensor.storage == "BFloat16Storage":
            return (view.astype("<u4") << 16).view("<f4")
        return np.ascontiguousarray(view).reshape(tensor.shape)

    def _refused(self, error: BaseException) -> InputError:
        return InputError(
            f"{self.path}: not readable as weights of torch ({brief(error)}); get the file from "
            "its source again, and trust it no further if that does not help."
        )

    def _zipped(self) -> Any:
        """Look at the pickle of a zip archive; note where the records of numbers lie."""
        with open_archive(self._file, MAX_RECORDS) as archive:
            records = archive.infolist()
            _check_records(records, self._bytes)
            names = {record.filename: record for record in records}
            (pickle,) = (name for name in names if name.endswith("/data.pkl"))
            root = pickle.removesuffix("data.pkl")
            order = names.get(f"{root}byteorder")
            if order is not None and _content(archive, order, 16) != b"little":
                raise ValueError("its numbers are big-endian")
            data = io.BytesIO(_content(archive, names[pickle], MAX_PICKLE))
            for name, record in names.items():
                if name.startswith(f"{root}data/"):
                    place = _start_of(self._file, record), record.file_size
                    self._places[name.removeprefix(f"{root}data/")] = place
        return parse_pickle(data, _is_allowed)

    def _legacy(self) -> Any:
        """Look at the pickles of the format before torch 1.6; note where the numbers lie."""
        self._file.seek(0)
        stream = io.BytesIO(self._file.read(MAX_PICKLE))
        if parse_pickle(stream, _is_allowed) != _LEGACY_MAGIC:
            raise ValueError("it does not begin as a file of torch does")
        if parse_pickle(stream, _is_allowed) != _LEGACY_PROTOCOL:
            raise ValueError("its protocol is unknown")
        if parse_pickle(stream, _is_allowed).get("little_endian") is not True:
            raise ValueError("its numbers are big-endian")
        found = parse_pickle(stream, _is_allowed)
        keys = parse_pickle(stream, _is_allowed)
        sizes: dict[str, int] = {}
        self._walk("", found, 0)  # to learn the types of the storages, hence their sizes
        for tensor in self.tensors.values():
            sizes[tensor.record] = np.dtype(_DTYPES[tensor.storage]).itemsize * tensor.elements
        place = stream.tell()
        for key in keys:
            start = place + 8
            if not isinstance(key, str) or key not in sizes:  # deep nesting would end the process
                raise ValueError("it holds numbers of no tensor")
            self._places[key] = start, sizes[key]
            place = start + sizes[key]
        return found

    def _walk(self, name: str, found: Any, depth: int) -> None:
        """Collect the tensors below something that the pickle holds."""
        self._visits -= 1
        if self._visits < 0 or depth > MAX_DEPTH:
            raise ValueError("its data refer to each other without end")
        if len(name) > LONGEST_NAME:
            raise ValueError("a name in it is too long")
        if isinstance(found, Call):
            function = (found.function.module, found.function.name)
            if function in _TENSORS:
                self._letters -= len(name)
                if self._letters < 0:
                    raise ValueError("the names of its tensors are too long")
                self.tensors[name] = _tensor(found)
                return
            if function == _PARAMETER:
                self._walk(name, found.arguments[0], depth + 1)
                return
            if function == _DICTIONARY:
                found = found.items
            elif found.function.module.startswith(_LAYERS):
                self.classes.add(f"{found.function.module}.{found.function.name}")
                for below, item in _parts(found.state):
                    self._walk(_joined(name, below), item, depth + 1)
                return
        if isinstance(found, list | tuple):
            found = dict(enumerate(found))
        if isinstance(found, dict):
            for key, item in found.items():
                self._walk(_joined(name, key), item, depth + 1)


def _joined(name: str, key: object) -> str:
    return f"{name}.{key}" if name else str(key)


def _is_allowed(name: Name) -> bool:
    pair = (name.module, name.name)
    if max(map(len, pair)) > LONGEST_NAME:
        return False
    return (
        pair in _TENSORS
        or pair in (_PARAMETER, _DICTIONARY)
        or pair in _IGNORED
        or (name.module == "torch" and name.name in _DTYPES)
        or name.module.startswith(_LAYERS)
    )


def _parts(state: Any) -> Iterator[tuple[str | int, Any]]:
    """Yield the parameters, buffers and layers of a pickled layer."""
    if not isinstance(state, dict):
        return
    for kind in ("_parameters", "_buffers", "_modules"):
        held = state.get(kind)
        yield from (held.items if isinstance(held, Call) else held or {}).items()


def _tensor(call: Call) -> StoredTensor:
    storage, offset, shape, strides = call.arguments[:4]
    if not isinstance(storage, Outside):
        raise ValueError("a tensor has no numbers")
    kind, what, record, _, elements = storage.identifier[:5]
    if kind != "storage" or not isinstance(what, Name) or what.name not in _DTYPES:
        raise ValueError("a tensor has numbers of an unknown kind")
    if any(storage.identifier[5:]):
        raise ValueError("a tensor is a view of another")
    numbers = (offset, elements, *shape, *strides)
    if not all(type(number) is int and 0 <= number < 1 << 48 for number in numbers):
        raise ValueError("a tensor has an impossible size")
    if len(shape) != len(strides) or len(shape) > 8 or not isinstance(record, str):
        raise ValueError("a tensor has an impossible shape")
    return StoredTensor(record, what.name, elements, offset, tuple(shape), tuple(strides))


def _check_records(records: list[zipfile.ZipInfo], size: int) -> None:
    """Refuse archives that unpack to more than they are."""
    if len(records) > MAX_RECORDS or len({record.filename for record in records}) < len(records):
        raise ValueError("it has too many records, or one twice")
    if any(record.compress_type != zipfile.ZIP_STORED for record in records):
        raise ValueError("its records are compressed, which torch does not do")
    if any(record.file_size != record.compress_size for record in records):
        raise ValueError("a record has two sizes")
    if sum(record.file_size for record in records) > size:
        raise ValueError("its records are larger than the file")


def _content(archive: zipfile.ZipFile, record: zipfile.ZipInfo, limit: int) -> bytes:
    if record.file_size > limit:
        raise ValueError(f"{record.filename[-40:]!a} is too large")
    try:
        return archive.read(record)
    except RuntimeError:
        raise ValueError(
            f"{record.filename[-40:]!a} has a password, or is packed in an unknown way"
        ) from None


def _start_of(file: io.BufferedReader, record: zipfile.ZipInfo) -> int:
    """Return where the bytes of an uncompressed record begin."""
    file.seek(record.header_offset)
    header = file.read(30)
    if len(header) < 30 or header[:4] != b"PK\x03\x04":
        raise ValueError("a record is not where it should be")
    lengths: tuple[int, ...] = struct.unpack_from("<HH", header, 26)
    return record.header_offset + 30 + sum(lengths)
