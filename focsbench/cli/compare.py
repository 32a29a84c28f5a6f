"""``focsbench compare``."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from focsbench.cli.options import RUN
from focsbench.errors import ConfigError

if TYPE_CHECKING:
    from focsbench.reports.evidence import Number


def command(
    names: Annotated[
        list[str],
        typer.Argument(
            metavar="A [B]...",
            help="Methods of --run; or runs, results.csv, results of `now score`, or folders of "
            "predictions to score. PATH:METHOD is one method of a path.",
        ),
    ],
    run: Annotated[Path, typer.Option(help="The run that has the methods.")] = RUN,
    dataset: Annotated[
        Path | None, typer.Option(help="Dataset that the predictions are for.")
    ] = None,
    protocol: Annotated[
        list[str] | None, typer.Option(help="Compare by this protocol only; may be repeated.")
    ] = None,
    subset: Annotated[
        list[str] | None, typer.Option(help="Compare this subset only; may be repeated.")
    ] = None,
    metric: Annotated[
        list[str] | None,
        typer.Option(help="Compare this metric only, or `all`; default: the main ones."),
    ] = None,
    output: Annotated[
        Path | None, typer.Option(metavar="FOLDER", help="For comparison.md, .tex and .csv.")
    ] = None,
    split: Annotated[str, typer.Option(help="Split of CelebAMask-HQ, with --dataset.")] = "test",
    image_size: Annotated[
        int, typer.Option(min=32, help="Side of the aligned images, with --dataset.")
    ] = 224,
) -> None:
    """Say whether A is better than B, by how much, and how sure that is.

    One line per protocol and subset: the difference with its 95 % interval by person, a paired
    permutation test by person, and the verdict in words. With A alone, all other methods of the
    run; two runs or results are compared method by method.
    """
    from focsbench.files import writable_file
    from focsbench.reports.base import REFERENCES
    from focsbench.reports.comparison import adjust, compare, numbers_of
    from focsbench.reports.comparison_table import comparison_table, sentence, write_comparison
    from focsbench.reports.table_writers import markdown_table
    from focsbench.runs.contestants import Scoring, contender_pairs, read_sources

    if output is not None:
        writable_file(output / "comparison.md", "--output")
    with tempfile.TemporaryDirectory() as scores:
        scoring = None
        if dataset is not None:
            if protocol is None or len(protocol) != 1:
                raise ConfigError("--dataset scores predictions by one protocol: name --protocol.")
            scoring = Scoring(dataset, protocol[0], Path(scores) / "scores", split, image_size)
        pairs = contender_pairs(read_sources(names, run, scoring), REFERENCES)
        methods = [one.method for pair in pairs for one in pair]
        numbers = numbers_of([run for pair in pairs for run in pair[0].runs], methods)
        chosen = _chosen(numbers, protocol, subset, metric)
        comparisons = adjust(compare(pairs, chosen))
    typer.echo(f"{markdown_table(comparison_table(comparisons))}\n\n{sentence(comparisons)}")
    if output is not None:
        typer.echo("Files:")
        for path in write_comparison(comparisons, output):
            typer.echo(f"  {path}")


def _chosen(
    numbers: Sequence[Number],
    protocol: Sequence[str] | None,
    subset: Sequence[str] | None,
    metric: Sequence[str] | None,
) -> list[Number]:
    from focsbench.reports.comparison import main_numbers

    found = list(numbers) if metric else main_numbers(numbers)
    wanted = {"protocol": protocol, "subset": subset, "metric": metric}
    for name, values in wanted.items():
        if not values or ("all" in values and name == "metric"):
            continue
        known = list(dict.fromkeys(getattr(number, name) for number in numbers))
        for value in values:
            if value not in known:
                raise ConfigError(f"--{name} {value}: the results have {', '.join(known)}.")
        found = [number for number in found if getattr(number, name) in values]
    if not found:
        raise ConfigError("the results have no number of these; leave out --subset or --metric.")
    return found
