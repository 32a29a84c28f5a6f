"""``focsbench run-all``."""

from __future__ import annotations

from typing import Annotated

import typer

from focsbench.cli.options import (
    NEW_RUN,
    RUN,
    Address,
    Changes,
    Executor,
    Output,
    Policies,
    Retries,
    Shuffle,
    Verbose,
    Workers,
)


def command(
    profile: Annotated[
        str, typer.Option(help="Name of a profile (see `focsbench list`) or a .toml file.")
    ] = NEW_RUN,
    output: Output = RUN,
    seed: Annotated[int | None, typer.Option(min=0, help="Seed instead of the profile's.")] = None,
    seeds: Annotated[
        int | None,
        typer.Option(min=1, help="Run this many seeds, from --seed on; tables get a spread."),
    ] = None,
    same_data: Annotated[
        bool,
        typer.Option("--same-data", help="Seeds share the data: order and initialisation vary."),
    ] = False,
    workers: Workers = None,
    change: Changes = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare cached files with their checksums.")
    ] = False,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would run, why, and how long; do nothing.")
    ] = False,
    policy: Policies = None,
    executor: Executor = "pool",
    address: Address = None,
    retries: Retries = 2,
    shuffle: Shuffle = None,
    verbose: Verbose = False,
) -> None:
    """Make the data, train, predict, score and write the reports.

    What an earlier run into the same folder has already done is not done again. Exit codes: 0 all
    went well, 1 a step failed, 2 some images failed, 130 interrupted.
    """
    from focsbench.cli.execute import finish, run_options
    from focsbench.cli.outcome import report_run
    from focsbench.profiles.profile import load_profile
    from focsbench.runs.run_all import run_profile

    changes = list(change or [])
    changes += [] if seed is None else [f"seed={seed}"]
    changes += [] if seeds is None else [f"seeds={seeds}"]
    changes += ["vary_data=false"] if same_data else []
    chosen = load_profile(profile, changes)
    options = run_options(
        workers,
        verbose=verbose,
        verify=verify,
        policies=policy or (),
        executor=executor,
        address=address,
        retries=retries,
        shuffle=shuffle,
    )
    if dry_run:
        from focsbench.cli.dry_run import print_forecasts
        from focsbench.runs.run_all import forecast_profile

        print_forecasts(forecast_profile(chosen, output, options), options.workers)
        return
    report_run(finish(output, lambda: run_profile(chosen, output, options)), output)
