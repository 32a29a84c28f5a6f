"""Numbers of text meshes, read byte by byte by compiled loops.

Every float64 equals Python's ``float`` of the same text. Short numbers follow the fast path of
W. Clinger, "How to read floating point numbers accurately", PLDI 1990: a mantissa below 2**53 and
a power of ten up to 10**22 are exact, so one division rounds once. Longer ones add the remainder
of that division and are taken where the rounding is beyond doubt. The rest is handed back to the
caller as positions in the text.
"""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from focsbench.jit import helper, kernel

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float64]
Whole = NDArray[np.int64]
Number = TypeVar("Number", np.float64, np.int64)

# What is wrong with a file; 0 is nothing.
MISSING_COORDINATE, BAD_CORNER, VERTEX_ZERO, SHORT_FACE, TOO_LARGE = 1, 2, 3, 4, 5
# What a file holds, as bits.
COLOURS, WEIGHTS, POLYGONS, NEGATIVE, BARE_GROUP = 1, 2, 4, 8, 16
LARGEST = 1 << 22  # vertices or triangles: above any face mesh, below what fills the memory
MOST_LEFT = 1 << 21  # numbers that are left to the caller, who is slow

_TAB, _LINE_FEED, _RETURN, _SPACE, _HASH, _PLUS, _MINUS = 9, 10, 13, 32, 35, 43, 45
_POINT, _SLASH, _ZERO, _E, _BACKSLASH, _SMALL_E, _F, _G, _V = 46, 47, 48, 69, 92, 101, 102, 103, 118
_POWERS = np.array([float(f"1e{power}") for power in range(23)])
_EXACT = 1 << 53  # whole numbers up to here are floats
_SPLITTER = 134217729.0  # 2**27 + 1 cuts a float into two halves (Veltkamp)


@helper
def _ends_token(byte: int) -> bool:
    return byte in (_SPACE, _BACKSLASH) or _TAB <= byte <= _RETURN


@helper
def _ends_line(data: Bytes, at: int, stop: int) -> bool:
    return at >= stop or data[at] == _LINE_FEED or data[at] == _RETURN or data[at] == _HASH


@helper
def _next_token(data: Bytes, at: int, stop: int) -> int:
    """Skip blanks and line continuations."""
    while at < stop:
        byte = data[at]
        if byte in (_SPACE, _TAB, 11, 12):
            at += 1
        elif byte == _BACKSLASH and at + 1 < stop and data[at + 1] == _LINE_FEED:
            at += 2
        elif (
            byte == _BACKSLASH
            and at + 2 < stop
            and data[at + 1] == _RETURN
            and data[at + 2] == _LINE_FEED
        ):
            at += 3
        else:
            break
    return at


@helper
def _token_end(data: Bytes, at: int, stop: int) -> int:
    at += 1  # a lone backslash is a token too, so each call moves on
    while at < stop and not _ends_token(data[at]):
        at += 1
    return at


@helper
def _divide(mantissa: np.int64, power: np.float64) -> tuple[np.float64, bool]:
    """Mantissa (below 10**18) / power, and whether it is surely rounded right."""
    high = np.float64(mantissa)
    if mantissa <= _EXACT:
        return high / power, True
    low = np.float64(mantissa - np.int64(high))
    quotient = high / power
    # quotient * power exactly, as product + tail (Dekker)
    scaled = _SPLITTER * quotient
    q1 = scaled - (scaled - quotient)
    q2 = quotient - q1
    scaled = _SPLITTER * power
    p1 = scaled - (scaled - power)
    p2 = power - p1
    product = quotient * power
    tail = ((q1 * p1 - product) + q1 * p2 + q2 * p1) + q2 * p2
    rest = (((high - product) - tail) + low) / power
    # rest is known to 3 units in the last place, 2**-51: both ends must round to the same float
    margin = abs(rest) * 1e-15
    below, above = quotient + (rest - margin), quotient + (rest + margin)
    return below, below == above


