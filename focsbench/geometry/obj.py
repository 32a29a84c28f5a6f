"""Wavefront OBJ as arrays: vertex order kept, colours ignored, polygons cut into fans."""

from __future__ import annotations

import numpy as np

from focsbench.geometry import text_kernels as kernels
from focsbench.geometry.text_numbers import NotANumberError, fill_in
from focsbench.types import FloatArray, IntArray

_PROBLEMS = {
    kernels.MISSING_COORDINATE: "a vertex has fewer than three coordinates",
    kernels.BAD_CORNER: "a face corner is not a vertex number",
    kernels.VERTEX_ZERO: "a face names vertex 0, but OBJ counts from 1",
    kernels.SHORT_FACE: "a face has fewer than three corners",
    kernels.TOO_LARGE: f"more than {kernels.LARGEST} vertices or triangles, "
    f"or {kernels.MOST_LEFT} numbers of more than 18 digits or none at all",
}
_NOTES = {
    kernels.COLOURS: "vertex_colours",
    kernels.WEIGHTS: "vertex_weights",
    kernels.POLYGONS: "polygons",
    kernels.NEGATIVE: "negative_indices",
    kernels.BARE_GROUP: "bare_group",
}


def parse_obj(data: bytes) -> tuple[FloatArray, IntArray, frozenset[str]]:
    """Read the vertices and triangles of an OBJ file.

    Numbers after the third of a ``v`` line (colours or weights) are ignored. Face corners may be
    ``7``, ``7/1``, ``7//2``, ``7/1/2`` and count from the end where negative. Polygons are cut
    into fans around their first corner. Texture, normals, groups and materials are skipped. A
    backslash at the end of a ``v`` or ``f`` line continues it.

    Returns:
        (V, 3) float64, each number as Python's ``float`` reads it; (F, 3) int64, zero-based and
        not checked against V; and what the file holds beside plain triangles: names among
        ``vertex_colours`` (two or more numbers after the third), ``vertex_weights`` (one),
        ``polygons``, ``negative_indices`` and ``bare_group`` (a ``g`` line without a name).

    Raises:
        ValueError: naming the line that cannot be read.
    """
    scanned = kernels.scan_obj(np.frombuffer(data, dtype=np.uint8))
    vertices, triangles, left, holds, problem, at = scanned
    if problem:
        raise ValueError(f"line {_line(data, at)}: {_PROBLEMS[problem]}")
    try:
        fill_in(vertices, left, data)
    except NotANumberError as error:
        raise ValueError(f"line {_line(data, error.at)}: {error}") from None
    notes = frozenset(name for bit, name in _NOTES.items() if holds & bit)
    return vertices.reshape(-1, 3), triangles.reshape(-1, 3), notes


def _line(data: bytes, at: int) -> int:
    """Number of the line that holds a byte, from 1."""
    breaks = data.count(b"\n", 0, at) + data.count(b"\r", 0, at) - data.count(b"\r\n", 0, at)
    return breaks + 1
