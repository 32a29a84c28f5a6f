"""``focsbench train-pretrained``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from focsbench.cli.options import Workers


def command(
    output: Annotated[Path, typer.Argument(help="Folder for the weights.")],
    workers: Workers = None,
) -> None:
    """Train the small networks whose weights come with focsbench."""
    from focsbench.files import empty_folder
    from focsbench.runs.environment import usable_cores
    from focsbench.runs.pretrained_weights import train_pretrained

    for path in train_pretrained(empty_folder(output), workers or usable_cores()):
        typer.echo(path)
