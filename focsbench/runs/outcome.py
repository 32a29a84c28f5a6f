"""How steps and runs end, and who is told."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from focsbench.runs.artefact import Artefact
from focsbench.runs.plan import Step


class Policy(StrEnum):
    """What is done about a step whose result is, or is not, in the store.

    only-missing: it runs if its result is missing or damaged.
    always: it runs, and its result replaces the one that is there.
    never: nothing that is there is replaced: it runs if its result is missing, and fails if that
        is damaged.
    only-cache: it never runs; it fails if its result is missing or damaged.
    """

    ONLY_MISSING = "only-missing"
    ALWAYS = "always"
    NEVER = "never"
    ONLY_CACHE = "only-cache"


class Status(StrEnum):
    """How a step ended."""

    CACHED = "cached"
    DONE = "done"
    FAILED = "failed"
    SKIPPED = "skipped"


@dataclass(frozen=True)
class StepResult:
    """How one step ended.

    seconds: wall time of its last attempt, or of the run that made a cached result.
    reason: why it failed or was skipped; notice: what else to know; attempts: how often it ran.
    """

    name: str
    status: Status
    seconds: float = 0.0
    reason: str = ""
    notice: str = ""
    artefact: Artefact | None = None
    attempts: int = 0


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

    def retried(self, step: Step, reason: str) -> None:
        """Called when an attempt ended in a way that may pass; the step will start again."""
        ...

    def finished(self, result: StepResult) -> None:
        """Called when a step ended, also for cached and skipped ones."""
        ...


class Silent:
    """A listener that shows nothing."""

    def started(self, step: Step) -> None:
        """Ignore."""

    def retried(self, step: Step, reason: str) -> None:
        """Ignore."""

    def finished(self, result: StepResult) -> None:
        """Ignore."""
