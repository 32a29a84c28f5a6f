"""``focsbench now score``."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import typer

from focsbench.cli.options import Workers

if TYPE_CHECKING:
    from focsbench.now.evaluate import Request
    from focsbench.now.result import NowResult


def command(
    predictions: Annotated[Path, typer.Argument(help="Folder with the meshes and landmarks.")],
    dataset: Annotated[Path, typer.Argument(help="Folder of NoW with the validation scans.")],
    mode: Annotated[
        Literal["official", "converged"],
        typer.Option(help="Stop where the official evaluation stops, or at the optimum."),
    ] = "official",
    challenge: Annotated[
        str | None, typer.Option(metavar="NAME", help="Only the images of this challenge.")
    ] = None,
    metrical: Annotated[
        Literal["m", "cm", "mm"] | None,
        typer.Option(help="Metrical evaluation: the unit of the meshes; no scale is estimated."),
    ] = None,
    workers: Workers = None,
    json: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Write the result as JSON.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option(metavar="FOLDER", help="Empty folder for tables, distances, error maps."),
    ] = None,
    name: Annotated[
        str | None, typer.Option(metavar="METHOD", help="Name; default: that of the folder.")
    ] = None,
) -> None:
    """Score predictions on the validation images of NoW.

    Exit codes: 0 every image has a score, 2 some have none, 1 nothing could be scored.
    """
    from focsbench.files import empty_folder, writable_file
    from focsbench.now.inputs import make_request
    from focsbench.runs.environment import usable_cores

    request = make_request(
        predictions, dataset, challenge=challenge, metrical_unit=metrical, mode=mode, name=name
    )
    json_file = None if json is None else writable_file(json, "--json")
    folder = None if output is None else empty_folder(output)
    try:
        result, files = _evaluate(request, folder, workers or usable_cores())
    except KeyboardInterrupt:
        typer.echo("Stopped before the end; there is no result.", err=True)
        raise typer.Exit(130) from None
    if json_file is not None:
        from focsbench.now.result import write_json

        write_json(json_file, result)
        files = [json_file, *files]
    _report(result, files)


def _evaluate(request: Request, folder: Path | None, workers: int) -> tuple[NowResult, list[Path]]:
    import tempfile

    from focsbench.now.evaluate import evaluate
    from focsbench.now.result_folder import write_result_folder

    if folder is not None:
        result = evaluate(request, folder, workers)
        return result, write_result_folder(request, result, folder, workers)
    with tempfile.TemporaryDirectory(prefix="focsbench-now-") as temporary:
        return evaluate(request, Path(temporary), workers), []


def _report(result: NowResult, files: list[Path]) -> None:
    from focsbench.now.tables import markdown_table, warning_lines

    for line in warning_lines(result):
        typer.secho(line, fg=typer.colors.YELLOW, err=True)
    rules = result.protocol
    typer.echo(f"{result.method}, {rules['name']} version {rules['version']}, mm\n")
    typer.echo(markdown_table(result))
    if files:
        typer.echo("Files:")
        for path in files:
            typer.echo(f"  {path}")
    if not result.images:
        raise typer.Exit(1)
    raise typer.Exit(2 if result.missing else 0)
