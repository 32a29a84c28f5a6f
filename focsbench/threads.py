"""Thread counts of the numerical libraries. Works only before numpy, torch or numba are imported.

Sums of a matrix product depend on how many threads share them, in the last digits. One thread for
linear algebra everywhere makes results the same with any number of workers; speed comes from
processes.
"""

from __future__ import annotations

import os

LINEAR_ALGEBRA = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
KERNELS = "NUMBA_NUM_THREADS"


def single_threaded_linear_algebra() -> None:
    """Set one thread for linear algebra in this process, unless the user has set a number."""
    for variable in LINEAR_ALGEBRA:
        os.environ.setdefault(variable, "1")


def single_thread() -> None:
    """Set one thread for everything in this process: it is one of many workers."""
    for variable in (*LINEAR_ALGEBRA, KERNELS):
        os.environ[variable] = "1"
