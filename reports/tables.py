"""Build a table from its description: which number goes where, what is best, what is missing.

The cells are text from here on, so Markdown and LaTeX print exactly the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Literal

from .base import ReportContext
from .published import PublishedTable
from .summary import Entry, Key, failure_reason, index_summary

MISSING = "—"
ARROWS = {"lower": " ↓", "higher": " ↑", "none": ""}


@dataclass(frozen=True)
class Column:
    """One column: where its number comes from and how it is printed.

    group: heading shared with the neighbouring columns.
    better: which direction is better; ``none`` is never compared.
    spread: print ``± std`` behind the value.
    """

    group: str
    title: str
    protocol: str
    subset: str
    metric: str
    better: Literal["lower", "higher", "none"]
    spread: bool = False
    digits: int = 2

    @property
    def source(self) -> str:
        """Name of the column in the published numbers."""
        return f"{self.protocol}/{self.subset}/{self.metric}"


@dataclass(frozen=True)
class TableSpec:
    """Description of a table.

    name: file name without suffix, also the name of the published numbers beside it.
    heading: number of the table in the paper (LaTeX numbers its floats itself).
    notes: sentences printed below the table.
    counted: what the row ``n`` counts.
    """

    name: str
    heading: str
    title: str
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()
    counted: str = "images"

    @property
    def protocols(self) -> tuple[str, ...]:
        """Names of the protocols that the columns come from, each once, in order."""
        return tuple(dict.fromkeys(column.protocol for column in self.columns))


@dataclass(frozen=True)
class Cell:
    """Printed text of a cell."""

    text: str
    best: bool = False


@dataclass(frozen=True)
class Table:
    """A table ready to print: ``blocks`` of rows are separated by rules."""

    spec: TableSpec
    headings: tuple[tuple[str, str], ...]
    blocks: tuple[tuple[tuple[Cell, ...], ...], ...]
    notes: tuple[str, ...]


class _Footnotes:
    """Letters for the reasons of missing cells; equal reasons share a letter."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def mark(self, reason: str) -> str:
        letter = self._letters.setdefault(reason, _letter(len(self._letters)))
        return f"{MISSING} ({letter})"

    def notes(self) -> list[str]:
        return [f"({letter}) {reason}." for reason, letter in self._letters.items()]


def build_table(
    spec: TableSpec, context: ReportContext, published: PublishedTable | None = None
) -> Table:
    """Fill a table with the numbers of a run, and with published ones in a block of their own."""
    entries = index_summary(context.summary)
    footnotes = _Footnotes()
    measured = [m for m in context.labels if any(_key(m, c) in entries for c in spec.columns)]
    competing = [method for method in measured if method not in context.references]
    bounding = [method for method in measured if method in context.references]
    best = {
        column: _best(column, (entries.get(_key(method, column)) for method in competing))
        for column in spec.columns
    }

    def row(method: str) -> tuple[Cell, ...]:
        cells = [Cell(context.labels[method])]
        for column in spec.columns:
            key = _key(method, column)
            entry = entries.get(key)
            text = _text(column, entry)
            if text is None:
                cells.append(Cell(footnotes.mark(failure_reason(context.results, key))))
            else:
                wins = method in competing and _printed(column, entry) == best[column]
                cells.append(Cell(text, wins))
        return (*cells, Cell(_done(entries, method, spec)))

    blocks = [[row(m) for m in competing], [row(m) for m in bounding]]
    blocks.append([_count_row(spec, entries, measured)] if measured else [])
    blocks.append(_published_rows(spec, published, footnotes))
    notes = _notes(spec, context, published, measured, bounding)
    return Table(
        spec=spec,
        headings=(
            ("", "Method"),
            *((c.group, c.title + ARROWS[c.better]) for c in spec.columns),
            ("", "done"),
        ),
        blocks=tuple(tuple(block) for block in blocks if block),
        notes=(*notes, *footnotes.notes()),
    )


def _key(method: str, column: Column) -> Key:
    return (method, column.protocol, column.subset, column.metric)


def _printed(column: Column, entry: Entry | None) -> str | None:
    return None if entry is None or entry.value is None else f"{entry.value:.{column.digits}f}"


def _text(column: Column, entry: Entry | None) -> str | None:
    value = _printed(column, entry)
    if value is None or entry is None or not column.spread or entry.std is None:
        return value
    return f"{value} ± {entry.std:.{column.digits}f}"


def _best(column: Column, entries: Iterable[Entry | None]) -> str | None:
    """Best value as printed: rows that look equal are equally bold, a single one beats nobody."""
    printed = [text for entry in entries if (text := _printed(column, entry)) is not None]
    if len(printed) < 2 or column.better == "none":
        return None
    choose = min if column.better == "lower" else max
    return choose(printed, key=float)


def _done(entries: Mapping[Key, Entry], method: str, spec: TableSpec) -> str:
    rates = [entries[key].done_rate for c in spec.columns if (key := _key(method, c)) in entries]
    # Rounded down: 100 % means that nothing is missing. The tiny term undoes 0.29 * 1000 = 289.99.
    return f"{math.floor(min(rates) * 1000 + 1e-9) / 10:.1f} %"


def _count_row(
    spec: TableSpec, entries: Mapping[Key, Entry], methods: list[str]
) -> tuple[Cell, ...]:
    cells = [Cell("n")]
    for column in spec.columns:
        counts = {entries[key].n for m in methods if (key := _key(m, column)) in entries}
        low, high = min(counts, default=0), max(counts, default=0)
        cells.append(Cell(str(high) if low == high else f"{low}–{high}"))
    return (*cells, Cell(""))


def _published_rows(
    spec: TableSpec, published: PublishedTable | None, footnotes: _Footnotes
) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    for label, numbers in published.rows.items() if published else ():
        cells = [Cell(f"{label} (paper)")]
        for column in spec.columns:
            value, std = numbers.get(column.source, (None, None))
            text = _text(column, Entry(value, std, 0, 1.0))
            cells.append(Cell(text or footnotes.mark("not printed in the paper")))
        rows.append((*cells, Cell("")))
    return rows


def _notes(
    spec: TableSpec,
    context: ReportContext,
    published: PublishedTable | None,
    measured: list[str],
    bounding: list[str],
) -> list[str]:
    notes = [
        *spec.notes,
        f"Bold: best of our rows as printed. n: {spec.counted} behind the value. "
        "done: lowest share of images with a value over the columns.",
    ]
    if bounding:
        names = ", ".join(context.labels[method] for method in bounding)
        notes.append(f"Bounds that do not compete for bold: {names}.")
    absent = [label for method, label in context.labels.items() if method not in measured]
    if absent:
        notes.append(f"Nothing to measure in this table: {', '.join(absent)}.")
    if published:
        notes.append(
            f"(paper): printed in {published.source}, on the paper's data with its face model; "
            "compare with our rows only where those are the same."
        )
    return notes


def _letter(index: int) -> str:
    """a … z, aa, ab …"""
    head, tail = divmod(index, 26)
    return (_letter(head - 1) if head else "") + chr(ord("a") + tail)
