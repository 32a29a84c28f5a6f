"""The cumulative error curves as data for the page."""

from __future__ import annotations

from typing import Any

import numpy as np

from focsbench.drawing.figures import figure_style, line_styles
from focsbench.metrics.error_curve import axis_limit
from focsbench.reports.base import ReportContext
from focsbench.reports.cumulative_error import cumulative_curves
from focsbench.types import FloatArray

EVERY = 2  # of the grid of 0.01 mm; the eye and the pointer resolve no more
DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}


def curve_data(context: ReportContext) -> dict[str, Any] | None:
    """Return the panels with their curves (%), or None where the run has none.

    step: mm between two values; limit: end of the axis, mm. Every series has name, label, color
    (empty: the colour of the text), dash, width in pixels and its values.
    """
    table = cumulative_curves(context)
    if table.empty:
        return None
    methods = [method for method in context.labels if method in table]
    styles = _styles(methods, context)
    panels, shares = [], []
    for subset in dict.fromkeys(table["subset"]):
        rows = table[table["subset"] == subset]
        shown = [method for method in methods if rows[method].notna().all()]
        values = {method: rows[method].to_numpy(dtype=np.float64) for method in shown}
        shares += list(values.values())
        series = [
            {
                "name": method,
                "label": context.labels[method],
                **styles[method],
                "values": _percent(values[method]),
            }
            for method in shown
        ]
        panels.append({"title": str(subset).capitalize(), "series": series})
    step = float(table["error_mm"].iloc[1]) * EVERY
    return {"step": round(step, 6), "limit": axis_limit(shares), "panels": panels}


def _percent(shares: FloatArray) -> list[float]:
    return [round(value, 2) for value in (100 * shares[::EVERY]).tolist()]


def _styles(methods: list[str], context: ReportContext) -> dict[str, dict[str, Any]]:
    """Colour, dash and width of the printed figure, in the words of the plotting library."""
    with figure_style():
        drawn = line_styles(methods, context.references, context.focus)
    styles = {}
    for method, line in drawn.items():
        width = round(1.4 * float(line["linewidth"]), 2)
        color = "" if line["color"] == "black" else f"#{str(line['color']).lstrip('#')}"
        styles[method] = {"color": color, "dash": _dash(line["linestyle"], width), "width": width}
    return styles


def _dash(style: str | tuple[int, tuple[float, ...]], width: float) -> str:
    if isinstance(style, str):
        return DASHES[style]
    return ",".join(f"{round(part * width, 1)}px" for part in style[1])
