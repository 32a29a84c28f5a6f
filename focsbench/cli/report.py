"""``focsbench report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from focsbench.cli.options import Verbose, Workers


def command(
    run: Annotated[Path, typer.Argument(help="Folder that run-all wrote.")],
    only: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME", help="Write this report only (see `focsbench list`)."),
    ] = None,
    workers: Workers = None,
    verbose: Verbose = False,
) -> None:
    """Write the reports of a finished run again."""
    from focsbench.cli.execute import finish, run_options
    from focsbench.cli.outcome import exit_with, report_problems, report_run, report_targets
    from focsbench.profiles.profile import check_profile
    from focsbench.runs.run_all import rewrite_reports
    from focsbench.runs.run_folder import RunFolder

    profile = check_profile(RunFolder(run).read_config())
    options = run_options(workers, verbose=verbose)
    finished = finish(run, lambda: rewrite_reports(profile, run, options, only or ()))
    if not only:
        report_run(finished, run)
    report_problems(finished)
    report_targets(finished)
    exit_with(finished)
