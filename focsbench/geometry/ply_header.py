"""The header of a PLY file: format, elements and their properties.

Format: G. Turk, "The PLY polygon file format", 1994.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_MOST_BYTES = 1 << 16
_END = re.compile(rb"[\n\r]end_header[ \t]*(\r\n|\n|\r)")
_TYPES = {
    **{"char": "i1", "uchar": "u1", "short": "i2", "ushort": "u2", "int": "i4", "uint": "u4"},
    **{"int8": "i1", "uint8": "u1", "int16": "i2", "uint16": "u2", "int32": "i4", "uint32": "u4"},
    **{"float": "f4", "double": "f8", "float32": "f4", "float64": "f8"},
}
BYTE_ORDER = {"binary_little_endian": "<", "binary_big_endian": ">"}


@dataclass(frozen=True)
class Property:
    """A number per row, or a list of them where ``length`` is the type of its length.

    Types are numpy's without the byte order, such as ``f4``.
    """

    name: str
    type: str
    length: str | None = None


@dataclass(frozen=True)
class Element:
    """So many rows of the same properties."""

    name: str
    count: int
    properties: tuple[Property, ...]


def parse_header(data: bytes) -> tuple[str, list[Element], int]:
    """Return the format (``ascii`` or a key of BYTE_ORDER), the elements and where the body starts.

    Raises:
        ValueError: if there is no header of that kind.
    """
    end = _END.search(data, 0, _MOST_BYTES)
    if not data.startswith((b"ply\n", b"ply\r")) or end is None:
        raise ValueError("no PLY header")
    lines = data[4 : end.start()].decode("latin-1").splitlines()
    form, elements = "", list[Element]()
    for words in (line.split() for line in lines):
        match words:
            case [] | ["comment" | "obj_info", *_]:
                continue
            case ["format", name, _] if name == "ascii" or name in BYTE_ORDER:
                form = name
            case ["element", name, count] if re.fullmatch("[0-9]{1,18}", count):
                elements.append(Element(name, int(count), ()))
            case ["property", *rest] if elements:
                last = elements.pop()
                properties = (*last.properties, _parse_property(rest))
                elements.append(Element(last.name, last.count, properties))
            case _:
                raise ValueError(f"header line {' '.join(words)[:60]!r} is not PLY")
    if not form or len({element.name for element in elements}) < len(elements):
        raise ValueError("the header names no format, or an element twice")
    return form, elements, end.end()


def _parse_property(words: list[str]) -> Property:
    match words:
        case ["list", length, kind, name] if length in _TYPES and kind in _TYPES:
            if _TYPES[length].startswith("f"):
                raise ValueError(f"the length of list {name[:60]!r} is not a whole number")
            return Property(name, _TYPES[kind], _TYPES[length])
        case [kind, name] if kind in _TYPES:
            return Property(name, _TYPES[kind])
    raise ValueError(f"property {' '.join(words)[:60]!r} is not PLY")
