"""``focsbench models``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="The face models.", rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """The face models."""


@app.command("list")
def list_models(
    folder: Annotated[
        Path, typer.Argument(help="Where to look for their files, one folder deep.")
    ] = Path(),
) -> None:
    """List the face models: licence, the file each needs, where to get it, whether it is there."""
    from focsbench.face_models.inspection import listing

    for facts in listing(folder):
        _say(facts)
        typer.echo()


@app.command("check")
def check(
    path: Annotated[Path, typer.Argument(help="File or folder of a face model.")],
    name: Annotated[
        str | None, typer.Option(help="Name of the face model; by default guessed from the path.")
    ] = None,
) -> None:
    """Read a face model, check it, and say what is in it; exit code 1 if it cannot be used."""
    from focsbench.face_models.inspection import guess, inspect

    _say(inspect(path, name or guess(path)))


@app.command("show")
def show(
    name: Annotated[
        str | None, typer.Option(help="Name of the face model; anny, or guessed from the file.")
    ] = None,
    file: Annotated[
        Path | None, typer.Option(help="File or folder of a model that needs one.")
    ] = None,
    output: Annotated[Path, typer.Option(help="PNG file to write.")] = Path("face_model.png"),
) -> None:
    """Draw a face model: mean, modes and landmarks."""
    from focsbench.cli.pictures import checked

    path = checked(output)
    from focsbench.face_models import load_face_model
    from focsbench.face_models.inspection import guess
    from focsbench.face_models.preview import save_preview

    chosen = name or ("anny" if file is None else guess(file))
    save_preview(load_face_model(chosen, file), path)
    typer.echo(path)


def _say(facts: list[tuple[str, str]]) -> None:
    last = ""
    for label, text in facts:
        typer.echo(f"{'' if label == last else label:<11} {text}")
        last = label
