"""``focsbench score``."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, NoReturn

import typer

from focsbench.cli.options import Changes, ProfileName, Verbose, Workers
from focsbench.errors import ConfigError

if TYPE_CHECKING:
    from focsbench.runs.run_all import FinishedRun
    from focsbench.runs.summary import SummaryEntry

USAGE = (
    "name a folder of predictions, the folder of their dataset and one --protocol, or --run RUN "
    "to score methods of a run"
)


def command(
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="PREDICTIONS DATASET | --run RUN [METHOD]...",
            help="Folder of predictions and folder of the dataset they are for; or methods.",
        ),
    ] = None,
    protocol: Annotated[
        list[str] | None, typer.Option(help="Name of the protocol (see `focsbench list`).")
    ] = None,
    output: Annotated[
        Path, typer.Option(help="Folder for results.csv and summary.json, without --run.")
    ] = Path("focsbench-scores"),
    split: Annotated[str, typer.Option(help="Split of CelebAMask-HQ, without --run.")] = "test",
    image_size: Annotated[
        int, typer.Option(min=32, help="Side of the aligned images, without --run.")
    ] = 224,
    run: Annotated[
        Path | None, typer.Option(help="Score methods of this run; all if none is named.")
    ] = None,
    profile: ProfileName = None,
    change: Changes = None,
    workers: Workers = None,
    verbose: Verbose = False,
) -> None:
    """Score one folder of predictions by one protocol, or methods of a run.

    With --run, what the scores need is predicted and trained first; without names, the results
    of the whole run are written.
    """
    names, protocols = names or [], protocol or []
    if run is None:
        if len(names) != 2 or len(protocols) != 1:
            raise ConfigError(f"{USAGE}.")
        _score_folder(Path(names[0]), Path(names[1]), protocols[0], output, split, image_size)
    from focsbench.cli.execute import finish, profile_of_run, run_options
    from focsbench.cli.outcome import exit_with, report_problems, report_targets
    from focsbench.runs.run_all import run_profile
    from focsbench.runs.targets import scores

    chosen = profile_of_run(run, profile, change)
    options = run_options(workers, verbose=verbose)
    finished = finish(
        run,
        lambda: run_profile(chosen, run, options, lambda plan: scores(plan, names, protocols)),
    )
    report_problems(finished)
    if names or protocols:
        _print_scores(finished)
    report_targets(finished)
    exit_with(finished)


def _score_folder(
    predictions: Path, dataset: Path, protocol: str, output: Path, split: str, image_size: int
) -> NoReturn:
    from focsbench.runs.score_folder import score_folder

    entries = score_folder(predictions, dataset, protocol, output, split, image_size)
    _print_entries(entries)
    typer.echo("Files:")
    for name in ("results.csv", "summary.json", "protocol_card.md"):
        typer.echo(f"  {output / name}")
    raise typer.Exit(2 if any(entry.done_rate < 1 for entry in entries) else 0)


def _print_scores(finished: Sequence[FinishedRun]) -> None:
    from focsbench.runs.score import ROWS, read_rows
    from focsbench.runs.summary import summarise

    for one in finished:
        for name in one.targets:
            artefact = one.outcome.artefact(name)
            if artefact is not None:
                typer.echo(name if len(finished) == 1 else f"{name}, seed {one.seed}")
                _print_entries(summarise(read_rows(artefact.folder / ROWS)))


def _print_entries(entries: Iterable[SummaryEntry]) -> None:
    for entry in entries:
        value = "failed" if entry.value is None else f"{entry.value:.4f}"
        interval = "" if entry.low is None else f"[{entry.low:.4f}, {entry.high:.4f}]"
        line = f"{entry.subset:<22} {entry.metric:<12} {value:>10} {interval:<22} n {entry.n}"
        typer.echo(line)
