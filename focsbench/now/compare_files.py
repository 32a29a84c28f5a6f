"""A comparison as tables (Markdown, LaTeX) and as curves (PNG, PDF, CSV)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from focsbench.drawing.error_curves import error_curve_figure
from focsbench.files import write_atomically
from focsbench.metrics.directions import direction_of
from focsbench.metrics.error_curve import ErrorCurve
from focsbench.now.compare import Comparison, Numbers, Row
from focsbench.reports.cumulative_error import curves_csv
from focsbench.reports.table_spec import TableSpec
from focsbench.reports.table_writers import latex_table, markdown_table
from focsbench.reports.tables import MISSING, Cell, Table

_STATISTICS = ("median", "mean", "std")
_INTERVAL = "95 % of median"
_TITLE = "Distance of the scans to the predicted faces (mm)"


def comparison_markdown(comparison: Comparison) -> str:
    """Return the table with its notes as Markdown."""
    return markdown_table(_table(comparison))


def write_comparison(comparison: Comparison, folder: Path) -> list[Path]:
    """Write ``comparison.md``, ``.tex`` and ``cumulative_error.csv``, ``.png``, ``.pdf``.

    Args:
        comparison: what :func:`focsbench.now.compare.compare` returned.
        folder: existing folder.

    Returns:
        The paths; those of the curves only if a method has one.
    """
    table = _table(comparison)
    files = {
        "comparison.md": f"# {_TITLE}\n\n{markdown_table(table).rstrip()}\n".encode(),
        "comparison.tex": latex_table(table).encode(),
    }
    panels = _panels(comparison)
    if panels:
        labels = {row.contender.label: row.contender.label for row in comparison.rows}
        files["cumulative_error.csv"] = curves_csv(panels, "images").encode()
        files["cumulative_error.png"], files["cumulative_error.pdf"] = error_curve_figure(
            panels, labels
        )
    for name, content in files.items():
        write_atomically(folder / name, content)
    return [folder / name for name in files]


def _panels(comparison: Comparison) -> dict[str, dict[str, ErrorCurve]]:
    panels = {"All images of each method": _curves(comparison, "whole")}
    if comparison.paired is not None:
        panels[f"The {len(comparison.paired)} images that all have"] = _curves(comparison, "paired")
    return {title: curves for title, curves in panels.items() if curves}


def _curves(comparison: Comparison, which: str) -> dict[str, ErrorCurve]:
    curves = {}
    for row in comparison.rows:
        numbers: Numbers | None = getattr(row, which)
        if numbers is not None and numbers.curve is not None:
            curves[row.contender.label] = numbers.curve
    return curves


def _table(comparison: Comparison) -> Table:
    headings = [("", "Method"), ("", "done"), ("", "scan points")]
    headings += [("pooled", name) for name in _STATISTICS]
    has_intervals = any(row.whole.interval is not None for row in comparison.rows)
    if has_intervals:
        headings.append(("pooled", _INTERVAL))
    headings += [("images'", name) for name in _STATISTICS]
    if comparison.paired is not None:
        headings += [(f"{len(comparison.paired)} common", name) for name in _STATISTICS]
    rows = [_texts(row, comparison.paired is not None, has_intervals) for row in comparison.rows]
    # With different images, the numbers of the common ones alone can be compared, if there are any.
    if comparison.paired is not None:
        first = len(headings) - 3
    else:
        first = 3 if comparison.is_alike else len(headings)
    best = [
        _best([row[place] for row in rows])
        if place >= first and direction_of(name).better == "lower"
        else None
        for place, (_, name) in enumerate(headings)
    ]
    cells = tuple(tuple(map(_cell, row, best)) for row in rows)
    spec = TableSpec(name="now_comparison", heading="NoW", title=_TITLE, columns=())
    return Table(spec, tuple(headings), (cells,), tuple(_notes(comparison)))


def _texts(row: Row, is_paired: bool, has_intervals: bool) -> list[str]:
    contender, whole = row.contender, row.whole
    listed = "?" if contender.listed is None else contender.listed
    texts = [contender.label, f"{contender.done}/{listed}", str(whole.pooled.n)]
    columns: list[object] = [whole.pooled, whole.means]
    if is_paired:
        columns.append(None if row.paired is None else row.paired.pooled)
    for numbers in columns:
        texts += [
            MISSING if numbers is None else f"{getattr(numbers, name):.3f}" for name in _STATISTICS
        ]
        if numbers is whole.pooled and has_intervals:
            found = whole.interval
            texts.append(MISSING if found is None else f"[{found.low:.3f}, {found.high:.3f}]")
    return texts


def _cell(text: str, best: str | None) -> Cell:
    return Cell(text, text == best)


def _best(texts: Sequence[str]) -> str | None:
    numbers = [text for text in texts if text != MISSING]
    return min(numbers, key=float) if len(numbers) > 1 else None


def _notes(comparison: Comparison) -> list[str]:
    notes = [
        "Pooled: all distances of all images in one pool, as the official evaluation does",
        "Images': mean over the images of their own median, mean and std",
    ]
    if any(row.whole.interval is not None for row in comparison.rows):
        notes.append("95 %: interval of the pooled median by subject (bootstrap-t)")
    if comparison.paired is not None:
        notes.append(
            f"Common: pool of the {len(comparison.paired)} images that all methods have, where "
            "failing on hard images helps nobody"
        )
    return [f"{note[0].upper()}{note[1:]}." for note in (*notes, *comparison.notes)]
