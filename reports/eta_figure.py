"""The figure of the eta sweep: a panel per weight, curves above, masks of a photograph below."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import SubFigure
from matplotlib.lines import Line2D

from focsbench.drawing.figures import figure_bytes, figure_style, new_figure

from .eta_trends import INDICES, SYMBOLS, Trend
from .gallery_tiles import Pixels

COLUMNS = 3
MOST_LETTERS = 32  # that fit side by side below a panel
STANDARD = "#c00000"  # red dots, as in the paper
MARKERS = ("o", "s", "^", "D")


def sweep_figure(
    trends: Sequence[Trend],
    standard: Mapping[str, float],
    masks: Mapping[str, Sequence[Pixels | None]],
    photograph: Sequence[tuple[str, Pixels]],
) -> tuple[bytes, bytes]:
    """Draw the sweep and return the figure as PNG and as PDF.

    The horizontal axis has the values at equal distances, so that 0 has a place and every mask
    stands below its value.

    Args:
        trends: one panel each.
        standard: value of the run by weight.
        masks: by weight, one picture (S, S, 3) per value; None where there is none.
        photograph: titled pictures (S, S, 3) shown once, e.g. the photograph and its true mask.
    """
    columns = min(COLUMNS, len(trends) + 1)
    rows = -(-(len(trends) + 1) // columns)
    with figure_style():
        figure = new_figure(2.3 * columns, 2.35 * rows)
        cells = figure.subfigures(rows, columns, squeeze=False).ravel()
        limits = _limits(trends)
        for place, trend in enumerate(trends):
            _panel(cells[place], trend, standard, masks, limits, named=place % columns == 0)
        _key(cells[len(trends)], photograph)
        return figure_bytes(figure, "png"), figure_bytes(figure, "pdf")


def _panel(
    cell: SubFigure,
    trend: Trend,
    standard: Mapping[str, float],
    masks: Mapping[str, Sequence[Pixels | None]],
    limits: tuple[float, float],
    named: bool,
) -> None:
    curves, strip = cell.subplots(2, 1, height_ratios=(3.2, 1))
    places = np.arange(len(trend.values))
    for index, style in zip(INDICES, _styles(), strict=True):
        values = [np.nan if value is None else value for value in trend.indices[index]]
        curves.plot(places, values, markersize=3, **style)
    if trend.eta in standard and standard[trend.eta] in trend.values:
        chosen = trend.values.index(standard[trend.eta])
        for index in INDICES:
            value = trend.indices[index][chosen]
            if value is not None:
                curves.plot(chosen, value, "o", color=STANDARD, markersize=4.5, zorder=5)
    curves.set_title(SYMBOLS[trend.eta])
    names = [f"{value:g}" for value in trend.values]
    crowded = len(names) * max(map(len, names)) > MOST_LETTERS
    curves.set_xticks(places, names, rotation=90 if crowded else 0)
    curves.set_ylim(*limits)
    if not named:
        curves.tick_params(labelleft=False)
    for axes in (curves, strip):
        axes.set_xlim(-0.5, len(places) - 0.5)
    _strip(strip, masks.get(trend.eta, ()))


def _strip(axes: Axes, pictures: Sequence[Pixels | None]) -> None:
    """Put pictures below the values of the panel."""
    axes.set_axis_off()
    axes.set_aspect("equal", adjustable="box", anchor="N")
    axes.set_ylim(0, 1)
    for place, picture in enumerate(pictures):
        if picture is None:
            axes.text(place, 0.5, "failed", ha="center", va="center", fontsize=6)
        else:
            extent = (place - 0.47, place + 0.47, 0.03, 0.97)
            axes.imshow(picture, extent=extent, aspect="equal", interpolation="nearest")
    axes.set_xlim(-0.5, len(pictures) - 0.5)
    axes.set_ylim(0, 1)


def _key(cell: SubFigure, photograph: Sequence[tuple[str, Pixels]]) -> None:
    """Show the photograph and say what the lines are."""
    handles = [
        Line2D([], [], label=index, markersize=3, **style)
        for index, style in zip(INDICES, _styles(), strict=True)
    ]
    handles.append(
        Line2D([], [], linestyle="", marker="o", color=STANDARD, label="weights of the run")
    )
    cell.legend(handles=handles, loc="lower center", ncols=2, columnspacing=1.2)
    if not photograph:
        return
    pictures = cell.subplots(1, len(photograph), squeeze=False)[0]
    for axes, (title, picture) in zip(pictures, photograph, strict=True):
        axes.imshow(picture, interpolation="nearest")
        axes.set_title(title, fontsize=7.5)
        axes.set_axis_off()
        axes.set_anchor("C")


def _limits(trends: Sequence[Trend]) -> tuple[float, float]:
    """Return one vertical range for all panels, so that they can be compared."""
    values = [
        value
        for trend in trends
        for curve in trend.indices.values()
        for value in curve
        if value is not None
    ]
    low = min(values, default=0.0)
    return (max(0.0, np.floor(10 * low) / 10 - 0.02), 1.02)


def _styles() -> list[dict[str, Any]]:
    cycle = list(matplotlib.rcParams["axes.prop_cycle"])
    return [{**style, "marker": marker} for style, marker in zip(cycle, MARKERS, strict=False)]
