"""``focsbench now check``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from focsbench.cli.options import Workers

Images = Annotated[
    Path,
    typer.Argument(
        metavar="IMAGE_LIST_OR_DATASET", help="Image list, or folder of NoW that holds it."
    ),
]
Split = Annotated[
    Literal["validation", "test"], typer.Option(help="Which list of the folder of NoW.")
]


def command(
    predictions: Annotated[Path, typer.Argument(help="Folder with the meshes and landmarks.")],
    images: Images,
    split: Split = "validation",
    workers: Workers = None,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print every finding of every image.")
    ] = False,
) -> None:
    """Check predictions against the image list, before they are scored or sent.

    Exit codes: 0 every image can be scored (there may be warnings), 2 some cannot, 1 the folder or
    the list cannot be used.
    """
    from focsbench.now.check import check_predictions, listed_images, report_lines
    from focsbench.runs.environment import usable_cores

    report = check_predictions(predictions, listed_images(images, split), workers or usable_cores())
    for line in report_lines(report, verbose=verbose):
        typer.echo(line)
    usable = len(report.images) - len(report.unusable)
    typer.echo(f"{usable} of {len(report.images)} images can be scored")
    raise typer.Exit(2 if report.unusable else 0)
