"""The whole run on one Markdown page: findings, tables, pictures, failures, protocol cards."""

from __future__ import annotations

from pathlib import Path

from tabulate import tabulate

from . import table1, table3, table4
from .base import Report, ReportContext, write_text
from .cumulative_error import CumulativeError
from .error_by_yaw import ErrorByYaw
from .findings import Findings, findings_section
from .gallery import Gallery
from .table_writers import markdown_table, plain_markdown, table_of_run

PARTS: tuple[type[Report], ...] = (
    Findings,
    table1.Table1,
    table3.Table3,
    table4.Table4,
    CumulativeError,
    ErrorByYaw,
    Gallery,
)
TABLES = (table1.SPEC, table3.SPEC, table4.SPEC)
PICTURES = {
    "cumulative_error.png": "Cumulative error on NoW: share of scan points within x mm of the "
    "reconstruction",
    "error_by_yaw.png": "Mean distance of a photograph on NoW against the yaw of the head",
    "gallery.png": "The photographs that fit worst, at the median, and best",
    "gallery_occluders.png": "One photograph of every occluded subset, picked by seed",
}
MOST_FAILURES = 20


class Overview:
    """All other reports of the project, and ``report.md`` that shows them together."""

    name = "overview"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        files = [file for part in PARTS for file in part().write(context)]
        sections = [
            f"# Results: {context.run}" if context.run else "# Results",
            "## Which claims are reproduced",
            findings_section(context),
            *_tables(context),
            *_pictures(files),
            "## Failures",
            failures_markdown(context),
            "## Protocol cards",
            *(card.strip() for card in context.cards.values()),
            "## Files",
            "\n".join(f"- [{file.name}]({file.name})" for file in files),
        ]
        return [write_text(context.output / "report.md", "\n\n".join(sections)), *files]


def failures_markdown(context: ReportContext) -> str:
    """Return what failed and why, equal reasons counted together, most frequent first."""
    failed = context.results[context.results["status"] == "failed"]
    if failed.empty:
        return "None."
    groups = (
        failed.assign(method=failed["method"].map(lambda name: context.labels.get(name, name)))
        .groupby(["method", "protocol", "reason"], sort=True)["item"]
        .agg(["nunique", "first"])
        .reset_index()
        .sort_values("nunique", ascending=False, kind="stable")
    )
    rows = groups.head(MOST_FAILURES).astype(str).to_numpy().tolist()
    table = tabulate(
        [[plain_markdown(text) for text in row] for row in rows],
        ("method", "protocol", "reason", "items", "for example"),
        tablefmt="github",
        disable_numparse=True,
    )
    hidden = len(groups) - len(rows)
    return f"{table}\n\n{hidden} more kinds are in results.csv." if hidden > 0 else table


def _tables(context: ReportContext) -> list[str]:
    sections = []
    for spec in TABLES:
        table = table_of_run(spec, context)
        if table is not None:
            sections += [f"## {spec.heading}. {spec.title}", markdown_table(table)]
    return sections


def _pictures(files: list[Path]) -> list[str]:
    written = {file.name for file in files}
    shown = [f"![{text}]({name})\n\n{text}." for name, text in PICTURES.items() if name in written]
    return ["## Pictures", *shown] if shown else []
