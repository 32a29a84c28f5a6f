"""Mutations that take a file apart, change a part and put it together with right lengths and sums.

Most formats refuse a file at once where a length or checksum is wrong, so bytes alone would never
reach what lies behind.
"""

from __future__ import annotations

import copy
import io
import json
import pickletools
import re
import struct
import zlib
from collections.abc import Callable, Sequence
from random import Random
from typing import Any
from zipfile import ZIP_BZIP2, ZIP_DEFLATED, ZIP_STORED, BadZipFile, ZipFile, ZipInfo

from fuzz.bytes_and_words import LARGEST, WHOLE, WORDS, mutate_bytes

PNG = b"\x89PNG\r\n\x1a\n"
NPY = b"\x93NUMPY"
NAMES = ("../../owned", "/tmp/owned", "a" * 300, "", "a/", "\0", "é")
VALUES: tuple[Any, ...] = (
    None, True, False, 0, -1, 1.5, float("nan"), float("inf"), 10**30, 10**400, "", "a", [], {},
    [[]], {"a": 1}, "\ud800", "a\0b", *WHOLE,
)  # fmt: skip
Mutation = Callable[[bytes, Random], bytes]


def change_json(data: bytes, rng: Random) -> bytes:
    """Change, remove, rename or double one value anywhere in a JSON text."""
    tree = json.loads(data)
    places = list(_places(tree))
    if not places:
        return json.dumps(rng.choice(VALUES)).encode()
    inside, key = rng.choice(places)
    match rng.randrange(5):
        case 0:
            del inside[key]
        case 1:
            other, name = rng.choice(places)
            inside[key] = copy.deepcopy(other[name])
        case 2 if isinstance(inside, list):
            inside[key:key] = [copy.deepcopy(inside[key])] * rng.choice((1, 30))
        case 2:
            inside[rng.choice(WORDS)] = inside.pop(key)
        case _:
            inside[key] = rng.choice(VALUES)
    return json.dumps(tree).encode()


def _places(tree: Any) -> Any:
    items = tree.items() if isinstance(tree, dict) else enumerate(tree)
    for key, value in items if isinstance(tree, dict | list) else ():
        yield tree, key
        yield from _places(value)


def change_zip(data: bytes, rng: Random) -> bytes:
    """Change, remove, rename, double or pack otherwise one member of an archive."""
    with ZipFile(io.BytesIO(data)) as archive:
        members = [(name, archive.read(name)) for name in archive.namelist()]
    packing = rng.choice((ZIP_STORED, ZIP_STORED, ZIP_DEFLATED, ZIP_BZIP2))
    place = rng.randrange(len(members)) if members else 0
    match rng.randrange(8) if members else 6:
        case 0:
            del members[place]
        case 1:
            members.append(members[place])
        case 2:
            members[place] = (rng.choice(NAMES), members[place][1])
        case 3:
            members[place] = (members[place][0], rng.choice(members)[1])
        case _:
            name, content = members[place] if members else ("a", b"a")
            members[place : place + 1] = [(name, mutate(content, rng))]
    stream = io.BytesIO()
    with ZipFile(stream, "w", packing) as archive:
        for name, content in members:
            archive.writestr(ZipInfo(name), content, packing)  # its date is fixed
    return stream.getvalue()


def change_png(data: bytes, rng: Random) -> bytes:
    """Change one chunk of a PNG, packed pixels and texts also before they are packed."""
    chunks, at = [], len(PNG)
    while at + 12 <= len(data):
        (size,) = struct.unpack_from(">I", data, at)
        chunks.append([data[at + 4 : at + 8], data[at + 8 : at + 8 + size]])
        at += size + 12
    chunk = rng.choice(chunks)
    if chunk[0] == b"IDAT" and rng.random() < 0.7:
        chunk[1] = zlib.compress(mutate_bytes(_unpacked(chunk[1]), rng))
    elif rng.random() < 0.2:
        chunks.insert(rng.randrange(len(chunks)), list(rng.choice(chunks)))
    elif rng.random() < 0.1:
        chunk[0] = rng.choice(
            (b"tEXt", b"zTXt", b"iTXt", b"iCCP", b"eXIf", b"acTL", b"fdAT", b"PLTE")
        )
    else:
        chunk[1] = mutate_bytes(chunk[1], rng)
    made = [
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    ]
    return PNG + b"".join(made)


def change_npy(data: bytes, rng: Random) -> bytes:
    """Change the header of a .npy file, whose length is kept right, or the numbers."""
    (size,) = struct.unpack_from("<H", data, 8)
    header, body = data[10 : 10 + size], data[10 + size :]
    if rng.random() < 0.3:
        return data[: 10 + size] + mutate(body, rng)
    header = mutate_bytes(header, rng)[:60000]
    return data[:8] + struct.pack("<H", len(header)) + header + body


def change_safetensors(data: bytes, rng: Random) -> bytes:
    """Change the JSON header of a safetensors file, also the JSON texts in its metadata."""
    (size,) = struct.unpack_from("<Q", data)
    header = json.loads(data[8 : 8 + size])
    notes = header.get("__metadata__")
    if isinstance(notes, dict) and "note" in notes and rng.random() < 0.5:
        notes["note"] = mutate(notes["note"].encode(), rng).decode("utf-8", "replace")
        text = json.dumps(header).encode()
    else:
        text = change_json(data[8 : 8 + size], rng)
    return struct.pack("<Q", len(text)) + text + data[8 + size :]


