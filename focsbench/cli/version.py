"""``focsbench version``."""

from __future__ import annotations

import typer

from focsbench import __version__


def command() -> None:
    """Print the version."""
    typer.echo(f"focsbench {__version__}")
