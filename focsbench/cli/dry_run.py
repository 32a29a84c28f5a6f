"""What ``run-all --dry-run`` prints."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from focsbench.profiles.profile import Profile
from focsbench.runs.forecast import Fate, Forecast, wall_seconds
from focsbench.runs.plan import Plan

COLOURS = {Fate.RUN: typer.colors.YELLOW, Fate.FAIL: typer.colors.RED}


def print_forecasts(
    forecasts: Sequence[tuple[Profile, Plan, Sequence[Forecast]]], workers: int
) -> None:
    """Print the steps of each seed in the order of the plan, then the sum and the wall time."""
    wall = 0.0
    seen: set[str] = set()
    for profile, plan, steps in forecasts:
        if len(forecasts) > 1:
            typer.echo(f"seed {profile.seed}")
        shared = [one for one in steps if plan.keys[one.name] in seen]
        own = [one for one in steps if one not in shared]
        seen.update(plan.keys.values())
        width = max((len(one.name) for one in own), default=0)
        for one in own:
            _print_step(one, width)
        if shared:
            typer.echo(f"  {len(shared)} steps are those of an earlier seed")
        wall += wall_seconds(plan, own, workers)
        _print_sum(own)
    if any(one.fate is Fate.RUN for _, _, steps in forecasts for one in steps):
        noun = "worker" if workers == 1 else "workers"
        typer.echo(f"about {duration(wall)} with {workers} {noun}; nothing was run")
    else:
        typer.echo("nothing to run")


def _print_step(one: Forecast, width: int) -> None:
    fate = typer.style(f"{one.fate:>6}", fg=COLOURS.get(one.fate))
    time = f"{duration(one.seconds):>8} ({one.source})  " if one.fate is Fate.RUN else ""
    typer.echo(f"{fate}  {one.name:<{width}}  {time}{'; '.join(one.why)}".rstrip())


def _print_sum(steps: Sequence[Forecast]) -> None:
    counts = {fate: sum(one.fate is fate for one in steps) for fate in Fate}
    work = sum(one.seconds for one in steps)
    failing = f", {counts[Fate.FAIL]} would fail" if counts[Fate.FAIL] else ""
    typer.echo(
        f"{len(steps)} steps: {counts[Fate.CACHED]} cached, {counts[Fate.RUN]} to run{failing}; "
        f"{duration(work)} of work"
    )


def duration(seconds: float) -> str:
    """Return a duration as people say it: 12 s, 3 min, 5.2 h."""
    if seconds < 99.5:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 5400 else f"{seconds / 3600:.1f} h"
