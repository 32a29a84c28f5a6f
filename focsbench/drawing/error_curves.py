"""The figure of cumulative error curves, one panel per set of images."""

from __future__ import annotations

from collections.abc import Mapping, Sequence, Set

from focsbench.drawing.figures import (
    figure_bytes,
    figure_style,
    line_styles,
    new_figure,
    plain_text,
)
from focsbench.metrics.error_curve import ErrorCurve, axis_limit, curve_grid

Panels = Mapping[str, Mapping[str, ErrorCurve]]
"""By title, then by method."""

BAND = 0.13  # opacity: where several lie over each other, the curves stay visible
MOST_BANDS = 3  # more would hide each other; then the focus alone has one


def error_curve_figure(
    panels: Panels, labels: Mapping[str, str], references: Set[str] = frozenset(), focus: str = ""
) -> tuple[bytes, bytes]:
    """Draw curves with their bands side by side and return the figure as PNG and as PDF.

    Args:
        panels: one to three panels; a method may be absent from some.
        labels: printed name by method, in the order of the legend.
        references: methods that bound the others, drawn thin and black.
        focus: the method that is drawn strongest, and alone has a band among more than three.
    """
    methods = [method for method in labels if any(method in curves for curves in panels.values())]
    with figure_style():
        figure = new_figure(4.2 if len(panels) == 1 else 6.9, 3.3)
        axes = figure.subplots(1, len(panels), sharex=True, sharey=True, squeeze=False)[0]
        styles = line_styles(methods, references, focus)
        banded = _banded(methods, references, focus)
        lines = {}
        for panel, (title, curves) in zip(axes, panels.items(), strict=True):
            for method in filter(curves.__contains__, methods):
                curve, style = curves[method], styles[method]
                lines[method] = panel.plot(curve_grid(), 100 * curve.share, **style)[0]
                if method in banded and curve.low is not None and curve.high is not None:
                    color, order = style["color"], style["zorder"] - 1.5
                    panel.fill_between(
                        curve_grid(), 100 * curve.low, 100 * curve.high,
                        color=color, alpha=BAND, linewidth=0, zorder=order,
                    )  # fmt: skip
            panel.set_title(title)
            panel.set_xlabel("distance x to the reconstruction (mm)")
        drawn = [curve for curves in panels.values() for curve in curves.values()]
        axes[0].set_xlim(0, axis_limit([curve.share for curve in drawn]))
        if banded and any(curve.low is not None for curve in drawn):
            axes[-1].annotate(
                _band_note(banded, labels),
                (0.98, 0.03),
                xycoords="axes fraction",
                ha="right",
                fontsize=7,
            )
        axes[0].set_ylim(0, 101)  # the line at 100 % keeps its full width
        axes[0].set_ylabel("scan points within x (%)")
        figure.legend(
            [lines[method] for method in methods],
            [plain_text(labels[method]) for method in methods],
            loc="outside lower center",
            ncols=min(4, len(methods)),
        )
        return figure_bytes(figure, "png"), figure_bytes(figure, "pdf")


def _banded(methods: Sequence[str], references: Set[str], focus: str) -> list[str]:
    """Return the methods whose bands are drawn; those of all are in the data beside the figure."""
    competing = [method for method in methods if method not in references]
    if len(competing) <= MOST_BANDS:
        return competing
    return [focus] if focus in competing else []


def _band_note(banded: Sequence[str], labels: Mapping[str, str]) -> str:
    if len(banded) > 1:
        return "bands: 95 % by subject"
    return f"band of {plain_text(labels[banded[0]])}: 95 % by subject"