@helper
def _number(data: Bytes, at: int, stop: int) -> tuple[np.float64, bool, int]:
    """The number at a token, whether it is exact, and the end of the token."""
    start = at
    negative = data[at] == _MINUS
    if negative or data[at] == _PLUS:
        at += 1
    mantissa, significant, exponent = np.int64(0), 0, 0
    any_digit, after_point = False, False
    while at < stop:
        digit = np.int64(data[at]) - _ZERO
        if 0 <= digit <= 9:
            mantissa = mantissa * 10 + digit
            significant += mantissa != 0
            exponent -= after_point
            any_digit = True
        elif data[at] == _POINT and not after_point:
            after_point = True
        else:
            break
        at += 1
    good = any_digit
    if good and at < stop and (data[at] == _SMALL_E or data[at] == _E):
        at += 1
        down = at < stop and data[at] == _MINUS
        if at < stop and (down or data[at] == _PLUS):
            at += 1
        good, written = False, np.int64(0)
        while at < stop and _ZERO <= data[at] <= _ZERO + 9:
            written = min(written * 10 + np.int64(data[at]) - _ZERO, np.int64(9999))
            good = True
            at += 1
        exponent += -int(written) if down else int(written)
    good = good and significant <= 18 and (at >= stop or _ends_token(data[at]))
    value = np.float64(0)
    if good and mantissa != 0:
        if -22 <= exponent <= 0:
            value, good = _divide(mantissa, _POWERS[-exponent])
        elif 0 < exponent <= 22 and mantissa <= _EXACT:
            value = np.float64(mantissa) * _POWERS[exponent]
        else:
            good = False
    if not good:
        at = _token_end(data, start, stop)
    return (-value if negative else value), good, at


@helper
def _corner(data: Bytes, at: int, stop: int) -> tuple[np.int64, bool, int]:
    """The vertex number of a face corner ``7``, ``-7``, ``7/1`` or ``7//2``."""
    negative = data[at] == _MINUS
    if negative or data[at] == _PLUS:
        at += 1
    index, digits = np.int64(0), 0
    while at < stop and _ZERO <= data[at] <= _ZERO + 9:
        index = index * 10 + np.int64(data[at]) - _ZERO
        digits += 1
        at += 1
    good = 0 < digits <= 18
    if at < stop and not _ends_token(data[at]):
        good = good and data[at] == _SLASH
        at = _token_end(data, at, stop)
    return (-index if negative else index), good, at


@helper
def _grown(rows: NDArray[Number]) -> NDArray[Number]:
    """Twice the room. A loop, because a slice assignment would double the compile time."""
    more = np.empty(2 * len(rows), rows.dtype)
    for i in range(len(rows)):
        more[i] = rows[i]
    return more


@helper
def _noted(left: Whole, count: int, place: int, first: int, end: int) -> Whole:
    if 3 * count == len(left):
        left = _grown(left)
    left[3 * count] = place
    left[3 * count + 1] = first
    left[3 * count + 2] = end
    return left


@helper
def _vertex_line(
    data: Bytes, at: int, row: int, vertices: Floats, left: Whole, n_left: int
) -> tuple[Floats, Whole, int, int, int, int]:
    """Read a vertex; also returns what its line holds, what is wrong and where reading stopped."""
    stop = len(data)
    if 3 * row == len(vertices):
        vertices = _grown(vertices)
    for axis in range(3):
        at = _next_token(data, at, stop)
        if _ends_line(data, at, stop):
            return vertices, left, n_left, 0, MISSING_COORDINATE, at
        first = at
        value, exact, at = _number(data, at, stop)
        vertices[3 * row + axis] = value
        if not exact:
            left = _noted(left, n_left, 3 * row + axis, first, at)
            n_left += 1
    extra = 0
    at = _next_token(data, at, stop)
    while not _ends_line(data, at, stop):
        extra += 1
        at = _next_token(data, _token_end(data, at, stop), stop)
    holds = COLOURS if extra > 1 else WEIGHTS * extra
    wrong = TOO_LARGE if row >= LARGEST or n_left > MOST_LEFT else 0
    return vertices, left, n_left, holds, wrong, at


