"""Runs a plan: what is in the store is taken from it, a failed step stops only what needs it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from focsbench.errors import CacheError
from focsbench.processes import reason_of
from focsbench.runs.backends import Backend, InProcess, ProcessPool
from focsbench.runs.plan import Plan, Step
from focsbench.runs.store import Artefact, Store
from focsbench.runs.worker import Task

log = logging.getLogger(__name__)


class Policy(StrEnum):
    """When a step runs although, or only if, the store has its result."""

    ONLY_MISSING = "only-missing"
    ALWAYS = "always"
    ONLY_CACHE = "only-cache"


class Status(StrEnum):
    """How a step ended."""

    CACHED = "cached"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class StepResult:
    """How one step ended: reason says why it failed or was skipped, notice what else to know."""

    name: str
    status: Status
    seconds: float = 0.0
    reason: str = ""
    notice: str = ""
    artefact: Artefact | None = None


@dataclass(frozen=True)
class Outcome:
    """How all steps ended, in the order of the plan."""

    steps: tuple[StepResult, ...]

    @property
    def exit_code(self) -> int:
        """0: all went well; 1: a step failed; 2: all steps ran, but some items failed."""
        if any(step.status in (Status.FAILED, Status.SKIPPED) for step in self.steps):
            return 1
        return 2 if self.failed_items() else 0

    def artefact(self, name: str) -> Artefact | None:
        """Return the result of a step, or None if it has none."""
        return next((step.artefact for step in self.steps if step.name == name), None)

    def failed_items(self) -> list[tuple[str, str, str]]:
        """Return (step, item, reason) of every item that a step had to leave out."""
        return [
            (step.name, item, reason)
            for step in self.steps
            if step.artefact is not None
            for item, reason in step.artefact.failures.items()
        ]


class Listener(Protocol):
    """Is told what happens, to show it."""

    def started(self, step: Step) -> None:
        """Called when a step begins to run."""
        ...

    def finished(self, result: StepResult) -> None:
        """Called when a step ended, also for cached and skipped ones."""
        ...


class Silent:
    """A listener that shows nothing."""

    def started(self, step: Step) -> None:
        """Ignore."""

    def finished(self, result: StepResult) -> None:
        """Ignore."""


def _only_missing(_step: Step) -> Policy:
    return Policy.ONLY_MISSING


@dataclass
class Executor:
    """Runs plans against one store.

    workers: processes that run steps beside each other, one thread each; a parallel step gets
        them all for itself.
    policy: decides per step whether the store is used.
    verify: compare the content of cached files with their hashes, not only their sizes.
    """

    store: Store
    workers: int
    listener: Listener = field(default_factory=Silent)
    policy: Callable[[Step], Policy] = _only_missing
    verify: bool = False
    log_file: Path | None = None

    def run(self, plan: Plan) -> Outcome:
        """Run all steps and say how each ended.

        Raises:
            KeyboardInterrupt: after the workers were ended; finished steps stay in the store.
        """
        pool: Backend = ProcessPool(self.workers, self.log_file)
        try:
            results = _Schedule(self, plan, pool).run()
        finally:
            pool.close()
        return Outcome(tuple(results[step.name] for step in plan.steps))


class _Schedule:
    """The state of one run of one plan."""

    def __init__(self, executor: Executor, plan: Plan, pool: Backend) -> None:
        self._executor = executor
        self._plan = plan
        self._pool = pool
        self._results: dict[str, StepResult] = {}
        self._notices: dict[str, str] = {}
        self._running: dict[Future[None], tuple[Step, float]] = {}
        self._waiting: list[Step] = []

    def run(self) -> dict[str, StepResult]:
        for step in self._plan.steps:
            self._look_up(step)
        # The longest chain first; sorting is stable, so equal heights keep the plan's order.
        self._waiting.sort(key=lambda step: -self._plan.height[step.name])
        while self._waiting or self._running:
            self._start_ready()
            if self._running:
                ended, _ = wait(self._running, return_when=FIRST_COMPLETED)
                for future in ended:
                    self._end(future)
        return self._results

    def _look_up(self, step: Step) -> None:
        """Take a step's result from the store, or put the step on the list of those to run."""
        store, key = self._executor.store, self._plan.keys[step.name]
        policy = self._executor.policy(step)
        artefact, damage = None, ""
        try:
            artefact = store.find(step.name, key, hashes=self._executor.verify)
        except CacheError as error:
            damage = str(error)
        if policy is Policy.ONLY_CACHE and artefact is None:
            reason = damage or "its result is not in the run folder; run focsbench run-all first."
            self._finish(StepResult(step.name, Status.FAILED, reason=reason))
        elif artefact is not None and policy is not Policy.ALWAYS:
            self._finish(StepResult(step.name, Status.CACHED, artefact.seconds, artefact=artefact))
        else:
            if damage:
                self._notices[step.name] = f"computed again: {damage.removesuffix('; run again.')}"
                log.warning("%s: %s", step.name, self._notices[step.name])
            if damage or artefact is not None:
                store.discard(step.name, key)
            self._waiting.append(step)

    def _start_ready(self) -> None:
        """Start what can start now, the longest chain first."""
        self._skip_hopeless()
        for step in list(self._waiting):
            if not all(map(self._artefact, step.inputs)):
                continue
            if step.parallel:
                # It brings its own workers: nothing new starts until it had its turn alone.
                if not self._running:
                    self._start(step, InProcess(), workers=self._executor.workers)
                return
            if len(self._running) == self._executor.workers:
                return
            self._start(step, self._pool, workers=1)

    def _skip_hopeless(self) -> None:
        """Give up the steps whose inputs have failed; the list has inputs before dependents."""
        for step in list(self._waiting):
            blocker = next((name for name in step.inputs if self._broken(name)), None)
            if blocker is not None:
                self._waiting.remove(step)
                reason = f"{blocker} {self._results[blocker].status}"
                self._finish(StepResult(step.name, Status.SKIPPED, reason=reason))

    def _start(self, step: Step, backend: Backend, workers: int) -> None:
        self._waiting.remove(step)
        self._executor.listener.started(step)
        keys = self._plan.keys
        task = Task(
            name=step.name,
            key=keys[step.name],
            function=step.function,
            parts=step.parts(keys),
            inputs={
                name: self._executor.store.folder(name, keys[name]).resolve()
                for name in step.inputs
            },
            config=step.config,
            workers=workers,
            store=self._executor.store.root.resolve(),
        )
        start = time.perf_counter()
        self._running[backend.submit(task)] = (step, start)

    def _end(self, future: Future[None]) -> None:
        step, start = self._running.pop(future)
        seconds = time.perf_counter() - start
        notice = self._notices.get(step.name, "")
        error = future.exception()
        artefact = None
        if error is None:
            artefact = self._executor.store.find(step.name, self._plan.keys[step.name])
        if artefact is not None:
            self._finish(StepResult(step.name, Status.DONE, seconds, "", notice, artefact))
            return
        reason = reason_of(error) if error else "its result vanished from the run folder."
        log.error("%s: failed: %s", step.name, reason, exc_info=error)
        self._finish(StepResult(step.name, Status.FAILED, seconds, reason, notice))

    def _finish(self, result: StepResult) -> None:
        self._results[result.name] = result
        self._executor.listener.finished(result)

    def _broken(self, name: str) -> bool:
        result = self._results.get(name)
        return result is not None and result.artefact is None

    def _artefact(self, name: str) -> bool:
        result = self._results.get(name)
        return result is not None and result.artefact is not None
