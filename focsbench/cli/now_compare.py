"""``focsbench now compare``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    results: Annotated[
        list[Path],
        typer.Argument(
            metavar="RESULT...",
            help="Result folders or JSON files of `now score`, or .npy files of the official tool.",
        ),
    ],
    output: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Empty folder for tables and cumulative curves."),
    ] = None,
    image_list: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Names the images of older official files."),
    ] = None,
) -> None:
    """Compare results of methods, new and official ones alike."""
    from focsbench.data.now import read_image_list
    from focsbench.files import empty_folder
    from focsbench.now.compare import compare
    from focsbench.now.compare_files import comparison_markdown, write_comparison
    from focsbench.now.contenders import read_contenders

    items = [] if image_list is None else read_image_list(image_list)
    contenders = read_contenders(results, items)
    folder = None if output is None else empty_folder(output)
    comparison = compare(contenders)
    typer.echo(comparison_markdown(comparison))
    if folder is not None:
        typer.echo("Files:")
        for path in write_comparison(comparison, folder):
            typer.echo(f"  {path}")
