"""What the commands that execute a plan say at the end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from focsbench.runs.executor import Outcome, Status
from focsbench.runs.run_folder import RunFolder


def report_outcome(outcome: Outcome, folder: Path) -> None:
    """Print what failed, the findings and the files of the run; exit with the outcome's code."""
    run = RunFolder(folder)
    _print_problems(outcome, run)
    _print_findings(run)
    typer.echo("Files:")
    for path, count in run.files():
        typer.echo(f"  {path}" if path.is_file() else f"  {path}/ ({count} files)")
    raise typer.Exit(outcome.exit_code)


def _print_problems(outcome: Outcome, run: RunFolder) -> None:
    for step in outcome.steps:
        if step.notice:
            typer.secho(f"{step.name}: {step.notice}", fg=typer.colors.YELLOW, err=True)
    failed = [step for step in outcome.steps if step.status is Status.FAILED]
    for step in failed:
        typer.secho(f"{step.name} failed: {step.reason}", fg=typer.colors.RED, err=True)
    skipped = [step.name for step in outcome.steps if step.status is Status.SKIPPED]
    if skipped:
        typer.echo(f"left out, because they need what failed: {', '.join(skipped)}", err=True)
    items = outcome.failed_items()
    for name, count in Counter(step for step, _, _ in items).items():
        item, reason = next((item, reason) for step, item, reason in items if step == name)
        typer.secho(
            f"{name}: {count} images failed, the first is {item}: {reason}",
            fg=typer.colors.YELLOW,
            err=True,
        )
    if failed or items:
        typer.echo(f"details: {run.log}", err=True)


def _print_findings(run: RunFolder) -> None:
    findings = run.reports / "findings.md"
    if findings.is_file():
        typer.echo(findings.read_text(encoding="utf-8"))
