"""What the commands that execute a plan say at the end."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

import typer

from focsbench.runs.outcome import Outcome, Status
from focsbench.runs.run_all import FinishedRun
from focsbench.runs.run_folder import RunFolder

SHOWN = 5  # names in one line


def report_run(finished: Sequence[FinishedRun], folder: Path) -> NoReturn:
    """Print what failed, the findings and the files of a run; exit with its code."""
    run = RunFolder(folder)
    report_problems(finished)
    if any(_made_reports(one.outcome) for one in finished):
        _print_findings(run)
    elif run.reports.is_dir():
        typer.echo(f"results and reports in {run.root} are those of an earlier run", err=True)
    _print_files(finished, run)
    exit_with(finished)


def exit_with(finished: Sequence[FinishedRun]) -> NoReturn:
    """Exit with 1 if a step failed for any seed, else with 2 if an item did, else with 0."""
    codes = {one.outcome.exit_code for one in finished}
    raise typer.Exit(1 if 1 in codes else max(codes))


def report_problems(finished: Sequence[FinishedRun]) -> None:
    """Print what failed, was left out or repaired, seed by seed."""
    for one in finished:
        _print_problems(one, f"seed {one.seed}: " if len(finished) > 1 else "")


def report_targets(finished: Sequence[FinishedRun]) -> None:
    """Print where the results of the chosen steps are."""
    typer.echo("Results:")
    for one in finished:
        for name in one.targets:
            artefact = one.outcome.artefact(name)
            if artefact is None:
                continue
            published = one.folder.published(name)
            if published is None:
                typer.echo(f"  {name:<30} {artefact.folder}")
            else:
                for file in artefact.files:
                    typer.echo(f"  {published / file}")


def _print_problems(one: FinishedRun, prefix: str) -> None:
    outcome = one.outcome
    for step in outcome.steps:
        if step.notice:
            _complain(f"{prefix}{step.name}: {step.notice}", typer.colors.YELLOW)
    failed = [step for step in outcome.steps if step.status is Status.FAILED]
    for reason in dict.fromkeys(step.reason for step in failed):
        names = _some([step.name for step in failed if step.reason == reason])
        _complain(f"{prefix}{names} failed: {reason}", typer.colors.RED)
    skipped = [step.name for step in outcome.steps if step.status is Status.SKIPPED]
    if skipped:
        typer.echo(f"{prefix}left out, because they need what failed: {_some(skipped)}", err=True)
    items = outcome.failed_items()
    for name, count in Counter(step for step, _, _ in items).items():
        item, reason = next((item, reason) for step, item, reason in items if step == name)
        _complain(
            f"{prefix}{name}: {count} images failed, the first is {item}: {reason}",
            typer.colors.YELLOW,
        )
    if failed or items:
        typer.echo(f"{prefix}details: {one.folder.log}", err=True)


def _complain(text: str, colour: str) -> None:
    typer.secho(text, fg=colour, err=True)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(names[:SHOWN]) + more


def _made_reports(outcome: Outcome) -> bool:
    return any(step.artefact for step in outcome.steps if step.name.startswith("report:"))


def _print_findings(run: RunFolder) -> None:
    """Print the first sentences of the findings; the tables are in the file."""
    findings = run.reports / "findings.md"
    if findings.is_file():
        paragraphs = findings.read_text(encoding="utf-8").split("\n\n")
        typer.echo(next(text for text in paragraphs if not text.startswith("#")).strip())


def _print_files(finished: Sequence[FinishedRun], run: RunFolder) -> None:
    artefacts = {}
    for one in finished:
        own = [step.artefact for step in one.outcome.steps if step.artefact is not None]
        artefacts.update({artefact.folder.resolve(): artefact for artefact in own})
        if len(finished) > 1:
            one.folder.write_index(own)
    files, count = run.write_index(artefacts.values())
    inner = run.seed_folders()
    typer.echo("Files:")
    for path in files:
        if not any(path.is_relative_to(folder) for folder in inner):
            typer.echo(f"  {path}")
    for folder in inner:
        number = sum(path.is_relative_to(folder) for path in files)
        typer.echo(f"  {folder} ({number} files, see {run.index.name})")
    typer.echo(
        f"  {run.store.root} ({count} files of {len(artefacts)} steps, see {run.index.name})"
    )
