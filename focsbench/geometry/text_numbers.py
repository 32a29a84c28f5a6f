"""The numbers that the compiled scanners leave to Python."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from focsbench.types import FloatArray

_AT_ONCE = 1 << 12  # rows turned into Python's numbers, which take ten times the room


class NotANumberError(ValueError):
    """A word that should be a number. at: its first byte; place: where its value belongs."""

    def __init__(self, token: bytes, at: int, place: int) -> None:
        super().__init__(f"{token[:40].decode('ascii', 'replace')!r} is not a number")
        self.at = at
        self.place = place


def fill_in(values: FloatArray, left: NDArray[np.int64], data: bytes) -> None:
    """Read what a scanner left over, in order, with Python's ``float``.

    Args:
        values: flat array that is filled in place.
        left: flat (3 K,): place in the values, first byte and end of each number in the text.
        data: the text.

    Raises:
        NotANumberError: at the first word that is none; the values before it are filled.
    """
    rows = left.reshape(-1, 3)
    for begin in range(0, len(rows), _AT_ONCE):
        for place, first, end in rows[begin : begin + _AT_ONCE].tolist():
            token = data[first:end]
            try:
                values[place] = float(token)
            except ValueError:
                raise NotANumberError(token, first, place) from None
            if b"_" in token:  # Python allows 1_000, mesh files do not
                raise NotANumberError(token, first, place)
