"""Readers and writers of mesh files that are slow and obvious."""

from __future__ import annotations

import struct

STRUCT = {
    **{"char": "b", "uchar": "B", "short": "h", "ushort": "H", "int": "i", "uint": "I"},
    **{"int8": "b", "uint8": "B", "int16": "h", "uint16": "H", "int32": "i", "uint32": "I"},
    **{"float": "f", "double": "d", "float32": "f", "float64": "d"},
}


def naive_obj(text: str) -> tuple[list[list[float]], list[list[int]]]:
    """Read an OBJ file line by line."""
    vertices, triangles = [], []
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\\\n", " ")
    for line in text.split("\n"):
        words = line.split("#")[0].split()
        if words[:1] == ["v"]:
            vertices.append([float(word) for word in words[1:4]])
        elif words[:1] == ["f"]:
            numbers = [int(word.split("/")[0]) for word in words[1:]]
            corners = [n - 1 if n > 0 else len(vertices) + n for n in numbers]
            triangles += fan(corners)
    return vertices, triangles


def fan(corners: list[int]) -> list[list[int]]:
    """Triangles of a polygon, all at its first corner."""
    return [[corners[0], corners[k], corners[k + 1]] for k in range(1, len(corners) - 1)]


def ply_file(form: str, elements: list[tuple[str, list[str], list[list]]]) -> bytes:
    """Write elements (name, property lines such as ``list uchar int vertex_indices``, rows).

    A row holds one entry per property, lists for list properties.
    """
    lines = ["ply", f"format {form} 1.0", "comment made by hand"]
    for name, properties, rows in elements:
        lines += [f"element {name} {len(rows)}", *(f"property {line}" for line in properties)]
    body = b"".join(
        _row(form, [line.split() for line in properties], row)
        for _, properties, rows in elements
        for row in rows
    )
    return "\n".join([*lines, "end_header\n"]).encode() + body


def _row(form: str, properties: list[list[str]], row: list) -> bytes:
    words, parts = [], []
    order = ">" if form == "binary_big_endian" else "<"
    for kinds, value in zip(properties, row, strict=True):
        if kinds[0] == "list":
            words += [str(len(value)), *map(repr, value)]
            parts.append(struct.pack(order + STRUCT[kinds[1]], len(value)))
            parts.append(struct.pack(f"{order}{len(value)}{STRUCT[kinds[2]]}", *value))
        else:
            words.append(repr(value))
            parts.append(struct.pack(order + STRUCT[kinds[0]], value))
    return (" ".join(words) + "\n").encode() if form == "ascii" else b"".join(parts)
