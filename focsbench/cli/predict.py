"""``focsbench predict``."""

from __future__ import annotations

from typing import Annotated

import typer

from focsbench.cli.options import (
    RUN,
    Changes,
    EngineName,
    Output,
    ProfileName,
    Verbose,
    Workers,
)


def command(
    methods: Annotated[
        list[str] | None,
        typer.Argument(metavar="[METHOD]...", help="Baselines (default: those of the run)."),
    ] = None,
    dataset: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="celeba, ar or now (default: all of the run)."),
    ] = None,
    profile: ProfileName = None,
    output: Output = RUN,
    workers: Workers = None,
    change: Changes = None,
    verbose: Verbose = False,
    engine: EngineName = None,
) -> None:
    """Write the predictions of methods, and train first what they need."""
    from focsbench.cli.execute import execute, profile_of_run, run_options
    from focsbench.runs.targets import predictions, with_methods

    changes = [*(change or ()), *([f"engine={engine}"] if engine else [])]
    chosen = with_methods(profile_of_run(output, profile, changes), methods or ())
    options = run_options(workers, verbose=verbose)
    execute(chosen, output, options, lambda plan: predictions(plan, methods or (), dataset or ()))
