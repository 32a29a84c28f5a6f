"""Where tasks run. A backend for another machine needs the same two methods and a shared store."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from focsbench.processes import WorkerPool
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
        self._pool = WorkerPool(workers, start_worker, (log_file,))

    def submit(self, task: Task) -> Future[None]:
        """Start a task in an idle process."""
        return self._pool.submit(run_task, task)

    def close(self) -> None:
        """End the processes."""
        self._pool.close()
