"""Runs a plan: what is in the store is taken from it, a failed step stops only what needs it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field
from pathlib import Path

from focsbench.errors import CacheError
from focsbench.processes import reason_of
from focsbench.runs.backends import Backend, InProcess, ProcessPool
from focsbench.runs.outcome import Listener, Outcome, Policy, Silent, Status, StepResult
from focsbench.runs.plan import Plan, Step, content_key
from focsbench.runs.store import Store
from focsbench.runs.worker import Task

NOT_IN_STORE = "its result is not in the run folder; run focsbench run-all first."

log = logging.getLogger(__name__)


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
        self._keys = dict(plan.keys)
        self._results: dict[str, StepResult] = {}
        self._damage: dict[str, str] = {}
        self._running: dict[Future[None], tuple[Step, float]] = {}
        self._waiting: dict[str, Step] = {}
        self._settled = False

    def run(self) -> dict[str, StepResult]:
        # The heaviest chain first; sorting is stable, so equal heights keep the plan's order.
        for step in sorted(self._plan.steps, key=lambda step: -self._plan.height[step.name]):
            if not self._found(step):
                self._waiting[step.name] = step
        while self._waiting or self._running:
            self._settle()
            self._start_ready()
            if self._running:
                ended, _ = wait(self._running, return_when=FIRST_COMPLETED)
                for future in ended:
                    self._end(future)
        return self._results

    def _found(self, step: Step) -> bool:
        """Take a step's result from the store; return whether it is there and may be used."""
        store, key = self._executor.store, self._keys[step.name]
        artefact = None
        self._damage.pop(step.name, None)
        try:
            artefact = store.find(step.name, key, hashes=self._executor.verify)
        except CacheError as error:
            self._damage[step.name] = str(error)
            log.warning("%s: %s", step.name, error)
        policy = self._executor.policy(step)
        if artefact is not None and policy is not Policy.ALWAYS:
            self._finish(StepResult(step.name, Status.CACHED, artefact.seconds, artefact=artefact))
            return True
        if policy is not Policy.ONLY_CACHE and (artefact is not None or step.name in self._damage):
            store.discard(step.name, key)
        return False

    def _settle(self) -> None:
        """Decide about the steps that wait for what has failed, inputs before dependents.

        A step without one of its optional inputs is another step with another content key, and so
        is all that reads it; each may be in the store from an earlier run that failed alike.
        """
        if self._settled:
            return
        self._settled = True
        for step in list(self._waiting.values()):
            absent = [name for name in step.inputs if self._broken(name)]
            if not step.can_do_without(absent):
                name = next((n for n in absent if n not in step.optional), absent[0])
                reason = f"{name} {self._results[name].status}"
                self._give_up(StepResult(step.name, Status.SKIPPED, reason=reason))
                continue
            reduced = step.without(absent)
            key = content_key(reduced.parts(self._keys))
            if key != self._keys[step.name]:
                self._keys[step.name] = key
                self._waiting[step.name] = reduced
                if self._found(reduced):
                    del self._waiting[step.name]
                    continue
            self._refuse_to_run(reduced)

    def _refuse_to_run(self, step: Step) -> None:
        """Fail a step that may only come from the store, once its final key is known."""
        if self._executor.policy(step) is Policy.ONLY_CACHE:
            if all(map(self._available, step.inputs)):
                reason = self._damage.get(step.name, NOT_IN_STORE)
                self._give_up(StepResult(step.name, Status.FAILED, reason=reason))
            else:
                self._settled = False

    def _start_ready(self) -> None:
        """Start what can start now, the heaviest chain first."""
        for step in list(self._waiting.values()):
            if not all(map(self._available, step.inputs)):
                continue
            if self._executor.policy(step) is Policy.ONLY_CACHE:
                continue
            if step.parallel:
                # It brings its own workers: nothing new starts until it had its turn alone.
                if not self._running:
                    self._start(step, InProcess(), workers=self._executor.workers)
                return
            if len(self._running) == self._executor.workers:
                return
            self._start(step, self._pool, workers=1)

    def _start(self, step: Step, backend: Backend, workers: int) -> None:
        del self._waiting[step.name]
        self._executor.listener.started(step)
        store = self._executor.store
        task = Task(
            name=step.name,
            key=self._keys[step.name],
            function=step.function,
            parts=step.parts(self._keys),
            inputs={name: store.folder(name, self._keys[name]).resolve() for name in step.inputs},
            config=step.config,
            workers=workers,
            store=store.root.resolve(),
        )
        start = time.perf_counter()
        self._running[backend.submit(task)] = (step, start)

    def _end(self, future: Future[None]) -> None:
        step, start = self._running.pop(future)
        seconds = time.perf_counter() - start
        damage = self._damage.get(step.name)
        notice = f"computed again: {damage.removesuffix('; run again.')}" if damage else ""
        error = future.exception()
        artefact = None
        if error is None:
            artefact = self._executor.store.find(step.name, self._keys[step.name])
        if artefact is not None:
            self._finish(StepResult(step.name, Status.DONE, seconds, "", notice, artefact))
            return
        reason = reason_of(error) if error else "its result vanished from the run folder."
        log.error("%s: failed: %s", step.name, reason, exc_info=error)
        self._finish(StepResult(step.name, Status.FAILED, seconds, reason, notice))

    def _give_up(self, result: StepResult) -> None:
        del self._waiting[result.name]
        self._finish(result)

    def _finish(self, result: StepResult) -> None:
        self._results[result.name] = result
        self._settled = self._settled and result.artefact is not None
        self._executor.listener.finished(result)

    def _broken(self, name: str) -> bool:
        result = self._results.get(name)
        return result is not None and result.artefact is None

    def _available(self, name: str) -> bool:
        result = self._results.get(name)
        return result is not None and result.artefact is not None
