"""Rows of PLY elements whose length is known only from their own lists."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.jit import kernel

Units = NDArray[Any]


@kernel
def find_lists(
    units: Units,
    at: int,
    rows: int,
    layout: NDArray[np.int64],
    wanted: int,
    big_endian: bool,
) -> tuple[NDArray[np.int64], NDArray[np.int64], int]:
    """Walk over rows and note where one list stands.

    Args:
        units: what the body consists of: its bytes, or the whole numbers of a text.
        at: first unit of the first row.
        rows: number of rows; each takes a unit at least.
        layout: (P, 2) per property: units of a number, units of the length of the list (0: none).
        wanted: the property to note, or -1.
        big_endian: order of the units of a length.

    Returns:
        (rows,) first unit and (rows,) length of the list; the unit behind the rows, or -1 where
        they do not fit into the body.
    """
    starts, sizes = np.zeros(rows, np.int64), np.zeros(rows, np.int64)
    stop = len(units)
    for row in range(rows):
        for p in range(len(layout)):
            width, length = layout[p, 0], layout[p, 1]
            number = np.int64(1)
            if length > 0:
                if at + length > stop:
                    return starts, sizes, -1
                number = np.int64(0)
                for b in range(length):
                    shift = length - 1 - b if big_endian else b
                    number |= np.int64(units[at + b]) << np.int64(8 * shift)
                at += length
            if number < 0 or number > (stop - at) // width:
                return starts, sizes, -1
            if p == wanted:
                starts[row], sizes[row] = at, number
            at += number * width
    return starts, sizes, at


@kernel
def copy_lists(units: Units, starts: NDArray[np.int64], sizes: NDArray[np.int64]) -> Units:
    """Put pieces of the body one after the other.

    Args:
        units: the body.
        starts, sizes: (N,) first unit and number of units of each piece.

    Returns:
        (sum of sizes,) units.
    """
    pieces = np.empty(sizes.sum(), units.dtype)
    to = 0
    for row in range(len(starts)):
        for at in range(starts[row], starts[row] + sizes[row]):
            pieces[to] = units[at]
            to += 1
    return pieces
