"""PLY as arrays: text and binary, vertex order kept, polygons cut into fans.

Format: G. Turk, "The PLY polygon file format", 1994.
"""

from __future__ import annotations

from functools import cached_property
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from focsbench.geometry.ply_header import BYTE_ORDER, Element, parse_header
from focsbench.geometry.ply_kernels import copy_lists, find_lists
from focsbench.geometry.text_kernels import LARGEST, MOST_LEFT, scan_numbers
from focsbench.geometry.text_numbers import NotANumberError, fill_in
from focsbench.types import FloatArray, IntArray

Array = NDArray[Any]
Whole = NDArray[np.int64]

_FACE_LISTS = ("vertex_indices", "vertex_index")
_EARLY = "the file ends early"


def parse_ply(data: bytes) -> tuple[FloatArray, IntArray, frozenset[str]]:
    """Read the vertices and triangles of a PLY file.

    Returns:
        (V, 3) float32 where the file is binary and stores float32, else float64 (a text keeps all
        its digits); (F, 3) int64, not checked against V; and ``{"polygons"}`` where a face has
        more than three corners. All other properties and elements are skipped.

    Raises:
        ValueError: if the file is damaged, ends early or has another layout than its header says.
    """
    form, elements, start = parse_header(data)
    body: _Body = _Text(data, start) if form == "ascii" else _Binary(data, start, BYTE_ORDER[form])
    vertices: FloatArray = np.zeros((0, 3))
    corners: IntArray = np.zeros(0, dtype=np.int64)
    sizes: IntArray = np.zeros(0, dtype=np.int64)
    for element in elements:
        if all(p.length is None for p in element.properties):
            columns = body.columns(element)
            if element.name == "vertex":
                vertices = _coordinates(columns)
            continue
        if element.name == "vertex":
            raise ValueError("a vertex property is a list")
        found = body.lists(element, _face_list(element))
        if element.name == "face":
            corners, sizes = found
    if len(sizes) and sizes.min() < 3:
        raise ValueError("a face has fewer than three corners")
    if not len(sizes) or sizes.max() == 3:
        return vertices, corners.reshape(-1, 3), frozenset()
    return vertices, fan_triangles(corners, sizes), frozenset({"polygons"})


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


class _Body(Protocol):
    """What stands behind the header, read element by element."""

    def columns(self, element: Element) -> dict[str, Array]:
        """Read an element without lists: each property as (N,)."""
        ...

    def lists(self, element: Element, wanted: int) -> tuple[IntArray, IntArray]:
        """Read an element with lists: the numbers of one of them in a row, and (N,) lengths."""
        ...


class _Binary:
    def __init__(self, data: bytes, at: int, order: str) -> None:
        self._data, self._at, self._order = data, at, order

    def columns(self, element: Element) -> dict[str, Array]:
        names = [f"{number}" for number in range(len(element.properties))]
        kinds = [self._order + p.type for p in element.properties]
        row = np.dtype(list(zip(names, kinds, strict=True)))
        start, self._at = self._at, self._at + element.count * row.itemsize
        if self._at > len(self._data):
            raise ValueError(_EARLY)
        rows = (
            np.frombuffer(self._data, row, element.count, start)
            if self._at > start
            else np.zeros(0, row)
        )
        return {p.name: rows[name] for name, p in zip(names, element.properties, strict=True)}

    def lists(self, element: Element, wanted: int) -> tuple[IntArray, IntArray]:
        layout = [
            (np.dtype(p.type).itemsize, np.dtype(p.length).itemsize if p.length else 0)
            for p in element.properties
        ]
        units = np.frombuffer(self._data, dtype=np.uint8)
        starts, sizes, self._at = _walk(units, self._at, element, layout, wanted, self._order)
        width = layout[wanted][0]
        kind = self._order + element.properties[wanted].type
        return _whole(copy_lists(units, starts, sizes * width).view(kind)), sizes


class _Text:
    def __init__(self, data: bytes, start: int) -> None:
        self._values, left = scan_numbers(np.frombuffer(data, dtype=np.uint8), start, 4 * LARGEST)
        if len(self._values) == 4 * LARGEST or len(left) == 3 * MOST_LEFT:
            raise ValueError(f"more than {4 * LARGEST} numbers, or {MOST_LEFT} unusual ones")
        self._at = 0
        # Words behind the last element are nobody's business.
        self._no_number: NotANumberError | None = None
        try:
            fill_in(self._values, left, data)
        except NotANumberError as error:
            self._no_number = error
            self._values = self._values[: error.place]

    def columns(self, element: Element) -> dict[str, Array]:
        width = len(element.properties)
        start, end = self._at, self._at + element.count * width
        self._check(end)
        self._at = end
        rows = self._values[start:end].reshape(-1, max(width, 1))
        return {p.name: rows[:, number] for number, p in enumerate(element.properties)}

    def lists(self, element: Element, wanted: int) -> tuple[IntArray, IntArray]:
        layout = [(1, 1 if p.length else 0) for p in element.properties]
        try:
            starts, sizes, self._at = _walk(self._units, self._at, element, layout, wanted, "<")
        except ValueError as error:
            raise (self._no_number or error) from None
        return _whole(copy_lists(self._values, starts, sizes)), sizes

    @cached_property
    def _units(self) -> Whole:
        """The values as lengths; what is no small whole number is -1, which the walk refuses."""
        units = np.where((self._values >= 0) & (self._values < 1 << 31), self._values, -1)
        return units.astype(np.int64)

    def _check(self, end: int) -> None:
        if end > len(self._values):
            raise self._no_number or ValueError(_EARLY)


def _face_list(element: Element) -> int:
    for number, p in enumerate(element.properties):
        if p.name in _FACE_LISTS and p.length is not None:
            return number
    if element.name == "face":
        raise ValueError("the faces list no vertex_indices")
    return next(number for number, p in enumerate(element.properties) if p.length is not None)


def _walk(
    units: Array, at: int, element: Element, layout: list[tuple[int, int]], wanted: int, order: str
) -> tuple[Whole, Whole, int]:
    if element.count > len(units) - at:  # a row takes at least one unit
        raise ValueError(_EARLY)
    if element.count > LARGEST:
        raise ValueError(f"more than {LARGEST} rows of {element.name}")
    table = np.array(layout, dtype=np.int64)
    starts, sizes, end = find_lists(units, at, element.count, table, wanted, order == ">")
    if end < 0:
        raise ValueError(f"the file ends early or the length of a list in {element.name} is wrong")
    if sizes.sum() > 3 * LARGEST:
        raise ValueError(f"more than {LARGEST} triangles")
    return starts, sizes, end


def _coordinates(columns: dict[str, Array]) -> FloatArray:
    if not {"x", "y", "z"} <= columns.keys():
        raise ValueError("the vertices have no x, y and z")
    axes = [columns[axis] for axis in "xyz"]
    if len(axes[0]) > LARGEST:
        raise ValueError(f"more than {LARGEST} vertices")
    single = all(axis.dtype.kind == "f" and axis.dtype.itemsize == 4 for axis in axes)
    return np.column_stack(axes).astype(np.float32 if single else np.float64)


def _whole(numbers: Array) -> IntArray:
    """Convert to int64, refusing floats that are no vertex numbers."""
    if (
        numbers.dtype.kind == "f"
        and not ((np.floor(numbers) == numbers) & (np.abs(numbers) < 1 << 53)).all()
    ):
        raise ValueError("a face corner is not a vertex number")
    return numbers.astype(np.int64)
