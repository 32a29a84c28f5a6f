"""``focsbench report``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from focsbench.cli.options import Verbose, Workers
from focsbench.errors import ConfigError


def command(
    runs: Annotated[
        list[Path],
        typer.Argument(
            metavar="RUN...",
            help="Folder that run-all wrote; several stand side by side in one table.",
        ),
    ],
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Write this report only (see `focsbench list`)."),
    ] = None,
    table: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Print this table instead: 1 to 5, S1, estimators, all."),
    ] = None,
    file_format: Annotated[
        Literal["markdown", "latex", "csv"], typer.Option("--format", help="Of --table.")
    ] = "markdown",
    uncertainty: Annotated[
        Literal["paper", "interval", "std", "none"],
        typer.Option(
            help="Behind the values of --table: ± as in the paper, 95 % intervals by subject, ± "
            "for all, or nothing."
        ),
    ] = "paper",
    output: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write --table into this file.")
    ] = None,
    workers: Workers = None,
    verbose: Verbose = False,
) -> None:
    """Write the reports of a finished run again, or print its tables.

    --table prints, and so do several runs (all tables if none is named): then nothing in the runs
    is changed, and results.csv or a folder of `focsbench score` will do.
    """
    if table or len(runs) > 1:
        if only:
            raise ConfigError("--only writes the reports of one run; leave out --table.")
        _print(runs, table or ["all"], file_format, uncertainty, output)
        return
    if output is not None:
        raise ConfigError("--output is for --table; the reports go into the folder of the run.")
    from focsbench.cli.execute import finish, run_options
    from focsbench.cli.outcome import exit_with, report_problems, report_run, report_targets
    from focsbench.profiles.profile import check_profile
    from focsbench.runs.run_all import rewrite_reports
    from focsbench.runs.run_folder import RunFolder

    run = runs[0]
    profile = check_profile(RunFolder(run).read_config())
    options = run_options(workers, verbose=verbose)
    finished = finish(run, lambda: rewrite_reports(profile, run, options, only or ()))
    if not only:
        report_run(finished, run)
    report_problems(finished)
    report_targets(finished)
    exit_with(finished)


def _print(
    runs: Sequence[Path],
    tables: Sequence[str],
    file_format: Literal["markdown", "latex", "csv"],
    uncertainty: Literal["paper", "interval", "std", "none"],
    output: Path | None,
) -> None:
    from focsbench.files import writable_file, write_atomically
    from focsbench.reports.printed_tables import find_table, print_tables, tables_of
    from focsbench.runs.shown import read_shown

    wanted = [find_table(name) for name in tables if name != "all"]
    if output is not None:
        writable_file(output, "--output")
    shown = read_shown(runs)
    specs = wanted if "all" not in tables else tables_of(shown.context)
    if not specs:
        raise ConfigError(f"{runs[0]}: has no number for any table; see `focsbench compare`.")
    text = print_tables(specs, shown.context, file_format, uncertainty, over_seeds=shown.over_seeds)
    if output is None:
        typer.echo(text, nl=False)
    else:
        write_atomically(output, text.encode())
        typer.echo(f"Files:\n  {output}")
