"""``focsbench doctor``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from focsbench.doctor.findings import Item, Section

WIDTH = 22


def command(
    profile: Annotated[
        str | None,
        typer.Option(help="Profile whose paths are looked at too: a name or a .toml file."),
    ] = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write what was found as JSON.")
    ] = None,
) -> None:
    """Say what is installed and found, what is missing, and the next step.

    Exit codes: 0 nothing that is needed is broken, 1 something is (marked !!).
    """
    from focsbench.doctor.advice import next_steps
    from focsbench.doctor.assets import asset_sections
    from focsbench.doctor.findings import as_json, is_broken
    from focsbench.doctor.machine import machine_sections
    from focsbench.doctor.packages import package_sections
    from focsbench.files import writable_file, write_json
    from focsbench.profiles.profile import load_profile

    target = None if json is None else writable_file(json, "--json")
    chosen = None if profile is None else load_profile(profile)
    sections = [*package_sections(), *machine_sections(), *asset_sections(chosen)]
    steps = next_steps(sections, profile)
    _print(sections, steps)
    if target is not None:
        write_json(target, as_json(sections, steps))
        typer.echo(f"\nFiles:\n  {target}")
    raise typer.Exit(1 if is_broken(sections) else 0)


def _print(sections: list[Section], steps: dict[str, list[str]]) -> None:
    for one in sections:
        typer.secho(one.title, bold=True)
        for item in one.items:
            _print_item(item)
        typer.echo()
    typer.secho("Next", bold=True)
    for user, lines in steps.items():
        typer.echo(f"  {user}:")
        for line in lines:
            typer.echo(f"    {line}")


def _print_item(item: Item) -> None:
    from focsbench.doctor.findings import State

    mark, colour = {
        State.OK: ("ok", typer.colors.GREEN),
        State.MISSING: ("--", typer.colors.YELLOW),
        State.BROKEN: ("!!", typer.colors.RED),
    }[item.state]
    typer.echo(f"  {typer.style(mark, fg=colour)} {item.name:<{WIDTH}} {item.text}".rstrip())
