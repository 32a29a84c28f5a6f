"""``focsbench data check``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from focsbench.cli.options import Workers

if TYPE_CHECKING:
    from focsbench.data.check.report import CheckReport

NAMES = "celeba, ar, now, authors (the authors' folder and CSV form) or photos (a plain folder)"


def command(
    name: Annotated[str, typer.Argument(metavar="NAME", help=f"Layout: {NAMES}.")],
    path: Annotated[Path, typer.Argument(metavar="PATH", help="Folder of the dataset.")],
    decode: Annotated[
        bool,
        typer.Option("--decode", help="Decode every image, not only its both ends: takes longer."),
    ] = False,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the report as JSON; - is stdout.")
    ] = None,
    workers: Workers = None,
) -> None:
    """Say what a dataset folder holds, what is missing, and what to do next.

    Exit codes: 0 all of it can be used (there may be warnings), 2 some cannot, 1 nothing can.
    """
    from focsbench.data.check import check_dataset
    from focsbench.files import writable_file, write_json
    from focsbench.runs.environment import usable_cores

    to_stdout = json == Path("-")
    target = None if json is None or to_stdout else writable_file(json, "--json")
    report = check_dataset(name, path, decode=decode, workers=workers or usable_cores())
    if to_stdout:
        import json as codec

        typer.echo(codec.dumps(report.as_json(), indent=2, ensure_ascii=False))
    else:
        _print(report)
    if target is not None:
        write_json(target, report.as_json())
        typer.echo(f"Files:\n  {target}")
    raise typer.Exit(report.exit_code)


def _print(report: CheckReport) -> None:
    from focsbench.data.check.report import report_lines
    from focsbench.geometry.diagnosis_finding import Severity

    for line in report_lines(report):
        typer.echo(line)
    for one in sorted(report.findings, key=lambda finding: finding.severity != Severity.ERROR):
        colour = typer.colors.RED if one.severity is Severity.ERROR else typer.colors.YELLOW
        typer.secho(f"{one.severity} {one}", fg=colour)
    if report.steps:
        typer.echo("Next:")
    for number, step in enumerate(report.steps, start=1):
        typer.echo(f"  {number}. {step}")
