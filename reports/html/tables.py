"""Tables for the page: cells that know what they are sorted by, rows that know their kind."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby

from focsbench.reports.base import ABLATIONS, ReportContext, base_name
from focsbench.reports.latex_text import TIE
from focsbench.reports.table_spec import TableSpec
from focsbench.reports.table_writers import ranking_notes, table_of_run
from focsbench.reports.tables import MISSING, Cell, Table, Uncertainty

NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")
KINDS = {
    "compared": "compared methods",
    "ablation": "ablations",
    "bound": "bounds",
    "published": "published numbers",
}


@dataclass(frozen=True)
class PageCell:
    """A cell.

    text: the number, without its interval. interval: printed smaller, may be empty.
    value: what it is sorted by; None goes last. mark: ``best``, ``second`` or empty.
    group: heading of its columns.
    """

    text: str
    interval: str
    value: float | None
    mark: str
    group: str


@dataclass(frozen=True)
class PageRow:
    """A row. kind: of :data:`KINDS`, or ``count`` for the row below all others."""

    kind: str
    label: str
    cells: tuple[PageCell, ...]


@dataclass(frozen=True)
class PageTable:
    """A table as the template prints it.

    groups: heading and number of columns, side by side; columns: heading and group.
    """

    name: str
    heading: str
    title: str
    groups: tuple[tuple[str, int], ...]
    columns: tuple[tuple[str, str], ...]
    rows: tuple[PageRow, ...]
    notes: tuple[str, ...]

    @property
    def kinds(self) -> dict[str, str]:
        """The kinds of rows that are there, with their names."""
        present = {row.kind for row in self.rows}
        return {kind: name for kind, name in KINDS.items() if kind in present}

    @property
    def intervals(self) -> bool:
        """Whether any cell has an interval."""
        return any(cell.interval for row in self.rows for cell in row.cells)


def page_table(
    spec: TableSpec, context: ReportContext, uncertainty: Uncertainty = "paper"
) -> PageTable | None:
    """Return a table of the run, or None where the run has no number for it.

    Columns without any number of the run are left out. uncertainty: what stands behind a value,
    see :func:`focsbench.reports.tables.build_table`.
    """
    table = table_of_run(spec, context, uncertainty)
    if table is None:
        return None
    kept = [place for place in range(1, len(table.headings)) if _is_used(table, place)]
    columns = tuple((table.headings[place][1], table.headings[place][0]) for place in kept)
    groups = tuple((name, len(list(part))) for name, part in groupby(columns, lambda c: c[1]))
    return PageTable(
        name=spec.name,
        heading=spec.heading,
        title=spec.title,
        groups=groups,
        columns=columns,
        rows=tuple(_rows(table, kept, context)),
        notes=(*ranking_notes(table, "underlined"), *table.notes),
    )


def _is_used(table: Table, place: int) -> bool:
    own = [row[place] for block in table.blocks for row in block if row[0].text != "n"]
    return any(not cell.text.startswith(MISSING) for cell in own)


def _rows(table: Table, kept: list[int], context: ReportContext) -> Iterator[PageRow]:
    methods = {label: method for method, label in context.labels.items()}
    is_published = False
    for block in table.blocks:
        for cells in block:
            label = cells[0].text
            kind = _kind(methods.get(label), is_published, context)
            if label == "n":
                kind, is_published = "count", True  # the block after the counts is published
            yield PageRow(kind, label, tuple(_cell(cells[p], table.headings[p][0]) for p in kept))


def _kind(method: str | None, is_published: bool, context: ReportContext) -> str:
    if is_published or method is None:
        return "published"
    if method in context.references:
        return "bound"
    return "ablation" if base_name(method) in ABLATIONS else "compared"


def _cell(cell: Cell, group: str) -> PageCell:
    number = NUMBER.match(cell.text)
    mark = "best" if cell.best else "second" if cell.second else ""
    text, bracket, rest = cell.text.partition(" [")
    text += TIE if cell.tied else ""
    return PageCell(text, bracket.strip() + rest, float(number[0]) if number else None, mark, group)
