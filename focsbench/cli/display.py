"""What a run shows while it runs: a bar per stage on a terminal, lines elsewhere."""

from __future__ import annotations

import time
from collections import Counter

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from focsbench import progress
from focsbench.cli.dry_run import duration
from focsbench.runs.forecast import Fate, forecast
from focsbench.runs.outcome import Policy, Status, StepResult
from focsbench.runs.plan import Plan, Step
from focsbench.runs.run_folder import RunFolder

LINES_EVERY = 30.0  # seconds between lines about one step, without a terminal
STAGES = {
    "face_model": "data",
    "data": "data",
    "predict": "predictions",
    "prepare": "scores",
    "score": "scores",
    "aggregate": "reports",
    "report": "reports",
}


def stage_of(step: str) -> str:
    """Return the stage that a step belongs to; what has no name of its own is training."""
    return STAGES.get(step.partition(":")[0], "training")


class Display:
    """A listener for the command line; use it as a context manager.

    folder: of the run; its earlier results tell how long steps take.
    verbose: print one line per finished step also where there is no terminal.
    """

    def __init__(self, plan: Plan, folder: RunFolder, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._bars = _bars() if progress.drawing() else None
        self._running: dict[str, TaskID] = {}
        self._totals = Counter(stage_of(step.name) for step in plan.steps)
        self._done: Counter[str] = Counter()
        self._failed: Counter[str] = Counter()
        self._stages = {name: self._add(name, total) for name, total in self._totals.items()}
        self._left = self._estimates(plan, folder) if self._bars else {}
        self._expected, self._began = sum(self._left.values()), time.monotonic()
        self._lines = progress.announcing(LINES_EVERY)

    def __enter__(self) -> Display:
        self._lines.__enter__()
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bars:
            self._bars.stop()
        self._lines.__exit__(None, None, None)

    def started(self, step: Step) -> None:
        """Show the step as running."""
        task = self._add(f"  {step.name}", None)
        if task is not None:
            self._running[step.name] = task

    def retried(self, step: Step, reason: str) -> None:
        """Show the step as waiting, and say why."""
        self._remove(step.name)
        self._print(f"  again  {step.name}  {reason}")

    def finished(self, result: StepResult) -> None:
        """Count the step; say what went wrong, and more if asked."""
        stage = stage_of(result.name)
        self._done[stage] += 1
        self._failed[stage] += result.status is Status.FAILED
        if result.artefact is not None:
            self._failed[stage] += len(result.artefact.failures)
        self._remove(result.name)
        self._left.pop(result.name, None)
        task = self._stages.get(stage)
        if self._bars and task is not None:
            self._bars.update(task, advance=1, count=self._count(stage), left=self._eta())
        if result.status is not Status.CACHED:
            self._print(f"{result.status:>8}  {result.name}  {result.seconds:.1f} s")

    def _print(self, line: str) -> None:
        if self._verbose and self._bars:
            self._bars.console.print(line, highlight=False, markup=False)
        elif self._verbose:
            typer.echo(line, err=True)

    def _count(self, stage: str) -> str:
        failed = f", {self._failed[stage]} failed" if self._failed[stage] else ""
        return f"{self._done[stage]}/{self._totals[stage]}{failed}"

    def _eta(self) -> str:
        """Return the time left: the estimates, corrected by how the run went so far."""
        left = sum(self._left.values())
        done = self._expected - left
        if not left or not done:
            return ""
        return f"about {duration((time.monotonic() - self._began) / done * left)} left"

    def _estimates(self, plan: Plan, folder: RunFolder) -> dict[str, float]:
        forecasts = forecast(plan, folder.store, lambda _: Policy.ONLY_MISSING)
        return {one.name: one.seconds for one in forecasts if one.fate is Fate.RUN}

    def _add(self, text: str, total: int | None) -> TaskID | None:
        count = f"0/{total}" if total else ""
        if self._bars is None:
            return None
        return self._bars.add_task(text, total=total, count=count, left="")

    def _remove(self, step: str) -> None:
        if self._bars and step in self._running:
            self._bars.remove_task(self._running.pop(step))


def _bars() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
        TextColumn("{task.fields[left]}"),
    )
    return Progress(*columns, console=progress.console(), transient=True)
