"""``focsbench weights``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from focsbench.errors import ConfigError

app = typer.Typer(help="Weights that others trained.", rich_markup_mode=None)


@app.callback()
def _group() -> None:
    """Weights that others trained."""


@app.command("import")
def import_(
    files: Annotated[list[Path], typer.Argument(metavar="FILE...", help="Files of weights.")],
    name: Annotated[
        str | None, typer.Option(help="What settings will call them; default: from the file.")
    ] = None,
    role: Annotated[
        Literal["encoder", "unet", "recognition", "deep3d"] | None,
        typer.Option("--as", help="Refuse the file unless it is good for this."),
    ] = None,
    replace: Annotated[
        bool, typer.Option("--replace", help="Take the name away from other weights.")
    ] = False,
) -> None:
    """Recognise files of weights, convert them and keep them for all runs.

    Known are: R and S of the paper's authors (enc_net_*.model, unet_*.model), Deep3D's
    epoch_20.pth, ArcFace's backbone.pth (iresnet 18, 34, 50, 100), insightface's ONNX recognition
    models of the same networks, ResNet-50 of ImageNet with torchvision's names, and dlib's
    dlib_face_recognition_resnet_model_v1.dat. Nothing in a file is run.

    Exit codes: 0 all were imported, 2 some were not, 1 none was.
    """
    from focsbench.errors import FocsbenchError
    from focsbench.weights.importer import import_weights

    if name is not None and len(files) > 1:
        raise ConfigError("--name: several files cannot have one name; import them one by one.")
    failed = 0
    for file in files:
        try:
            record = import_weights(file, name, role, replace)
        except FocsbenchError as error:
            if len(files) == 1:
                raise
            typer.echo(f"focsbench: {error}", err=True)
            failed += 1
            continue
        typer.echo(f"{record.name}: {record.title}, {record.parameters:,} numbers")
        typer.echo(f"  licence: {record.licence}")
        typer.echo(f"  use: {_use(record.role, record.name)}")
    if failed:
        raise typer.Exit(1 if failed == len(files) else 2)


@app.command("list")
def list_() -> None:
    """List imported weights with origin, licence and SHA-256."""
    from focsbench.weights.store import records, weights_folder

    typer.echo(f"imported weights in {weights_folder()}")
    for record in records():
        typer.echo(f"{record.name}: {record.title} ({record.role})")
        typer.echo(f"  sha256 {record.sha256}")
        typer.echo(f"  source {record.source}, sha256 {record.source_sha256}")
        typer.echo(f"  origin {record.origin}")
        typer.echo(f"  licence {record.licence}")
        typer.echo(f"  use {_use(record.role, record.name)}")


@app.command("verify")
def verify(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="[NAME...]", help="Default: all weights.")
    ] = None,
) -> None:
    """Compute the SHA-256 of imported weights again and compare.

    Exit codes: 0 all are as they were imported, 2 some are not, 1 there is no such name.
    """
    from focsbench.weights.store import find, path_of, records
    from focsbench.weights.store import verify as checked

    chosen = records()
    if names:
        for name in names:
            path_of(name)  # complains about unknown names
        chosen = [record for name in names if (record := find(name)) is not None]
    damaged = 0
    for record in chosen:
        fault = checked(record)
        damaged += bool(fault)
        typer.echo(f"{record.name}: {fault or 'as imported'}")
    raise typer.Exit(2 if damaged else 0)


def _use(role: str, name: str) -> str:
    if role == "deep3d":
        return f"row deep3d, --set rows.deep3d.weights={name}"
    return f"--set method.changes.{role}.weights={name}"
