"""Arrays of numbers in the bytes of a .npy file from a stranger, without pickles."""

from __future__ import annotations

import io
import warnings
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import brief

_HEADERS = {
    (1, 0): np.lib.format.read_array_header_1_0,
    (2, 0): np.lib.format.read_array_header_2_0,
}
# numpy reads the header as a piece of Python; MemoryError stands for brackets nested too deep.
_DAMAGES = (
    ValueError,
    TokenError,
    SyntaxError,
    TypeError,
    OverflowError,
    RecursionError,
    MemoryError,
)


def array_of_bytes(content: bytes) -> NDArray[Any]:
    """Return the array that the bytes of a .npy file hold, read-only.

    Raises:
        ValueError: if it is damaged, of anything but numbers, or its shape does not fit the bytes.
    """
    stream = io.BytesIO(content)  # gives no more than there is, whatever length a header claims
    version = np.lib.format.read_magic(stream)
    if version not in _HEADERS:
        raise ValueError(f"format {version} is unknown")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # Python 2 wrote it: so it did
            shape, fortran, dtype = _HEADERS[version](stream)
    except _DAMAGES as error:  # whose text may be the whole header
        raise ValueError(f"damaged header: {brief(error)}") from None
    if dtype.kind not in "biuf":
        raise ValueError(f"an array of {dtype}")
    count = 1
    for length in shape:
        count *= length  # whole numbers of any size: numpy's product would wrap around
    body = content[stream.tell() :]
    if count < 0 or count * dtype.itemsize != len(body):
        raise ValueError(f"shape {shape} does not fit {len(body)} bytes")
    return np.frombuffer(body, dtype=dtype).reshape(shape, order="F" if fortran else "C")
