"""``focsbench list``."""

from __future__ import annotations

import typer


def command() -> None:
    """List baselines, protocols, reports, engines and profiles."""
    from focsbench import registry
    from focsbench.profiles.profile import profile_descriptions

    for kind in registry.Kind:
        typer.echo(f"{kind.noun}s")
        for name in registry.names(kind):
            typer.echo(f"  {name:<20} {registry.target(kind, name)}")
    typer.echo("profiles")
    for name, description in profile_descriptions().items():
        typer.echo(f"  {name:<20} {description}")
