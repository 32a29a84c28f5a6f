"""What the commands that execute a plan say at the end."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import typer

from focsbench.runs.outcome import Outcome, Status
from focsbench.runs.run_folder import RunFolder

SHOWN = 5  # names in one line


def report_outcome(outcome: Outcome, folder: Path) -> None:
    """Print what failed, the findings and the files of the run; exit with the outcome's code."""
    run = RunFolder(folder)
    _print_problems(outcome, run)
    if any(step.artefact for step in outcome.steps if step.name.startswith("report:")):
        _print_findings(run)
    elif run.reports.is_dir():
        typer.echo(f"results and reports in {run.root} are those of an earlier run", err=True)
    _print_files(outcome, run)
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
        more = f" and {len(skipped) - SHOWN} more" if len(skipped) > SHOWN else ""
        typer.echo(
            f"left out, because they need what failed: {', '.join(skipped[:SHOWN])}{more}", err=True
        )
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
    """Print the first sentences of the findings; the tables are in the file."""
    findings = run.reports / "findings.md"
    if findings.is_file():
        paragraphs = findings.read_text(encoding="utf-8").split("\n\n")
        typer.echo(next(text for text in paragraphs if not text.startswith("#")).strip())


def _print_files(outcome: Outcome, run: RunFolder) -> None:
    artefacts = [step.artefact for step in outcome.steps if step.artefact is not None]
    files, count = run.write_index(artefacts)
    typer.echo("Files:")
    for path in files:
        typer.echo(f"  {path}")
    typer.echo(
        f"  {run.store.root} ({count} files of {len(artefacts)} steps, see {run.index.name})"
    )
