"""``focsbench run-all``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

Workers = Annotated[
    int | None, typer.Option(min=1, help="Processes; default: the cores of this machine.")
]
Verbose = Annotated[bool, typer.Option("--verbose", help="Print one line per finished step.")]


def command(
    profile: Annotated[
        str, typer.Option(help="Name of a profile (see `focsbench list`) or a .toml file.")
    ] = "quick",
    output: Annotated[Path, typer.Option(help="Folder of the run.")] = Path("focsbench-run"),
    seed: Annotated[int | None, typer.Option(min=0, help="Seed instead of the profile's.")] = None,
    workers: Workers = None,
    change: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="FIELD=VALUE", help="Change a field, e.g. data.ar=FOLDER."),
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Compare cached files with their checksums.")
    ] = False,
    verbose: Verbose = False,
) -> None:
    """Make the data, train, predict, score and write the reports.

    What an earlier run into the same folder has already done is not done again.
    """
    from focsbench.cli.display import Display
    from focsbench.cli.outcome import report_outcome
    from focsbench.profiles.profile import load_profile
    from focsbench.runs.environment import usable_cores
    from focsbench.runs.run_all import RunOptions, run_profile

    changes = [*(change or []), *([] if seed is None else [f"seed={seed}"])]
    chosen = load_profile(profile, changes)
    options = RunOptions(
        workers=workers or usable_cores(),
        verify=verify,
        listener=lambda plan: Display(plan, verbose=verbose),
    )
    try:
        outcome = run_profile(chosen, output, options)
    except KeyboardInterrupt:
        typer.echo("Stopped. Finished steps are kept; the same command goes on from there.")
        raise typer.Exit(130) from None
    report_outcome(outcome, output)
