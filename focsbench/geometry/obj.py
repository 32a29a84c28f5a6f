"""Wavefront OBJ as arrays: vertex order kept, colours ignored, polygons cut into fans."""

from __future__ import annotations

import re

import numpy as np

from focsbench.types import FloatArray, IntArray


def parse_obj(data: bytes) -> tuple[FloatArray, IntArray]:
    """Read the vertices and triangles of an OBJ file.

    Numbers after the third of a ``v`` line (colours or weights) are ignored. Face corners may be
    ``7``, ``7/1``, ``7//2``, ``7/1/2`` and count from the end where negative. Polygons are cut
    into fans around their first corner. Texture, normals, groups and materials are skipped.

    Returns:
        (V, 3) float64 and (F, 3) int64, zero-based; indices are not checked against V.

    Raises:
        ValueError: if a line cannot be read.
    """
    lines = data.splitlines()
    vertex_lines = [line for line in lines if line.startswith((b"v ", b"v\t"))]
    face_lines = [line for line in lines if line.startswith((b"f ", b"f\t"))]
    vertices = (
        np.loadtxt(vertex_lines, usecols=(1, 2, 3), ndmin=2) if vertex_lines else np.zeros((0, 3))
    )
    corners = [line.split()[1:] for line in _without_attributes(face_lines)]
    sizes = np.array([len(polygon) for polygon in corners], dtype=np.int64)
    if len(sizes) and sizes.min() < 3:
        raise ValueError("a face has fewer than three corners")
    indices: IntArray = np.array(
        [int(corner) for polygon in corners for corner in polygon], dtype=np.int64
    )
    if (indices == 0).any():
        raise ValueError("a face names vertex 0, but OBJ counts from 1")
    if (indices < 0).any():
        indices = _resolve_negative(indices, sizes, lines)
    return vertices, fan_triangles(indices - 1, sizes)


def fan_triangles(corners: IntArray, sizes: IntArray) -> IntArray:
    """Cut polygons into fans around their first corner, in order.

    Args:
        corners: (C,) vertex indices of all polygons, one after the other.
        sizes: (P,) number of corners of each polygon, all at least 3, summing to C.

    Returns:
        (sum(sizes - 2), 3) triangles.
    """
    starts = np.concatenate([[0], np.cumsum(sizes)[:-1]]) if len(sizes) else sizes
    fans = sizes - 2
    first = np.repeat(starts, fans)
    # position of each triangle inside its own fan
    inside = np.arange(fans.sum()) - np.repeat(np.cumsum(fans) - fans, fans)
    triangles: IntArray = corners[np.column_stack([first, first + inside + 1, first + inside + 2])]
    return triangles


def _without_attributes(face_lines: list[bytes]) -> list[bytes]:
    """Drop texture and normal indices (``7/1/2`` becomes ``7``)."""
    text = b"\n".join(face_lines)
    if b"/" in text:
        text = re.sub(rb"/[^\s]*", b"", text)
    return text.split(b"\n") if text else []


def _resolve_negative(indices: IntArray, sizes: IntArray, lines: list[bytes]) -> IntArray:
    """Turn indices that count back from the vertices read so far into absolute ones."""
    seen, seen_at_face = 0, []
    for line in lines:
        if line.startswith((b"v ", b"v\t")):
            seen += 1
        elif line.startswith((b"f ", b"f\t")):
            seen_at_face.append(seen)
    before = np.repeat(np.array(seen_at_face, dtype=np.int64), sizes)
    return np.where(indices < 0, before + 1 + indices, indices)
