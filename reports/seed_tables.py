"""The reports of a run over several seeds: means and spreads over seeds, claims judged by all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from .base import ReportContext, write_text
from .claims_page import claims_page
from .claims_table import claims_csv
from .comparisons import comparisons_section, write_comparisons
from .evidence import Evidence
from .findings import headline
from .judging import judge
from .paper_tables import TABLES
from .published import PublishedTable, load_published
from .table_data import table_csv
from .table_spec import TableSpec
from .table_writers import latex_table, markdown_table, table_of_run
from .tables import build_table

PAGE = "report.md"
FINDINGS = "findings.md"
SPREAD = "Mean ± sample standard deviation over seeds; published rows have no spread here."


def write_seed_reports(
    context: ReportContext, evidence: Sequence[Evidence], failed: Sequence[int] = ()
) -> list[Path]:
    """Write every table and the findings, and ``report.md`` that shows them together.

    Args:
        context: its summary has mean, standard deviation and number of seeds where that of one
            run has those of images.
        evidence: what each seed has measured.
        failed: seeds of the run that have no results.
    """
    findings = judge(evidence)
    names = [one.name for one in evidence]
    title, _, claims = claims_page(findings, context.labels, names).partition("\n\n")
    files = [
        write_text(context.output / FINDINGS, f"{title}\n\n{headline(findings)}\n\n{claims}"),
        write_text(context.output / "findings.csv", claims_csv(findings, names)),
        *write_comparisons(context, evidence),
    ]
    sections = [f"# Results: {context.run}"]
    if failed:
        sections.append(f"Without results: seed {', '.join(map(str, failed))}.")
    sections += [
        "Each seed has a report of its own, with pictures and failures, in its folder `seed-…`.",
        "## Which claims are reproduced",
        f"{headline(findings)} All of them: [{FINDINGS}]({FINDINGS}).",
    ]
    sections += comparisons_section({file.name: file for file in files})
    for spec in TABLES:
        if table_of_run(spec, context) is None:
            continue
        table = build_table(spec_over_seeds(spec), context, without_spread(spec.name))
        heading, text = f"{spec.heading}. {spec.title}", markdown_table(table)
        sections += [f"## {heading}", text]
        files.append(write_text(context.output / f"{spec.name}.md", f"# {heading}\n\n{text}"))
        files.append(write_text(context.output / f"{spec.name}.tex", latex_table(table)))
        files.append(write_text(context.output / f"{spec.name}.csv", table_csv(spec, context)))
    sections += ["## Protocol cards", *(card.strip() for card in context.cards.values())]
    return [write_text(context.output / PAGE, "\n\n".join(sections)), *files]


def spec_over_seeds(spec: TableSpec) -> TableSpec:
    """Return the description of the same table over seeds."""
    columns = tuple(replace(column, spread=True) for column in spec.columns)
    return replace(spec, columns=columns, spread_note=SPREAD, counted="seeds")


def without_spread(name: str) -> PublishedTable | None:
    """Published spreads are over images; beside spreads over seeds they would mislead."""
    table = load_published().get(name)
    if table is None:
        return None
    rows: dict[str, dict[str, tuple[float, float | None]]] = {
        label: {column: (value, None) for column, (value, _) in numbers.items()}
        for label, numbers in table.rows.items()
    }
    return replace(table, rows=rows)
