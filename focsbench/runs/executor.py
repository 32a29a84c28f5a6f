"""Runs a plan: what is in the store is taken from it, a failed step stops only what needs it."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import FIRST_COMPLETED, Future, wait
from dataclasses import dataclass, field, replace
from pathlib import Path

from focsbench.errors import CacheError, StorageError
from focsbench.processes import reason_of
from focsbench.runs.artefact import Artefact
from focsbench.runs.attempts import RETRIES, Attempts
from focsbench.runs.backends import Backend, ProcessPool
from focsbench.runs.outcome import Listener, Outcome, Policy, Silent, Status, StepResult
from focsbench.runs.plan import Plan, Step, content_key
from focsbench.runs.step_locks import StepLocks
from focsbench.runs.store import Store
from focsbench.runs.worker import Task

NOT_IN_STORE = "its result is not in the run folder; run focsbench run-all first."
POLL = 0.2  # seconds between looks at what another process is making

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
    backend: makes what runs the steps; by default a process pool of ``workers``.
    retries: further attempts at a step whose process was killed, or that met an error of the
        system that may pass.
    shuffle: seed of a random order of items in every step; None for their own order.
    """

    store: Store
    workers: int
    listener: Listener = field(default_factory=Silent)
    policy: Callable[[Step], Policy] = _only_missing
    verify: bool = False
    log_file: Path | None = None
    backend: Callable[[], Backend] | None = None
    retries: int = RETRIES
    shuffle: int | None = None

    def run(self, plan: Plan) -> Outcome:
        """Run all steps and say how each ended.

        Raises:
            KeyboardInterrupt: after the workers were ended; finished steps stay in the store.
        """
        backend: Backend = (
            self.backend() if self.backend else ProcessPool(self.workers, self.log_file)
        )
        schedule = _Schedule(self, plan, backend)
        try:
            results = schedule.run()
        finally:
            backend.close()
            schedule.locks.release_all()
        return Outcome(tuple(results[step.name] for step in plan.steps))


