"""``focsbench convert``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from focsbench.errors import ConfigError

if TYPE_CHECKING:
    from focsbench.convert.converter import Conversion

SHOWN = 3


def command(
    name: Annotated[
        str | None,
        typer.Argument(metavar="METHOD", help="deca, 3ddfa_v2, mica or deep3d; none lists them."),
    ] = None,
    source: Annotated[
        Path | None, typer.Argument(metavar="INPUT", help="Folder that the method wrote to.")
    ] = None,
    output: Annotated[
        Path | None, typer.Argument(metavar="OUTPUT", help="Empty folder for predictions.")
    ] = None,
    images: Annotated[
        Path | None,
        typer.Option(
            metavar="LIST_OR_NOW",
            help="Image list of NoW, or its folder: outputs get the keys of these images.",
        ),
    ] = None,
    landmarks: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Where the landmarks are on the method's topology."),
    ] = None,
    model: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Face model of the method.")
    ] = None,
    keep_expression: Annotated[
        bool,
        typer.Option("--keep-expression", help="Accept meshes with expression and pose."),
    ] = False,
    label: Annotated[
        str | None, typer.Option("--name", metavar="NAME", help="Name; default: that of OUTPUT.")
    ] = None,
) -> None:
    """Make a predictions folder out of what a published method writes.

    The result is scored like any other: `focsbench now score OUTPUT NOW`. NoW compares neutral
    faces, so meshes with an expression are refused unless you accept them.

    Exit codes: 0 all outputs are converted, 2 some failed (the manifest has the reasons), 1 none.
    """
    from focsbench.convert import ADAPTERS, adapter_class

    if name is None:
        for known in ADAPTERS:
            typer.echo(f"{known:<10} {adapter_class(known).reads}")
        return
    chosen = adapter_class(name)
    if source is None or output is None:
        raise ConfigError(f"name the folder that {chosen.label} wrote to, and an empty folder.")
    from focsbench.convert.adapter import Options
    from focsbench.convert.converter import convert
    from focsbench.files import empty_folder
    from focsbench.now.check import listed_images

    adapter = chosen(Options(landmarks, model, keep_expression))
    keys = None
    if images is not None:
        keys = [item.key for item in listed_images(images, "validation")]
    result = convert(
        adapter,
        source,
        empty_folder(output),
        method=label or output.resolve().name,
        keys=keys,
        notes={"expression": "kept"} if keep_expression else {},
    )
    _report(result, output)


def _report(result: Conversion, output: Path) -> None:
    for name, (keys, message) in result.findings.items():
        where = f"{len(keys)} of {len(result.written)} meshes, the first is {keys[0]}"
        typer.secho(f"{name}: {where}: {message}", fg=typer.colors.YELLOW, err=True)
    for key, reason in list(result.failures.items())[:SHOWN]:
        typer.secho(f"{key}: {reason}", fg=typer.colors.RED, err=True)
    if len(result.failures) > SHOWN:
        typer.echo(f"and {len(result.failures) - SHOWN} more, see manifest.json", err=True)
    if result.unmatched:
        first = ", ".join(result.unmatched[:SHOWN])
        typer.echo(f"{len(result.unmatched)} outputs belong to no image: {first}", err=True)
    total = len(result.written) + len(result.failures)
    typer.echo(f"{len(result.written)} of {total} meshes converted")
    typer.echo(f"Files:\n  {output}")
    if not result.written:
        raise typer.Exit(1)
    raise typer.Exit(2 if result.failures else 0)
