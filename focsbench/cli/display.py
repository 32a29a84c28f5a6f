"""What a run shows while it runs: bars on a terminal, one line per step if asked elsewhere."""

from __future__ import annotations

import typer
from rich.progress import BarColumn, Progress, TaskID, TextColumn, TimeElapsedColumn

from focsbench import progress
from focsbench.runs.outcome import Status, StepResult
from focsbench.runs.plan import Plan, Step


class Display:
    """A listener for the command line; use it as a context manager.

    verbose: print one line per finished step also where there is no terminal.
    """

    def __init__(self, plan: Plan, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._bars = _bars() if progress.drawing() else None
        self._running: dict[str, TaskID] = {}
        self._steps = len(plan.steps)
        self._done = 0
        self._total = self._add("steps", self._steps, f"0/{self._steps}")

    def __enter__(self) -> Display:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bars:
            self._bars.stop()

    def started(self, step: Step) -> None:
        """Show the step as running."""
        task = self._add(f"  {step.name}", None, "")
        if task is not None:
            self._running[step.name] = task

    def finished(self, result: StepResult) -> None:
        """Count the step; say what went wrong, and more if asked."""
        self._done += 1
        if self._bars and self._total is not None:
            if result.name in self._running:
                self._bars.remove_task(self._running.pop(result.name))
            self._bars.update(self._total, advance=1, count=f"{self._done}/{self._steps}")
        if self._verbose and result.status is not Status.CACHED:
            line = f"{result.status:>8}  {result.name}  {result.seconds:.1f} s"
            if self._bars:
                self._bars.console.print(line, highlight=False, markup=False)
            else:
                typer.echo(line, err=True)

    def _add(self, text: str, total: int | None, count: str) -> TaskID | None:
        return self._bars.add_task(text, total=total, count=count) if self._bars else None


def _bars() -> Progress:
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.fields[count]}"),
        TimeElapsedColumn(),
    )
    return Progress(*columns, console=progress.console(), transient=True)
