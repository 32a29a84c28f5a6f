"""``focsbench data landmarks``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from focsbench.cli.options import DetectorName, DetectorWeights, Workers
from focsbench.errors import ConfigError


def command(
    folder: Annotated[
        Path, typer.Argument(help="Photographs, also in subfolders; masks are left out.")
    ],
    output: Annotated[
        Path | None, typer.Option(help="CSV file to write. [default: FOLDER/landmarks.csv]")
    ] = None,
    detector: DetectorName = "auto",
    detector_weights: DetectorWeights = None,
    workers: Workers = None,
) -> None:
    """Detect the largest face of every photograph and write the landmark list datasets need.

    What was detected is kept per user, so an interrupted call goes on where it stopped. Photographs
    without a face are listed in a second file; the exit code is then 2.
    """
    from focsbench.files import writable_file
    from focsbench.landmarks.folder import detect_folder, failures_file, write_list
    from focsbench.runs.environment import usable_cores

    if not folder.is_dir():
        raise ConfigError(f"{folder}: no such folder of photographs; check the path.")
    path = writable_file(output or folder / "landmarks.csv", "--output")
    found = detect_folder(folder, detector, detector_weights, workers or usable_cores())
    write_list(path, found)
    typer.echo(f"{path}: {len(found.landmarks)} photographs")
    if found.several:
        typer.echo(
            f"{len(found.several)} photographs have more than one face; the largest is listed, "
            f"for example of {found.several[0]}",
            err=True,
        )
    if found.failures:
        name, reason = next(iter(found.failures.items()))
        typer.secho(
            f"{len(found.failures)} photographs without landmarks, see {failures_file(path)}: "
            f"the first is {name}: {reason}",
            fg=typer.colors.YELLOW,
            err=True,
        )
        raise typer.Exit(2)
