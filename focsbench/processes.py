"""Fresh single-threaded worker processes, and a loop over many jobs that survives their death."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from concurrent.futures import (
    FIRST_COMPLETED,
    BrokenExecutor,
    Future,
    ProcessPoolExecutor,
    wait,
)
from threading import Thread
from typing import Any, ParamSpec, TypeVar

from focsbench import progress
from focsbench.errors import FocsbenchError, one_line
from focsbench.threads import single_thread

P = ParamSpec("P")
JobT = TypeVar("JobT")
ResultT = TypeVar("ResultT")

AHEAD = 2  # jobs per worker that are handed out: none idles, and few are lost with a process


def start_worker() -> None:
    """Prepare a fresh worker process: one thread, no bars, no Ctrl-C.

    The thread counts have to be set before numpy, torch or numba are imported. Ctrl-C reaches
    every process of a terminal; the main process answers it and ends its workers.
    """
    single_thread()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    progress.silence()
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """End this process when the one that started it is gone, killed perhaps."""
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


class WorkerPool:
    """Processes that start when the first call comes, and again after one was killed.

    initializer: called with initargs in every new process; has to call :func:`start_worker`.
    """

    def __init__(
        self,
        workers: int,
        initializer: Callable[..., None] = start_worker,
        initargs: tuple[Any, ...] = (),
    ) -> None:
        self._workers = workers
        self._initializer = initializer
        self._initargs = initargs
        self._pool: ProcessPoolExecutor | None = None
        self._others: set[int | None] = set()

    def submit(
        self, function: Callable[P, ResultT], *args: P.args, **kwargs: P.kwargs
    ) -> Future[ResultT]:
        """Call a function in an idle process."""
        try:
            return self._started().submit(function, *args, **kwargs)
        except BrokenExecutor:  # a process was killed from outside: the next ones are new
            self._pool = None
            return self._started().submit(function, *args, **kwargs)

    def close(self) -> None:
        """End the processes, also those at work."""
        if self._pool is None:
            return
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in multiprocessing.active_children():
            if process.pid not in self._others:
                process.terminate()
                process.join()
        self._pool = None

    def _started(self) -> ProcessPoolExecutor:
        if self._pool is None:
            self._others = {process.pid for process in multiprocessing.active_children()}
            self._pool = ProcessPoolExecutor(
                self._workers,
                mp_context=multiprocessing.get_context("spawn"),
                initializer=self._initializer,
                initargs=self._initargs,
            )
        return self._pool


def run_jobs(
    function: Callable[[JobT], ResultT], jobs: Sequence[JobT], workers: int
) -> Generator[tuple[int, Future[ResultT]], None, None]:
    """Call ``function(job)`` for all jobs in worker processes; yield (number, ended future).

    The order is that in which they end. A process that dies takes down all that are at work; the
    jobs they had are done again one at a time, so only the one to blame fails. Closing the
    generator ends the processes.
    """
    pool = WorkerPool(min(workers, max(len(jobs), 1)))
    waiting = deque(range(len(jobs)))
    running: dict[Future[ResultT], int] = {}
    suspects: list[int] = []
    try:
        while waiting or running:
            while waiting and len(running) < AHEAD * workers:
                number = waiting.popleft()
                running[pool.submit(function, jobs[number])] = number
            for future in wait(running, return_when=FIRST_COMPLETED).done:
                number = running.pop(future)
                if isinstance(future.exception(), BrokenExecutor):
                    suspects.append(number)
                else:
                    yield number, future
        for number in sorted(suspects):
            future = pool.submit(function, jobs[number])
            wait([future])
            yield number, future
    finally:
        pool.close()


def reason_of(error: BaseException) -> str:
    """Say in one sentence why a job failed."""
    if isinstance(error, BrokenExecutor):
        return "its worker process was killed; perhaps the machine is out of memory."
    if isinstance(error, FocsbenchError):
        return one_line(str(error))
    return one_line(f"{type(error).__name__}: {error}")
