"""The whole run on one Markdown page: findings, tables, pictures, failures, protocol cards."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from tabulate import tabulate

from . import leaderboard, supplement_table1, table1, table2, table3, table4, table5
from .base import Report, ReportContext, write_text
from .comparisons import Comparisons, comparisons_section
from .cumulative_error import CumulativeError
from .error_by_yaw import ErrorByYaw
from .error_maps import ErrorMaps
from .eta_sweep import EtaSweep, trends_markdown
from .failures import failure_groups
from .findings import Findings
from .gallery import Gallery
from .gallery_spec import read_caption
from .html.provenance import provenance_tables
from .paper_galleries import GALLERIES
from .paper_items import RUN, items_markdown
from .paper_tables import TABLES
from .table_writers import markdown_table, plain_markdown, table_of_run

PARTS: tuple[type[Report], ...] = (
    Findings,
    leaderboard.Leaderboard,
    Comparisons,
    table1.Table1,
    table2.Table2,
    table3.Table3,
    table4.Table4,
    table5.Table5,
    supplement_table1.SupplementTable1,
    CumulativeError,
    ErrorByYaw,
    EtaSweep,
    ErrorMaps,
    *GALLERIES,
    Gallery,
)
PICTURES = {
    "cumulative_error.png": "Cumulative error on NoW: share of scan points within x mm of the "
    "reconstruction",
    "error_by_yaw.png": "Mean distance of a photograph on NoW against the yaw of the head",
    "eta_sweep.png": "Masks on AR against each weight of the segmentation loss",
    "error_maps.png": "Mean distance at every point of three scans",
    "gallery.png": "The photographs that fit worst, at the median, and best",
    "gallery_occluders.png": "One photograph of every occluded subset, picked by seed",
}
MOST_FAILURES = 20


class Overview:
    """All other reports of the project, and ``report.md`` that shows them together."""

    name = "overview"
    provenance = True

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        files = [file for part in PARTS for file in part().write(context)]
        written = {file.name: file for file in files}
        headline, claims = _claims(written["findings.md"])
        sections = [
            f"# Results: {context.run}" if context.run else "# Results",
            f"{headline} Each of them: [below](#claims).",
            *comparisons_section(written),
            "## Tables and figures of the paper",
            items_markdown(written),
            f"{RUN} is the folder of this run.",
            *_tables(context),
            *_trends(context),
            *_pictures(written),
            *_galleries(written),
            "## Claims",
            claims,
            "## Failures",
            failures_markdown(context),
            "## Protocol cards",
            *(card.strip() for card in context.cards.values()),
            *_provenance(context),
            "## Files",
            "\n".join(f"- [{name}]({name})" for name in written),
        ]
        return [write_text(context.output / "report.md", "\n\n".join(sections)), *files]


def failures_markdown(context: ReportContext) -> str:
    """Return what failed and why, equal reasons counted together, most frequent first."""
    groups = failure_groups(context)
    if not groups:
        return "None."
    rows = [[str(value) for value in vars(group).values()] for group in groups[:MOST_FAILURES]]
    table = tabulate(
        [[plain_markdown(text) for text in row] for row in rows],
        ("method", "protocol", "reason", "items", "for example"),
        tablefmt="github",
        disable_numparse=True,
    )
    hidden = len(groups) - len(rows)
    return f"{table}\n\n{hidden} more kinds are in results.csv." if hidden > 0 else table


def _provenance(context: ReportContext) -> list[str]:
    """Return what decides the results: the environment, and every setting that was not left out.

    Times, hosts and workers decide nothing; ``focsbench runs show`` prints them.
    """
    sections = []
    for title, facts in provenance_tables(context):
        rows = [[plain_markdown(name), plain_markdown(value)] for name, value in facts]
        table = tabulate(rows, ("", ""), tablefmt="github", disable_numparse=True)
        sections += [f"### {title}", table]
    if not sections:
        return []
    return [
        "## Provenance",
        *sections,
        "Wall and CPU time, host and content key of every step: `focsbench runs show RUN`.",
    ]


def _tables(context: ReportContext) -> list[str]:
    sections = []
    for spec in (leaderboard.spec_of(context), *TABLES):
        table = table_of_run(spec, context)
        if table is not None:
            sections += [f"## {spec.heading}. {spec.title}", markdown_table(table)]
    return sections


def _claims(page: Path) -> tuple[str, str]:
    """Return the headline of the findings, and all of them; judging them again would take long."""
    _heading, _, text = page.read_text(encoding="utf-8").partition("\n\n")
    return text.partition("\n\n")[0], text


def _trends(context: ReportContext) -> list[str]:
    text = trends_markdown(context)
    return ["## Weights of the segmentation loss", text] if text else []


def _pictures(written: Mapping[str, Path]) -> list[str]:
    shown = [f"![{text}]({name})\n\n{text}." for name, text in PICTURES.items() if name in written]
    return ["## Pictures", *shown] if shown else []


def _galleries(written: Mapping[str, Path]) -> list[str]:
    """Show the galleries of the paper with their captions."""
    sections = []
    for spec in (gallery.spec for gallery in GALLERIES):
        page = written.get(f"{spec.name}.md")
        if page is not None:
            picture = f"![{spec.title}]({spec.name}.png)"
            sections += [f"## {spec.heading}. {spec.title}", picture, read_caption(page)]
    return sections
