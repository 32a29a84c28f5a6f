"""``focsbench now pack``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from focsbench.cli.now_check import Images, Split
from focsbench.cli.options import Workers

SHOWN = 20  # images in the list of what is missing
REMINDER = (
    "The README inside says that the meshes are neutral. Read on the site of the benchmark what "
    "else a submission needs, and where to send it, before you do."
)


def command(
    predictions: Annotated[Path, typer.Argument(help="Folder with the meshes and landmarks.")],
    images: Images,
    output: Annotated[Path, typer.Argument(metavar="OUTPUT", help="New .zip file or folder.")],
    split: Split = "test",
    unit: Annotated[
        Literal["m", "cm", "mm"] | None,
        typer.Option(help="Unit of the meshes, for the metrical evaluation; default: manifest."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="METHOD", help="Name; default: that of the folder.")
    ] = None,
    workers: Workers = None,
) -> None:
    """Pack predictions for the test set of NoW; an incomplete or invalid set is refused."""
    from focsbench.now.check import check_predictions, listed_images, report_lines
    from focsbench.now.pack import make_submission, write_submission
    from focsbench.runs.environment import usable_cores

    submission = make_submission(
        predictions, listed_images(images, split), output, unit=unit, name=name
    )
    report = check_predictions(predictions, submission.items, workers or usable_cores())
    for line in report_lines(report):
        typer.echo(line, err=True)
    for line in report.unusable[:SHOWN]:
        typer.echo(f"  {line}", err=True)
    if len(report.unusable) > SHOWN:
        more = len(report.unusable) - SHOWN
        typer.echo(f"  and {more} more; `focsbench now check --verbose` lists all", err=True)
    rewritten = write_submission(submission, report, output)
    typer.echo(f"{len(submission.items)} images, {rewritten} meshes written anew: {output}")
    typer.echo(REMINDER)