@helper
def _face_line(
    data: Bytes, at: int, n_vertices: int, triangles: Whole, count: int
) -> tuple[Whole, int, int, int, int]:
    """Cut a polygon into triangles; also what it holds, what is wrong, where reading stopped."""
    stop = len(data)
    corners, holds, fan, previous = 0, 0, np.int64(0), np.int64(0)
    at = _next_token(data, at, stop)
    while not _ends_line(data, at, stop):
        index, good, at = _corner(data, at, stop)
        if not good or index == 0:
            return triangles, count, holds, VERTEX_ZERO if good else BAD_CORNER, at
        if index < 0:
            holds |= NEGATIVE
            index += n_vertices
        else:
            index -= 1
        corners += 1
        if corners == 1:
            fan = index
        elif corners > 2:
            if 3 * count == len(triangles):
                triangles = _grown(triangles)
            triangles[3 * count] = fan
            triangles[3 * count + 1] = previous
            triangles[3 * count + 2] = index
            count += 1
            if count > LARGEST:
                return triangles, count, holds, TOO_LARGE, at
        previous = index
        at = _next_token(data, at, stop)
    if corners > 3:
        holds |= POLYGONS
    return triangles, count, holds, SHORT_FACE if corners < 3 else 0, at


@kernel
def scan_obj(data: Bytes) -> tuple[Floats, Whole, Whole, int, int, int]:
    """Read an OBJ file in one pass.

    Returns:
        flat (3 V,) vertices; flat (3 F,) triangles from 0, polygons cut into fans, not checked
        against V; flat (3 K,) place in the vertices, first byte and end of each number that is
        left to the caller; bits of what the file holds; what is wrong with it (then the arrays
        mean nothing) and at which byte.
    """
    stop = len(data)
    # A vertex with its faces takes some 70 bytes; a denser file lets the arrays grow.
    vertices = np.empty(3 * (stop // 64 + 16), np.float64)
    triangles = np.empty(3 * (stop // 32 + 16), np.int64)
    left = np.empty(48, np.int64)
    n_vertices, n_triangles, n_left, holds, wrong = 0, 0, 0, 0, 0
    at = 0
    while at < stop:
        at = _next_token(data, at, stop)
        if at >= stop:
            break
        begin = at
        word = data[at] if at + 1 == stop or _ends_token(data[at + 1]) else 0
        if word == _V:
            vertices, left, n_left, held, wrong, at = _vertex_line(
                data, at + 1, n_vertices, vertices, left, n_left
            )
            holds |= held
            n_vertices += 1
        elif word == _F:
            triangles, n_triangles, held, wrong, at = _face_line(
                data, at + 1, n_vertices, triangles, n_triangles
            )
            holds |= held
        elif word == _G and _ends_line(data, _next_token(data, at + 1, stop), stop):
            holds |= BARE_GROUP
        if wrong:
            return vertices[:0], triangles[:0], left[:0], holds, wrong, begin
        while at < stop and data[at] != _LINE_FEED and data[at] != _RETURN:
            at += 1
        at += 1
    return vertices[: 3 * n_vertices], triangles[: 3 * n_triangles], left[: 3 * n_left], holds, 0, 0


@kernel
def scan_numbers(data: Bytes, at: int, most: int) -> tuple[Floats, Whole]:
    """Read blank-separated numbers from a byte on, at most so many, MOST_LEFT of them left over.

    Returns:
        (N,) values and the ones left to the caller, flat (3 K,) as in :func:`scan_obj`.
    """
    stop = len(data)
    values = np.empty((stop - at) // 8 + 16, np.float64)
    left = np.empty(48, np.int64)
    found, n_left = 0, 0
    while found < most and n_left < MOST_LEFT:
        while at < stop and (data[at] == _SPACE or _TAB <= data[at] <= _RETURN):
            at += 1
        if at >= stop:
            break
        if found == len(values):
            values = _grown(values)
        first = at
        value, exact, at = _number(data, at, stop)
        values[found] = value
        if not exact:
            left = _noted(left, n_left, found, first, at)
            n_left += 1
        found += 1
    return values[:found], left[: 3 * n_left]
