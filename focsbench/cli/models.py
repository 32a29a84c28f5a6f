"""``focsbench models``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The face models.", rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """The face models."""


@app.command("show")
def show(
    name: Annotated[str, typer.Option(help="Name of the face model.")] = "anny",
    output: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("face_model.png"),
) -> None:
    """Draw a face model: mean, modes and landmarks."""
    from focsbench.cli.pictures import checked

    path = checked(output)
    from focsbench.face_models import load_face_model
    from focsbench.face_models.preview import save_preview

    save_preview(load_face_model(name), path)
    typer.echo(path)
