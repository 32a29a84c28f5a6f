"""The tables of a run over several seeds: means and spreads over the seeds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .base import ReportContext, write_text
from .overview import TABLES
from .published import PublishedTable, load_published
from .table_spec import TableSpec
from .table_writers import latex_table, markdown_table, table_of_run
from .tables import build_table

PAGE = "report.md"
SPREAD = "Mean ± sample standard deviation over seeds; published rows have no spread here."


def write_seed_tables(context: ReportContext, failed: Sequence[int] = ()) -> list[Path]:
    """Write every table as Markdown and LaTeX, and ``report.md`` that shows them together.

    Args:
        context: its summary has mean, standard deviation and number of seeds where that of one
            run has those of images.
        failed: seeds of the run that have no results.
    """
    files: list[Path] = []
    sections = [f"# Results: {context.run}"]
    if failed:
        sections.append(f"Without results: seed {', '.join(map(str, failed))}.")
    sections.append(
        "Each seed has a report of its own, with pictures and failures, in its folder `seed-…`; "
        "`focsbench claims` judges the claims over all of them."
    )
    for spec in TABLES:
        if table_of_run(spec, context) is None:
            continue
        table = build_table(spec_over_seeds(spec), context, _without_spread(spec.name))
        heading, text = f"{spec.heading}. {spec.title}", markdown_table(table)
        sections += [f"## {heading}", text]
        files.append(write_text(context.output / f"{spec.name}.md", f"# {heading}\n\n{text}"))
        files.append(write_text(context.output / f"{spec.name}.tex", latex_table(table)))
    sections += ["## Protocol cards", *(card.strip() for card in context.cards.values())]
    return [write_text(context.output / PAGE, "\n\n".join(sections)), *files]


def spec_over_seeds(spec: TableSpec) -> TableSpec:
    """Return the description of the same table over seeds."""
    columns = tuple(replace(column, spread=True) for column in spec.columns)
    return replace(spec, columns=columns, spread_note=SPREAD, counted="seeds")


def _without_spread(name: str) -> PublishedTable | None:
    """Published spreads are over images; beside spreads over seeds they would mislead."""
    table = load_published().get(name)
    if table is None:
        return None
    rows = {
        label: {column: (value, None) for column, (value, _) in numbers.items()}
        for label, numbers in table.rows.items()
    }
    return replace(table, rows=rows)
