"""Build a table from its description: which number goes where, what is best, what is missing.

The cells are text from here on, so Markdown and LaTeX print exactly the same numbers.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from .base import ABLATIONS, ReportContext, base_name
from .published import PAPER, PublishedTable
from .summary import Entry, Key, failure_reason, index_summary
from .table_spec import ARROWS, Column, TableSpec

MISSING = "—"
Uncertainty = Literal["paper", "interval", "std", "none"]
SPREAD_NOTES = {
    "interval": "In brackets: 95 % interval by subject (bootstrap-t over persons with all their "
    "images).",
    "std": "Value ± standard deviation over images.",
    "none": "",
}
TIED_ABOVE = 0.05  # adjusted p value


@dataclass(frozen=True)
class Cell:
    """Printed text of a cell, and its place among the competing rows.

    tied: the test does not tell it apart from the best one.
    """

    text: str
    best: bool = False
    second: bool = False
    tied: bool = False


@dataclass(frozen=True)
class Table:
    """A table ready to print: ``blocks`` of rows are separated by rules.

    texts: places of the columns that hold text and not numbers. bold: what is printed bold.
    """

    spec: TableSpec
    headings: tuple[tuple[str, str], ...]
    blocks: tuple[tuple[tuple[Cell, ...], ...], ...]
    notes: tuple[str, ...]
    texts: frozenset[int] = frozenset({0})
    bold: str = "best of the compared rows as printed"


class _Footnotes:
    """Letters for the reasons of missing cells; equal reasons share a letter."""

    def __init__(self) -> None:
        self._letters: dict[str, str] = {}

    def mark(self, reason: str) -> str:
        letter = self._letters.setdefault(reason, _letter(len(self._letters)))
        return f"{MISSING} ({letter})"

    def notes(self) -> list[str]:
        return [f"({letter}) {reason.rstrip('.')}." for reason, letter in self._letters.items()]


def build_table(
    spec: TableSpec,
    context: ReportContext,
    published: PublishedTable | None = None,
    uncertainty: Uncertainty = "paper",
    *,
    paired: bool = False,
) -> Table:
    """Fill a table with the numbers of a run, and with published ones in a block of their own.

    Args:
        spec: its description.
        context: the run.
        published: the same table as printed.
        uncertainty: what stands behind a value: ``paper``, the spread where the paper prints one;
            ``std``, the spread wherever there is one; ``interval``, the 95 % interval by subject;
            ``none``.
        paired: values over the items that all methods have; they have no spread.
    """
    entries = index_summary(context.summary)
    if paired:
        entries = {key: paired_entry(entry) for key, entry in entries.items()}
    footnotes = _Footnotes()
    shown = [method for method in context.labels if spec.shows(method, context)]
    measured = [m for m in shown if any(_key(m, c) in entries for c in spec.columns)]
    competing = [method for method in measured if method not in context.references]
    bounding = [method for method in measured if method in context.references]
    places = {
        column: _places(column, (entries.get(_key(method, column)) for method in competing))
        for column in spec.columns
    }

    def place_of(method: str, column: Column) -> int | None:
        return places[column].get(_printed(column, entries.get(_key(method, column))))

    def is_tied(entry: Entry, column: Column) -> bool:
        if entry.p_adjusted is None or entry.p_adjusted <= TIED_ABOVE:
            return False
        # The test is against the best of all methods, which need not be a row of this table.
        return entry.against in competing and place_of(entry.against, column) == 1

    def cell(method: str, column: Column) -> Cell:
        key = _key(method, column)
        text = _text(column, entries.get(key), uncertainty)
        if text is None:
            return Cell(footnotes.mark(failure_reason(context.results, key)))
        if method not in competing:
            return Cell(text)
        place = place_of(method, column)
        return Cell(text, place == 1, place == 2, place != 1 and is_tied(entries[key], column))

    def row(method: str) -> tuple[Cell, ...]:
        cells = (cell(method, column) for column in spec.columns)
        return (Cell(context.labels[method]), *cells, Cell(_done(entries, method, spec)))

    blocks = [[row(m) for m in competing], [row(m) for m in bounding]]
    blocks.append([_count_row(spec, entries, measured)] if measured else [])
    blocks.append(_published_rows(spec, published, footnotes, uncertainty))
    notes = _notes(spec, context, published, shown, measured, bounding, uncertainty)
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


def _text(column: Column, entry: Entry | None, uncertainty: Uncertainty) -> str | None:
    value = _printed(column, entry)
    if value is None or entry is None:
        return value
    if uncertainty == "interval":
        if entry.low is None or entry.high is None:
            return value
        return f"{value} [{entry.low:.{column.digits}f}, {entry.high:.{column.digits}f}]"
    wanted = column.spread if uncertainty == "paper" else uncertainty == "std"
    if not wanted or entry.std is None:
        return value
    return f"{value} ± {entry.std:.{column.digits}f}"


def paired_entry(entry: Entry) -> Entry:
    """Return the value over the items that all methods have as an entry of its own."""
    return replace(entry, value=entry.paired, std=None, n=entry.paired_n, low=None, high=None)


def _places(column: Column, entries: Iterable[Entry | None]) -> dict[str | None, int]:
    """Return 1 and 2 by the best and the second best value as printed.

    Rows that look equal share a place. A single row beats nobody, and the second of two values is
    the last.
    """
    printed = [text for entry in entries if (text := _printed(column, entry)) is not None]
    if len(printed) < 2 or column.better == "none":
        return {}
    ranked = sorted(set(printed), key=float, reverse=column.better == "higher")
    return dict(zip(ranked, (1, 2) if len(ranked) > 2 else (1,), strict=False))


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
    spec: TableSpec,
    published: PublishedTable | None,
    footnotes: _Footnotes,
    uncertainty: Uncertainty,
) -> list[tuple[Cell, ...]]:
    rows: list[tuple[Cell, ...]] = []
    if published is None:
        return rows
    for label, numbers in published.rows.items():
        cells = [Cell(f"{label} ({published.mark(label)})")]
        for column in spec.columns:
            value, std = numbers.get(column.source, (None, None))
            text = _text(column, Entry(value, std, 0, 1.0), uncertainty)
            cells.append(Cell(text or footnotes.mark("not printed in the paper")))
        rows.append((*cells, Cell("")))
    return rows


def _notes(
    spec: TableSpec,
    context: ReportContext,
    published: PublishedTable | None,
    shown: list[str],
    measured: list[str],
    bounding: list[str],
    uncertainty: Uncertainty,
) -> list[str]:
    notes = [
        *filter(None, (SPREAD_NOTES.get(uncertainty, spec.spread_note), *spec.notes)),
        f"n: {spec.counted} behind the value. "
        "done: lowest share of images with a value over the columns.",
    ]
    if bounding:
        names = ", ".join(context.labels[method] for method in bounding)
        notes.append(f"Bounds that do not compete for bold: {names}.")
    absent = [context.labels[method] for method in shown if method not in measured]
    if absent:
        notes.append(f"Nothing to measure in this table: {', '.join(absent)}.")
    ablations = [
        context.labels[m] for m in context.labels if base_name(m) in ABLATIONS and m not in shown
    ]
    if ablations:
        notes.append(f"Ablations of the proposed method, see Table 5: {', '.join(ablations)}.")
    if published:
        notes.append(
            f"({PAPER}): printed in {published.source}, on the paper's data with its face model; "
            "compare with our rows only where those are the same."
        )
        notes += [f"({mark}): printed in {place}." for mark, place in published.sources.items()]
    return notes


def _letter(index: int) -> str:
    """a … z, aa, ab …"""
    head, tail = divmod(index, 26)
    return (_letter(head - 1) if head else "") + chr(ord("a") + tail)
