"""How the kernels of this package are compiled."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar, cast

import numba

Function = TypeVar("Function", bound=Callable[..., Any])


def kernel(function: Function) -> Function:
    """Compile on first use, without the interpreter lock, and keep the machine code on disk.

    No fastmath: the order of every sum is fixed, so results do not depend on the processor's
    vector width. Division by zero gives inf or NaN as in numpy. numba stores the code beside the
    module, or in the user's cache folder where that is read-only; where neither can be written,
    each process compiles for itself.

    A kernel may only call helpers of its own file, because numba renews the stored code when that
    file changes and looks at no other.
    """
    try:
        compiled = numba.njit(nogil=True, error_model="numpy", cache=True)(function)
    except RuntimeError:  # numba found no place for its cache
        compiled = numba.njit(nogil=True, error_model="numpy")(function)
    return cast(Function, compiled)


def helper(function: Function) -> Function:
    """A small function that becomes part of the kernels of its file.

    Always inlined: a call hands over every array as seven machine words, which would cost more
    than the work on one pixel or vertex.
    """
    return cast(Function, numba.njit(error_model="numpy", forceinline=True)(function))
