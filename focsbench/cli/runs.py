"""``focsbench runs``: look at run folders, compare them, delete what they no longer need."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

app = typer.Typer(rich_markup_mode=None, help="Run folders: list, show, diff, gc.")
Folder = Annotated[Path, typer.Argument(metavar="RUN", help="Folder of a run.")]


@app.command("list")
def list_runs(
    folders: Annotated[
        list[Path] | None, typer.Argument(help="Where to look; default: the current folder.")
    ] = None,
) -> None:
    """List the runs in folders: profile, seeds, steps, failures, size, time."""
    from focsbench.runs.history import describe_run, find_runs

    facts = [describe_run(run) for run in find_runs(folders or [Path()])]
    if not facts:
        typer.echo("no runs here; focsbench run-all makes one")
        return
    _print_table(
        ("run", "profile", "seed", "steps", "failed items", "size", "work", "finished"),
        [
            (
                str(one.folder), one.profile, one.seeds, str(one.steps), str(one.failed),
                size_text(one.bytes), _duration(one.seconds), one.finished,
            )
            for one in facts
        ],
    )  # fmt: skip


@app.command("show")
def show(
    run: Folder,
    step: Annotated[str | None, typer.Option(help="Show one step in full.")] = None,
) -> None:
    """Say where the results of a run come from: settings, versions, hardware, data, times."""
    import json

    from focsbench.errors import InputError
    from focsbench.runs.history import read_environment, read_provenance
    from focsbench.runs.run_folder import run_folders

    for folder in run_folders(run):
        facts = read_provenance(folder)
        if step is not None:
            if step not in facts.get("steps", {}):
                raise InputError(f"{folder.root}: no step {step!r}; `runs show` lists them all.")
            typer.echo(json.dumps(facts["steps"][step], indent=2))
            continue
        typer.echo(f"run {folder.root}")
        config = folder.read_config()
        _print_facts("settings", {k: v for k, v in config.items() if k not in ("data", "method")})
        _print_facts("environment", read_environment(folder))
        _print_facts("datasets", facts.get("datasets", {}))
        _print_facts("protocol cards", facts.get("protocol_cards", {}))
        _print_facts("packages of several versions", facts.get("mixed_packages", {}))
        _print_steps(facts)


@app.command("diff")
def diff(
    one: Folder, other: Annotated[Path, typer.Argument(metavar="OTHER", help="Another run.")]
) -> None:
    """Say in what two runs differ: settings, environment, steps, results."""
    from focsbench.runs.history import run_differences
    from focsbench.runs.run_folder import RunFolder

    found = run_differences(RunFolder(one), RunFolder(other))
    for kind, lines in found.items():
        typer.echo(kind)
        for line in lines:
            typer.echo(f"  {line}")
    if not found:
        typer.echo("no difference")


@app.command("gc")
def collect(
    run: Folder,
    delete: Annotated[
        bool, typer.Option("--delete", help="Delete it; without this it is only listed.")
    ] = False,
) -> None:
    """Find results that no step of the run's present plan needs, left by other settings or code."""
    from focsbench.profiles.profile import check_profile
    from focsbench.runs.history import collect_garbage, find_garbage
    from focsbench.runs.run_all import plans
    from focsbench.runs.run_folder import RunFolder

    folder = RunFolder(run)
    profile = check_profile(folder.read_config())
    needed = [item for plan in plans(profile) for item in plan.keys.items()]
    garbage = find_garbage(folder, needed)
    for one in garbage:
        typer.echo(f"{size_text(one.bytes):>9}  {one.path.name}  {one.why}")
    if delete:
        garbage = collect_garbage(folder, garbage)
    total = size_text(sum(one.bytes for one in garbage))
    if delete:
        typer.echo(f"{len(garbage)} deleted, {total}")
    else:
        typer.echo(f"{len(garbage)} to delete, {total}; add --delete")


def size_text(count: float) -> str:
    """Return a number of bytes as people say it."""
    for unit in ("B", "KiB", "MiB", "GiB"):
        if count < 1024 or unit == "GiB":
            return f"{count:.0f} {unit}" if unit == "B" else f"{count:.1f} {unit}"
        count /= 1024
    raise AssertionError


def _print_steps(facts: Mapping[str, Any]) -> None:
    rows = [
        (
            name, str(step.get("status", "")), str(step.get("key", ""))[:12],
            _seconds(step, "seconds"), _seconds(step, "cpu_seconds"), str(step.get("host", "")),
            str(step.get("attempt", "")), size_text(int(step.get("bytes", 0))),
            str(step.get("failed_items", "")), str(step.get("finished", "")),
        )
        for name, step in facts.get("steps", {}).items()
    ]  # fmt: skip
    if not rows:
        typer.echo("steps: not known; run-all writes them when it ends")
        return
    _print_table(
        ("step", "status", "key", "wall s", "CPU s", "host", "attempt", "size", "failed", "made"),
        rows,
    )
    totals = facts.get("totals", {})
    typer.echo(
        f"together {totals.get('seconds', 0)} s of wall time and "
        f"{totals.get('cpu_seconds', 0)} s of CPU time in the steps"
    )


def _print_facts(title: str, values: Mapping[str, Any]) -> None:
    from focsbench.facts import flat_facts

    if not values:
        return
    typer.echo(title)
    for name, value in flat_facts(values):
        typer.echo(f"  {name}: {value or 'none'}")


def _print_table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    widths = [max(map(len, column)) for column in zip(header, *rows, strict=True)]
    for row in (header, *rows):
        cells = (cell.ljust(width) for cell, width in zip(row, widths, strict=True))
        typer.echo("  ".join(cells).rstrip())


def _seconds(step: Mapping[str, Any], name: str) -> str:
    return f"{float(step[name]):.1f}" if name in step else ""


def _duration(seconds: float) -> str:
    from focsbench.cli.dry_run import duration

    return duration(seconds)
