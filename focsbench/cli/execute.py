"""What the commands share that work on a run: which profile, how to execute, what to say."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from focsbench.cli.options import NEW_RUN

if TYPE_CHECKING:
    from focsbench.profiles.profile import Profile
    from focsbench.runs.run_all import FinishedRun, RunOptions, Targets


def run_options(
    workers: int | None,
    *,
    verbose: bool = False,
    verify: bool = False,
    policies: Sequence[str] = (),
    executor: str = "pool",
    address: str | None = None,
    retries: int | None = None,
    shuffle: int | None = None,
) -> RunOptions:
    """Return options whose progress is shown on the terminal.

    Raises:
        ConfigError: if a policy or the executor does not exist.
    """
    from focsbench.cli.display import Display
    from focsbench.runs.attempts import RETRIES
    from focsbench.runs.environment import usable_cores
    from focsbench.runs.run_all import RunOptions
    from focsbench.runs.wanted import parse_policies, wanted_backend

    return RunOptions(
        workers=workers or usable_cores(),
        verify=verify,
        policies=parse_policies(policies),
        backend=wanted_backend(executor, address),
        retries=RETRIES if retries is None else retries,
        shuffle=shuffle,
        listener=lambda plan, folder: Display(plan, folder, verbose=verbose),
    )


def profile_of_run(run: Path, name: str | None, changes: Sequence[str] | None) -> Profile:
    """Return the profile that is named, else that of an existing run, else the default one.

    Raises:
        FocsbenchError: if the profile or a change cannot be used.
    """
    from focsbench.profiles.profile import changed_profile, load_profile
    from focsbench.runs.run_folder import RunFolder

    folder = RunFolder(run)
    if name is None and folder.config.exists():
        return changed_profile(folder.read_config(), changes or ())
    return load_profile(name or NEW_RUN, changes or ())


def finish(run: Path, work: Callable[[], list[FinishedRun]]) -> list[FinishedRun]:
    """Do the work of a command; Ctrl-C says what is kept and ends it with code 130."""
    try:
        return work()
    except KeyboardInterrupt:
        typer.echo(f"Stopped. Finished steps are kept in {run}; the same command goes on there.")
        raise typer.Exit(130) from None


def execute(profile: Profile, run: Path, options: RunOptions, targets: Targets) -> None:
    """Execute chosen steps and what they need, say where their results are, and exit.

    Args:
        profile: of the run.
        run: its folder.
        options: how to execute.
        targets: chooses the steps of a plan by name.
    """
    from focsbench.cli.outcome import exit_with, report_problems, report_targets
    from focsbench.runs.run_all import run_profile

    finished = finish(run, lambda: run_profile(profile, run, options, targets))
    report_problems(finished)
    report_targets(finished)
    exit_with(finished)
