"""``focsbench licences``."""

from __future__ import annotations

import typer


def command() -> None:
    """Print the licences of the packages and face models that focsbench uses, in Markdown."""
    from focsbench.licences import dependency_licences, model_licences

    typer.echo("| package | version | licence |\n|---|---|---|")
    for one in dependency_licences():
        typer.echo(f"| {one.name} | {one.version} | {one.licence} |")
    typer.echo("\n| face model | licence |\n|---|---|")
    for one in model_licences():
        typer.echo(f"| {one.name} | {one.licence} |")
