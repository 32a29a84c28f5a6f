"""``focsbench train``."""

from __future__ import annotations

from typing import Annotated

import typer

from focsbench.cli.options import RUN, Changes, Output, ProfileName, Verbose, Workers


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[METHOD|STAGE]...",
            help="Baselines, or training stages of the run (default: all of its stages).",
        ),
    ] = None,
    profile: ProfileName = None,
    output: Output = RUN,
    workers: Workers = None,
    change: Changes = None,
    verbose: Verbose = False,
) -> None:
    """Train what some methods need, and nothing else; run-all goes on from there."""
    from focsbench.cli.execute import execute, profile_of_run, run_options
    from focsbench.runs.targets import training, with_methods

    chosen = with_methods(profile_of_run(output, profile, change), names or ())
    options = run_options(workers, verbose=verbose)
    execute(chosen, output, options, lambda plan: training(plan, names or ()))
