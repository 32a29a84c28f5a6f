"""``focsbench report``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from focsbench.cli.run_all import Verbose, Workers


def command(
    run: Annotated[Path, typer.Argument(help="Folder that run-all wrote.")],
    workers: Workers = None,
    verbose: Verbose = False,
) -> None:
    """Write the reports of a finished run again."""
    from focsbench.cli.display import Display
    from focsbench.cli.outcome import report_outcome
    from focsbench.profiles.profile import check_profile
    from focsbench.runs.environment import usable_cores
    from focsbench.runs.run_all import RunOptions, rewrite_reports
    from focsbench.runs.run_folder import RunFolder

    profile = check_profile(RunFolder(run).read_config())
    options = RunOptions(
        workers=workers or usable_cores(), listener=lambda plan: Display(plan, verbose=verbose)
    )
    report_outcome(rewrite_reports(profile, run, options), run)
