"""``focsbench sweep``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from focsbench.cli.options import RUN, Changes, Output, ProfileName, Verbose, Workers


def command(
    eta: Annotated[
        list[str] | None,
        typer.Option(
            metavar="NAME", help="A weight: neighbour, dist, area, presv, bin (default: each)."
        ),
    ] = None,
    values: Annotated[
        str | None,
        typer.Option(metavar="V,V,...", help="Values of these weights; default: of the profile."),
    ] = None,
    iterations: Annotated[
        int | None, typer.Option(min=1, help="Training of S at each value.")
    ] = None,
    profile: ProfileName = None,
    output: Output = RUN,
    workers: Workers = None,
    change: Changes = None,
    verbose: Verbose = False,
) -> None:
    """Change the weights of the segmentation loss one by one and segment AR.

    Writes the figure and the verdicts on what the paper says about it into the run's reports.
    Stages that run-all has trained are not trained again, and the other way round.
    """
    from focsbench.cli.execute import finish, profile_of_run, run_options
    from focsbench.cli.outcome import exit_with, report_problems
    from focsbench.runs.run_all import run_profile
    from focsbench.runs.sweep_plan import REPORT, swept_profile

    numbers = _numbers(values)
    chosen = swept_profile(profile_of_run(output, profile, change), eta or (), numbers, iterations)
    options = run_options(workers, verbose=verbose)
    targets = f"report:{REPORT}"
    finished = finish(output, lambda: run_profile(chosen, output, options, lambda _: [targets]))
    report_problems(finished)
    for one in finished:
        artefact = one.outcome.artefact("sweep")
        if artefact is not None:
            _print_trends(artefact.folder)
        if one.outcome.artefact(targets) is not None:
            typer.echo(f"Figure and numbers: {one.folder.reports / REPORT}.png, .pdf, .csv, .md")
    exit_with(finished)


def _numbers(text: str | None) -> list[float]:
    from focsbench.errors import ConfigError

    try:
        return [float(number) for number in text.split(",")] if text else []
    except ValueError:
        raise ConfigError(f"--values {text}: write numbers as 0,0.5,1.") from None


def _print_trends(folder: Path) -> None:
    import json

    import pandas as pd

    from focsbench.reports.eta_trends import find_trends, trend_lines
    from focsbench.runs.run_folder import SUMMARY

    summary = pd.DataFrame(json.loads((folder / SUMMARY).read_bytes()))
    for line in trend_lines(find_trends(summary)):
        typer.echo(line)
