"""The cumulative error curves as data for the page."""

from __future__ import annotations

from typing import Any

from focsbench.drawing.figures import figure_style, line_styles
from focsbench.metrics.error_curve import STEP_MM, axis_limit
from focsbench.reports.base import ReportContext
from focsbench.reports.cumulative_error import subset_curves
from focsbench.types import FloatArray

EVERY = 2  # of the grid of 0.01 mm; the eye and the pointer resolve no more
DASHES = {"-": "solid", "--": "dash", "-.": "dashdot", ":": "dot"}


def curve_data(context: ReportContext) -> dict[str, Any] | None:
    """Return the panels with their curves (%), or None where the run has none.

    step: mm between two values; limit: end of the axis, mm. Every series has name, label, color
    (empty: the colour of the text), dash, width in pixels, its values, and low and high, the
    values of its 95 % band by subject (empty where there are too few). focus: whose band is drawn.
    """
    curves = subset_curves(context)
    if not curves:
        return None
    methods = [method for method in context.labels if any(method in of for of in curves.values())]
    styles = _styles(methods, context)
    panels = [
        {
            "title": subset.capitalize(),
            "series": [
                {
                    "name": method,
                    "label": context.labels[method],
                    **styles[method],
                    "values": _percent(curve.share),
                    "low": _percent(curve.low),
                    "high": _percent(curve.high),
                }
                for method, curve in of_subset.items()
            ],
        }
        for subset, of_subset in curves.items()
    ]
    shares = [curve.share for of_subset in curves.values() for curve in of_subset.values()]
    step = round(EVERY * STEP_MM, 6)
    return {"step": step, "limit": axis_limit(shares), "panels": panels, "focus": context.focus}


def _percent(shares: FloatArray | None) -> list[float]:
    return [] if shares is None else [round(value, 2) for value in (100 * shares[::EVERY]).tolist()]


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
