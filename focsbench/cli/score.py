"""``focsbench score``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def command(
    predictions: Annotated[Path, typer.Argument(help="Folder with the predictions of a method.")],
    dataset: Annotated[Path, typer.Argument(help="Folder of the dataset they are for.")],
    protocol: Annotated[str, typer.Option(help="Name of the protocol (see `focsbench list`).")],
    output: Annotated[Path, typer.Option(help="Folder for results.csv and summary.json.")] = Path(
        "focsbench-scores"
    ),
    split: Annotated[str, typer.Option(help="Split of CelebAMask-HQ.")] = "test",
    image_size: Annotated[int, typer.Option(min=32, help="Side of the aligned images.")] = 224,
) -> None:
    """Score one folder of predictions by one protocol."""
    from focsbench.runs.score_folder import score_folder

    entries = score_folder(predictions, dataset, protocol, output, split, image_size)
    for entry in entries:
        value = "failed" if entry.value is None else f"{entry.value:.4f}"
        typer.echo(f"{entry.subset:<22} {entry.metric:<12} {value:>10}  n {entry.n}")
    typer.echo(f"Files:\n  {output / 'results.csv'}\n  {output / 'summary.json'}")
    raise typer.Exit(2 if any(entry.done_rate < 1 for entry in entries) else 0)