class _Schedule:
    """The state of one run of one plan."""

    def __init__(self, executor: Executor, plan: Plan, backend: Backend) -> None:
        self._executor = executor
        self._plan = plan
        self._backend = backend
        self._keys = dict(plan.keys)
        self._results: dict[str, StepResult] = {}
        self._damage: dict[str, str] = {}
        self._running: dict[Future[None], tuple[Step, float]] = {}
        self._waiting: dict[str, Step] = {}
        self.locks = StepLocks(executor.store)
        self._attempts = Attempts(executor.retries)
        self._settled = False
        self._storage = ""

    def run(self) -> dict[str, StepResult]:
        # The heaviest chain first; sorting is stable, so equal heights keep the plan's order.
        for step in sorted(self._plan.steps, key=lambda step: -self._plan.height[step.name]):
            if not self._found(step):
                self._waiting[step.name] = step
        while self._waiting or self._running:
            self._settle()
            held_up = self._start_ready()
            if self._running:
                pause = POLL if held_up else None
                ended, _ = wait(self._running, timeout=pause, return_when=FIRST_COMPLETED)
                for future in ended:
                    self._end(future)
            elif held_up:
                time.sleep(POLL)
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
        if artefact is None or self._executor.policy(step) is Policy.ALWAYS:
            return False
        if dict(artefact.place) != dict(step.place):
            log.info("%s: what it names lies elsewhere now", step.name)
            return False
        self._finish(StepResult(step.name, Status.CACHED, artefact.seconds, artefact=artefact))
        return True

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
        """Fail a step that can never run here, or may not, once its final key is known."""
        policy = self._executor.policy(step)
        reason = self._backend.obstacle(step)
        if policy is Policy.NEVER and step.name in self._damage:
            reason = self._damage[step.name]
        if reason and policy is not Policy.ONLY_CACHE:
            self._give_up(StepResult(step.name, Status.FAILED, reason=reason))
        elif policy is Policy.ONLY_CACHE:
            if all(map(self._available, step.inputs)):
                reason = self._damage.get(step.name, NOT_IN_STORE)
                self._give_up(StepResult(step.name, Status.FAILED, reason=reason))
            else:
                self._settled = False

    def _start_ready(self) -> bool:
        """Start what can start now, the heaviest chain first.

        Returns:
            Whether a step waits for another process, or for a moment between two attempts.
        """
        held_up = False
        for step in list(self._waiting.values()):
            if step.name not in self._waiting or not all(map(self._available, step.inputs)):
                continue
            if self._executor.policy(step) is Policy.ONLY_CACHE:
                continue
            if self._attempts.has_to_wait(step.name):
                held_up = True
            elif not self._backend.has_room(step):
                if step.parallel and self._backend.alone:
                    # It brings its own workers: nothing new starts until it had its turn alone.
                    return held_up
            elif not self._lock(step):
                held_up = True
            else:
                self._start(step)
                if step.parallel and self._backend.alone:
                    return held_up
        return held_up

    def _lock(self, step: Step) -> bool:
        """Take the lock of a step's result; return False while another process has it."""
        try:
            return self.locks.take(step, self._keys[step.name])
        except StorageError as error:
            self._halt(str(error))
            return False

    def _start(self, step: Step) -> None:
        del self._waiting[step.name]
        # Another process may have made it since this one last looked.
        if not self._attempts.begun(step.name) and self._found(step):
            return
        self._executor.listener.started(step)
        self._attempts.begin(step.name)
        start = time.perf_counter()
        self._running[self._backend.submit(self._task(step), step)] = (step, start)

    def _task(self, step: Step) -> Task:
        store, policy = self._executor.store, self._executor.policy(step)
        there = store.folder(step.name, self._keys[step.name]).exists()
        return Task(
            name=step.name,
            key=self._keys[step.name],
            function=step.function,
            parts=step.parts(self._keys),
            inputs={
                step.known_as.get(name, name): store.folder(name, self._keys[name]).resolve()
                for name in step.inputs
            },
            config=step.config,
            workers=self._executor.workers if step.parallel else 1,
            store=store.root.resolve(),
            place=step.place,
            # Damaged, asked to be made again, or made when its inputs lay elsewhere.
            replace=there and policy is not Policy.NEVER,
            attempt=self._attempts.begun(step.name),
            shuffle=self._executor.shuffle,
        )

    def _end(self, future: Future[None]) -> None:
        step, start = self._running.pop(future)
        seconds = time.perf_counter() - start
        error = future.exception()
        if error is not None and self._again(step, error):
            return
        artefact = None
        try:
            artefact = self._executor.store.find(step.name, self._keys[step.name])
        except CacheError as damage:
            error = error or damage
        attempts = self._attempts.begun(step.name)
        result = StepResult(step.name, Status.DONE, seconds, "", "", artefact, attempts)
        if error is None and artefact is not None:
            self._finish(replace(result, notice=self._notice(step, artefact)))
            return
        reason = reason_of(error) if error else "its result vanished from the run folder."
        log.error("%s: failed: %s", step.name, reason, exc_info=error)
        notice = self._notice(step, None)
        result = replace(result, status=Status.FAILED, reason=reason, notice=notice, artefact=None)
        self._finish(result)
        if isinstance(error, StorageError):
            self._halt(reason)

    def _again(self, step: Step, error: BaseException) -> bool:
        """Let a step wait for another attempt if its trouble may pass; return whether it will."""
        trouble = self._attempts.again(step.name, error)
        if trouble:
            self._waiting = {step.name: step, **self._waiting}
            self._executor.listener.retried(step, trouble)
        return bool(trouble)

    def _notice(self, step: Step, artefact: Artefact | None) -> str:
        notices = []
        if step.name in self._damage and artefact is not None:
            damage = self._damage[step.name].removesuffix("; run again.")
            notices.append(f"computed again: {damage}")
        return "; ".join(filter(None, [*notices, self._attempts.notice(step.name)]))

    def _halt(self, reason: str) -> None:
        """Start nothing more: whatever it is, it could not be written."""
        self._storage = self._storage or reason
        for step in list(self._waiting.values()):
            self._give_up(StepResult(step.name, Status.SKIPPED, reason=self._storage))

    def _give_up(self, result: StepResult) -> None:
        self._waiting.pop(result.name, None)
        self._finish(result)

    def _finish(self, result: StepResult) -> None:
        self.locks.release(result.name)
        self._results[result.name] = result
        self._settled = self._settled and result.artefact is not None
        self._executor.listener.finished(result)

    def _broken(self, name: str) -> bool:
        result = self._results.get(name)
        return result is not None and result.artefact is None

    def _available(self, name: str) -> bool:
        result = self._results.get(name)
        return result is not None and result.artefact is not None
