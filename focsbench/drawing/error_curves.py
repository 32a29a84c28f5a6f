"""The figure of cumulative error curves, one panel per set of images."""

from __future__ import annotations

from collections.abc import Mapping, Set

from focsbench.drawing.figures import (
    figure_bytes,
    figure_style,
    line_styles,
    new_figure,
    plain_text,
)
from focsbench.metrics.error_curve import axis_limit, curve_grid
from focsbench.types import FloatArray

Panels = Mapping[str, Mapping[str, FloatArray]]
"""By title, then by method: the (701,) shares of :func:`focsbench.metrics.share_within`."""


def error_curve_figure(
    panels: Panels, labels: Mapping[str, str], references: Set[str] = frozenset(), focus: str = ""
) -> tuple[bytes, bytes]:
    """Draw curves side by side and return the figure as PNG and as PDF.

    Args:
        panels: one to three panels; a method may be absent from some.
        labels: printed name by method, in the order of the legend.
        references: methods that bound the others, drawn thin and black.
        focus: the method that is drawn strongest.
    """
    methods = [method for method in labels if any(method in curves for curves in panels.values())]
    with figure_style():
        figure = new_figure(4.2 if len(panels) == 1 else 6.9, 3.3)
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        styles = line_styles(methods, references, focus)
        lines = {}
        for panel, (title, curves) in zip(axes, panels.items(), strict=True):
            for method in filter(curves.__contains__, methods):
                shares = 100 * curves[method]
                lines[method] = panel.plot(curve_grid(), shares, **styles[method])[0]
            panel.set_title(title)
            panel.set_xlabel("distance x to the reconstruction (mm)")
        drawn = [shares for curves in panels.values() for shares in curves.values()]
        axes[0].set_xlim(0, axis_limit(drawn))
        axes[0].set_ylim(0, 101)  # the line at 100 % keeps its full width
        axes[0].set_ylabel("scan points within x (%)")
        figure.legend(
            [lines[method] for method in methods],
            [plain_text(labels[method]) for method in methods],
            loc="outside lower center",
            ncols=min(4, len(methods)),
        )
        return figure_bytes(figure, "png"), figure_bytes(figure, "pdf")