def change_mat(data: bytes, rng: Random) -> bytes:
    """Change one element of a MATLAB file with a right length, packed ones before they are."""
    elements, at = [], 128
    while at + 8 <= len(data):
        kind, size = struct.unpack_from("<II", data, at)
        elements.append([kind, data[at + 8 : at + 8 + size]])
        at += 8 + size
    element = rng.choice(elements)
    if element[0] == 15:
        element[1] = zlib.compress(mutate_bytes(_unpacked(element[1]), rng))
    else:
        element[1] = mutate_bytes(element[1], rng)
    return data[:128] + b"".join(
        struct.pack("<II", kind, len(body)) + body for kind, body in elements
    )


def change_pickle(data: bytes, rng: Random) -> bytes:
    """Remove, double, move or change whole opcodes of a pickle, wherever in a file it stands."""
    start = data.index(b"\x80")
    stream = io.BytesIO(data[start:])
    places = [place for _, _, place in pickletools.genops(stream)]
    rest = stream.read()
    pieces = [data[start + a : start + b] for a, b in zip(places, [*places[1:], None], strict=True)]
    pieces[-1] = pieces[-1][:1]
    for _ in range(rng.choice((1, 1, 2, 4))):
        place = rng.randrange(len(pieces))
        match rng.randrange(4):
            case 0 if len(pieces) > 1:
                del pieces[place]
            case 1:
                pieces[place:place] = [pieces[place]] * rng.choice((1, 1, 3, 100))
            case 2:
                pieces[place] = rng.choice(pieces)
            case _:
                pieces[place] = pieces[place][:1] + mutate_bytes(pieces[place][1:] or b"\0", rng)
    return data[:start] + b"".join(pieces) + rest


def change_onnx(data: bytes, rng: Random) -> bytes:
    """Change one field anywhere in an ONNX model."""
    import onnx
    from google.protobuf.message import DecodeError

    try:
        model = onnx.load_from_string(data)
    except DecodeError as error:
        raise ValueError from error
    message, field = rng.choice(list(_fields(model)))
    value = getattr(message, field.name)
    if not hasattr(value, "add") and not hasattr(value, "extend"):
        _set_field(message, field, rng)
    elif rng.random() < 0.4:
        del value[rng.randrange(len(value))]
    elif rng.random() < 0.5:
        value.append(value[rng.randrange(len(value))])
    else:
        message.ClearField(field.name)
    return bytes(model.SerializeToString())


def _fields(message: Any) -> Any:
    for field, value in message.ListFields():
        yield message, field
        if field.message_type is not None:
            for part in value if hasattr(value, "add") else [value]:
                yield from _fields(part)


def _set_field(message: Any, field: Any, rng: Random) -> None:
    old = getattr(message, field.name)
    if isinstance(old, str):
        names = [f"v{n}" for n in range(9)] + [f"c{n}" for n in range(9)] + ["data", "Identity", ""]
        setattr(message, field.name, rng.choice(names))
    elif isinstance(old, bytes):
        setattr(message, field.name, mutate_bytes(old or b"\0", rng))
    elif isinstance(old, int):
        number = rng.choice((0, 1, 2, 5, 11, 16, rng.choice(WHOLE) % (1 << 31)))
        try:
            setattr(message, field.name, number)
        except ValueError:  # no member of an enumeration
            setattr(message, field.name, 1)
    else:
        message.ClearField(field.name)


def _unpacked(data: bytes) -> bytes:
    return zlib.decompressobj().decompress(data, LARGEST)


# How each structure begins, and what changes it.
_STRUCTURES: tuple[tuple[re.Pattern[bytes], Mutation], ...] = (
    (re.compile(rb"\s*[\[{]"), change_json),
    (re.compile(rb"PK\x03\x04"), change_zip),
    (re.compile(re.escape(PNG)), change_png),
    (re.compile(NPY), change_npy),
    (re.compile(rb".{8}\{", re.DOTALL), change_safetensors),
    (re.compile(rb"MATLAB 5.0"), change_mat),
    (re.compile(rb"\x80[\x02-\x04]|\x93NUMPY.{4}[^}]*'\|?O'", re.DOTALL), change_pickle),
    (re.compile(rb"\x08.(\x12|:)", re.DOTALL), change_onnx),
)
# What a part that does not fit raises: then the bytes are changed instead.
_DOES_NOT_FIT = (
    ValueError, KeyError, IndexError, TypeError, struct.error, zlib.error, BadZipFile, OSError,
    RecursionError, NotImplementedError, RuntimeError, EOFError, UserWarning, AttributeError,
)  # fmt: skip


def mutate(data: bytes, rng: Random, others: Sequence[bytes] = ()) -> bytes:
    """Change a file by what it is, or just its bytes."""
    fitting = [change for start, change in _STRUCTURES if start.match(data)]
    if fitting and rng.random() < 0.7:
        try:
            return rng.choice(fitting)(data, rng)[:LARGEST]
        except _DOES_NOT_FIT:
            pass
    return mutate_bytes(data, rng, others)
