"""What a run shows while it runs: bars on a terminal, one line per step if asked elsewhere."""

from __future__ import annotations

import typer
from rich.progress import TaskID

from focsbench import progress
from focsbench.runs.executor import Status, StepResult
from focsbench.runs.plan import Plan, Step


class Display:
    """A listener for the command line; use it as a context manager.

    verbose: print one line per finished step also where there is no terminal.
    """

    def __init__(self, plan: Plan, *, verbose: bool = False) -> None:
        self._verbose = verbose
        self._bars = progress.bars() if progress.drawing() else None
        self._running: dict[str, TaskID] = {}
        self._total = self._bars.add_task("run", total=len(plan.steps)) if self._bars else None

    def __enter__(self) -> Display:
        if self._bars:
            self._bars.start()
        return self

    def __exit__(self, *_error: object) -> None:
        if self._bars:
            self._bars.stop()

    def started(self, step: Step) -> None:
        """Show the step as running."""
        if self._bars:
            self._running[step.name] = self._bars.add_task(f"  {step.name}", total=None)

    def finished(self, result: StepResult) -> None:
        """Count the step; say what went wrong, and more if asked."""
        if self._bars and self._total is not None:
            if result.name in self._running:
                self._bars.remove_task(self._running.pop(result.name))
            self._bars.advance(self._total)
        if self._verbose and result.status is not Status.CACHED:
            line = f"{result.status:>8}  {result.name}  {result.seconds:.1f} s"
            if self._bars:
                self._bars.console.print(line, highlight=False, markup=False)
            else:
                typer.echo(line, err=True)
