"""Where tasks run. A backend for another place needs the same methods and a shared store."""

from __future__ import annotations

from concurrent.futures import Future
from pathlib import Path
from typing import Protocol

from focsbench.processes import WorkerPool
from focsbench.runs.environment import visible_gpus
from focsbench.runs.plan import Resources, Step
from focsbench.runs.worker import Task, run_task, start_worker


class Backend(Protocol):
    """Runs tasks beside each other.

    alone: a ``parallel`` step has to run with nothing beside it.
    """

    alone: bool

    def obstacle(self, step: Step) -> str:
        """Return why a step could wait here for ever, as a sentence; empty if it can run."""
        ...

    def has_room(self, step: Step) -> bool:
        """Return whether a step can start now."""
        ...

    def submit(self, task: Task, step: Step) -> Future[None]:
        """Start a task; its artefact is in the store when the future is done without error.

        A process or machine that was lost with its tasks is a ``BrokenExecutor``.
        """
        ...

    def close(self) -> None:
        """End all processes of the backend, also those at work."""
        ...


class InProcess:
    """Runs one task after the other in this process, each to its end."""

    alone = True

    def obstacle(self, step: Step) -> str:
        """See :class:`Backend`."""
        return missing_gpus(step.needs, visible_gpus(), "this machine")

    def has_room(self, step: Step) -> bool:
        """See :class:`Backend`."""
        del step
        return True

    def submit(self, task: Task, step: Step) -> Future[None]:
        """Run the task to its end."""
        del step
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
    """Fresh single-threaded processes, started when tasks come.

    Each task has a process for itself: one that is killed takes no other task with it. A parallel
    task runs in this process, which starts the workers that it asks for.
    """

    alone = True

    def __init__(self, workers: int, log_file: Path | None = None, gpus: int | None = None) -> None:
        self._slots = [WorkerPool(1, start_worker, (log_file,)) for _ in range(workers)]
        self._busy: dict[WorkerPool, tuple[Future[None], Resources]] = {}
        self._here = InProcess()
        self._gpus = visible_gpus() if gpus is None else gpus

    def obstacle(self, step: Step) -> str:
        """See :class:`Backend`."""
        return missing_gpus(step.needs, self._gpus, "this machine")

    def has_room(self, step: Step) -> bool:
        """A step that wants more cores than there are workers starts when nothing else runs."""
        occupied = self._occupied()
        if step.parallel or not occupied:
            return not occupied
        return (
            sum(needs.cpus for needs in occupied) + step.needs.cpus <= len(self._slots)
            and sum(needs.gpus for needs in occupied) + step.needs.gpus <= self._gpus
        )

    def submit(self, task: Task, step: Step) -> Future[None]:
        """Start a task in an idle process."""
        if step.parallel:
            return self._here.submit(task, step)
        self._occupied()
        slot = next(slot for slot in self._slots if slot not in self._busy)
        future = slot.submit(run_task, task)
        self._busy[slot] = (future, step.needs)
        return future

    def close(self) -> None:
        """End the processes."""
        for slot in self._slots:
            slot.close()

    def _occupied(self) -> list[Resources]:
        """Return what the tasks at work occupy."""
        self._busy = {slot: busy for slot, busy in self._busy.items() if not busy[0].done()}
        return [needs for _, needs in self._busy.values()]


def missing_gpus(needs: Resources, there: int, where: str) -> str:
    """Return the sentence that a step asks for more GPUs than there are, or nothing."""
    if needs.gpus <= there:
        return ""
    some = f"only {there}" if there else "none"
    return (
        f"it asks for {needs.gpus} GPU{'s' if needs.gpus > 1 else ''} and {where} has {some}; "
        "set method.changes.scale.accelerator to cpu, or run where there are GPUs."
    )
