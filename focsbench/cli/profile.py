"""``focsbench profile``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from focsbench.cli.options import Changes
from focsbench.errors import ConfigError

app = typer.Typer(help="Profiles: what a run consists of.", rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Profiles: what a run consists of."""


@app.command("write")
def write(
    name: Annotated[str, typer.Argument(help="Profile to start from (see `focsbench list`).")],
    file: Annotated[
        Path | None, typer.Argument(help="File to write; default: my-NAME.toml here.")
    ] = None,
    change: Changes = None,
) -> None:
    """Write a profile as a file to edit: every path in one place, with comments.

    With --set, lines of the file are filled in already.
    """
    from focsbench.files import writable_file, write_atomically
    from focsbench.profiles.template import profile_text

    path = file or Path(f"my-{name}.toml")
    if path.suffix != ".toml":
        raise ConfigError(f"{path}: profiles are TOML files; choose a name that ends in .toml.")
    if path.exists():
        raise ConfigError(f"{path}: is there already; choose another name or delete it.")
    text = profile_text(name, change or ())
    write_atomically(writable_file(path, "FILE"), text.encode())
    typer.echo(f"{path}")
    typer.echo("Next: edit it, then")
    typer.echo(f"  focsbench doctor --profile {path}")
    typer.echo(f"  focsbench run-all --profile {path}")
