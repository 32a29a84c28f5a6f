"""Sharing a batch out over threads.

Plain threads around kernels that release the interpreter lock, rather than numba's own: they
live beside torch's OpenMP pool without a second threading layer, and survive a fork. Every image
is computed by one thread from start to end, so the number of threads cannot change a bit.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

import torch


def over_images(work: Callable[[int, int], None], count: int) -> None:
    """Call ``work(first, last)`` for ranges that cover 0..count, on torch.get_num_threads()."""
    workers = min(torch.get_num_threads(), count)
    if workers <= 1:
        work(0, count)
        return
    bounds = [count * worker // workers for worker in range(workers + 1)]
    pool = _pool(os.getpid(), workers - 1)
    others = [pool.submit(work, bounds[i], bounds[i + 1]) for i in range(1, workers)]
    work(bounds[0], bounds[1])
    for other in others:
        other.result()


@cache
def _pool(process: int, workers: int) -> ThreadPoolExecutor:
    """One pool per process: threads do not exist in a forked child."""
    return ThreadPoolExecutor(workers, thread_name_prefix=f"focsbench-render-{process}")
