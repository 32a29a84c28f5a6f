"""Where tasks run. A backend for another machine needs the same two methods and a shared store."""

from __future__ import annotations

import multiprocessing
from concurrent.futures import BrokenExecutor, Future, ProcessPoolExecutor
from pathlib import Path
from typing import Protocol

from focsbench.errors import FocsbenchError
from focsbench.runs.worker import Task, run_task, start_worker


class Backend(Protocol):
    """Runs tasks beside each other."""

    def submit(self, task: Task) -> Future[None]:
        """Start a task; its artefact is in the store when the future is done without error."""
        ...

    def close(self) -> None:
        """End all processes of the backend, also those at work."""
        ...


class InProcess:
    """Runs each task at once in this process: for tasks that bring their own parallelism."""

    def submit(self, task: Task) -> Future[None]:
        """Run the task to its end."""
        future: Future[None] = Future()
        try:
            run_task(task)
        except Exception as error:  # noqa: BLE001 - one step may fail in any way, the run goes on
            future.set_exception(error)
        else:
            future.set_result(None)
        return future

    def close(self) -> None:
        """Nothing to end."""


class ProcessPool:
    """Fresh single-threaded processes, started when the first task comes."""

    def __init__(self, workers: int, log_file: Path | None = None) -> None:
        self._workers = workers
        self._log_file = log_file
        self._pool: ProcessPoolExecutor | None = None
        self._others: set[int | None] = set()

    def submit(self, task: Task) -> Future[None]:
        """Start a task in an idle process."""
        try:
            return self._started().submit(run_task, task)
        except BrokenExecutor:  # a process was killed from outside: the next ones are new
            self._pool = None
            return self._started().submit(run_task, task)

    def close(self) -> None:
        """End the processes."""
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
                initializer=start_worker,
                initargs=(self._log_file,),
            )
        return self._pool


def reason_of(error: BaseException) -> str:
    """Say in one sentence why a step failed."""
    if isinstance(error, BrokenExecutor):
        return "its worker process was killed; perhaps the machine is out of memory."
    if isinstance(error, FocsbenchError):
        return str(error)
    return f"{type(error).__name__}: {error}"
