"""Comparisons as a table (Markdown, LaTeX), as tidy CSV, and as one sentence."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from operator import attrgetter
from pathlib import Path

from focsbench.metrics.directions import direction_of
from focsbench.metrics.intervals import RESAMPLES

from .base import write_text
from .comparison import LEVEL, Comparison
from .table_spec import ARROWS, TableSpec
from .table_writers import latex_table, markdown_table
from .tables import MISSING, Cell, Table

NAME = "comparison"
TITLE = "Comparison of methods"
DIGITS = 3
SIDES = (attrgetter("measured"), attrgetter("reference"))
HOW = (
    "Both methods are measured on the items that both have. Difference: first minus second method, "
    "in the unit of the number, with its 95 % interval by subject "
    f"(bootstrap-t, {RESAMPLES:,} draws of persons with all their images). p: two-sided paired "
    "permutation test that exchanges the methods person by person."
)
OVER_TABLE = (
    f"p adjusted: Benjamini-Hochberg over this table; a verdict needs {LEVEL:g} or less. "
    "Undecided does not mean equal: the interval says which differences are possible."
)
OVER_METHODS = OVER_TABLE.replace("over this table", "over the methods, for each number")
COLUMNS = (
    "protocol", "subset", "metric", "better", "measured", "reference", "value_measured",
    "value_reference", "difference", "relative", "low", "high", "p", "p_adjusted", "std_over_runs",
    "runs", "subjects", "items", "winner", "verdict",
)  # fmt: skip


def comparison_table(comparisons: Sequence[Comparison], adjusting: str = OVER_TABLE) -> Table:
    """Return the table; one block of rows per pair of methods.

    A method that all lines share is named once, above its values. Pairs that cannot be compared
    by a protocol at all are named below the table.

    adjusting: the note on how p values are adjusted.
    """
    named = [
        place for place, side in enumerate(SIDES) if len({side(one) for one in comparisons}) > 1
    ]
    titles = [
        heading if place in named else side(comparisons[0])
        for place, (side, heading) in enumerate(zip(SIDES, ("first", "second"), strict=True))
    ]
    headings = [
        *(("method", "against")[place] for place in named), "protocol", "subset", "metric", *titles,
        "difference", "95 % interval", "%", "p", "p adjusted", "persons", "verdict",
    ]  # fmt: skip
    start = len(named) + 3  # place of the first value
    absent = _without_protocol(comparisons)
    blocks: dict[tuple[str, str], list[tuple[Cell, ...]]] = {}
    for one in comparisons:
        if (one.measured, one.reference, one.number.protocol) in absent:
            continue
        texts = [*(SIDES[place](one) for place in named), *_texts(one)]
        won = start + (one.winner == one.reference) if one.winner else -1
        cells = tuple(Cell(text, best=place == won) for place, text in enumerate(texts))
        blocks.setdefault((one.measured, one.reference), []).append(cells)
    spread = "Several seeds: means over them; persons of all." if _over_runs(comparisons) else ""
    missing = [f"{a} and {b} by {c}: {why}." for (a, b, c), why in absent.items()]
    return Table(
        spec=TableSpec(name=NAME, heading="Comparison", title=TITLE, columns=()),
        headings=tuple(("", heading) for heading in headings),
        blocks=tuple(tuple(block) for block in blocks.values()),
        notes=(*filter(None, (HOW, adjusting, spread)), *missing),
        texts=frozenset({*range(start), len(headings) - 1}),
        bold="the better method, where the test tells them apart",
    )


def _without_protocol(comparisons: Sequence[Comparison]) -> dict[tuple[str, str, str], str]:
    """Return why, by pair and protocol of which no number could be compared."""
    found: dict[tuple[str, str, str], str] = {}
    for one in comparisons:
        found.setdefault((one.measured, one.reference, one.number.protocol), one.reason)
    measured = {
        (one.measured, one.reference, one.number.protocol)
        for one in comparisons
        if one.difference is not None
    }
    return {key: reason for key, reason in found.items() if key not in measured}


def comparison_csv(comparisons: Sequence[Comparison]) -> str:
    """Return one line per comparison with all digits; empty cells where there is no number."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(map(comparison_cells, comparisons))
    return text.getvalue()


def comparison_cells(one: Comparison) -> list[object]:
    """Return the cells of a line in the order of ``COLUMNS``; None where there is no number."""
    first, second = one.values or (None, None)
    low, high = (one.interval.low, one.interval.high) if one.interval else (None, None)
    return [
        *one.number, direction_of(one.number.metric).better, one.measured, one.reference, first,
        second, one.difference, one.relative, low, high, one.p, one.p_adjusted, one.spread,
        len(one.by_run), one.subjects, one.items, one.winner, one.verdict,
    ]  # fmt: skip


def write_comparison(comparisons: Sequence[Comparison], folder: Path) -> list[Path]:
    """Write ``comparison.md``, ``.tex`` and ``.csv`` into a folder; return the paths."""
    table = comparison_table(comparisons)
    markdown = f"# {TITLE}\n\n{sentence(comparisons)}\n\n{markdown_table(table)}"
    return [
        write_text(folder / f"{NAME}.md", markdown),
        write_text(folder / f"{NAME}.tex", latex_table(table)),
        write_text(folder / f"{NAME}.csv", comparison_csv(comparisons)),
    ]


def sentence(comparisons: Sequence[Comparison]) -> str:
    """Say of each pair in how many numbers which method is better."""
    lines = []
    for pair in dict.fromkeys((one.measured, one.reference) for one in comparisons):
        mine = [
            one
            for one in comparisons
            if (one.measured, one.reference) == pair and one.difference is not None
        ]
        tested = [one for one in mine if one.p_adjusted is not None]
        wins = [sum(one.winner == name for one in tested) for name in pair]
        text = f"{pair[0]} is better than {pair[1]} in {wins[0]} of {len(mine)} numbers"
        text += f", worse in {wins[1]}, undecided in {sum(not one.is_sure for one in tested)}"
        other = sum(one.is_sure and not one.winner for one in tested)
        text += f", different without a better side in {other}" if other else ""
        untested = len(mine) - len(tested)
        lines.append(text + (f", without a test in {untested}." if untested else "."))
    return "\n".join(lines)


def _texts(one: Comparison) -> list[str]:
    arrow = ARROWS[direction_of(one.number.metric).better]
    first, second = one.values or (None, None)
    interval = MISSING
    if one.interval is not None:
        ends = (one.interval.low, one.interval.high)
        interval = f"[{', '.join(_number(end, '+') for end in ends)}]"
    relative = MISSING if one.relative is None else f"{100 * one.relative:+.1f}"
    return [
        one.number.protocol, one.number.subset, one.number.metric + arrow, _number(first),
        _number(second), _number(one.difference, "+"), interval, relative, p_text(one.p),
        p_text(one.p_adjusted), str(one.subjects), one.verdict,
    ]  # fmt: skip


def p_text(p: float | None) -> str:
    """Print a p value; the smallest that the tests give is about 0.0001."""
    if p is None:
        return MISSING
    return f"{p:.4f}" if p < 0.01 else f"{p:.2f}" if p >= 0.1 else f"{p:.3f}"


def _number(value: float | None, sign: str = "") -> str:
    return MISSING if value is None else f"{value:{sign}.{DIGITS}f}"


def _over_runs(comparisons: Sequence[Comparison]) -> bool:
    return any(len(one.by_run) > 1 for one in comparisons)
