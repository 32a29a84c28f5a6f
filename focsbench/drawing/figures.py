"""Figures as bytes: one style, no global state of pyplot, same input same bytes."""

from __future__ import annotations

import io
from collections.abc import Iterator, Sequence, Set
from contextlib import contextmanager
from importlib import resources
from typing import Any

import matplotlib.style
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

# Dates and program versions would make equal figures differ.
_METADATA: dict[str, dict[str, None]] = {
    "png": {"Software": None},
    "pdf": {"CreationDate": None, "Creator": None, "Producer": None},
}


@contextmanager
def figure_style() -> Iterator[None]:
    """Draw and save inside this block: matplotlib's defaults plus ``focsbench.mplstyle``."""
    style = resources.files(__package__).joinpath("focsbench.mplstyle")
    with resources.as_file(style) as path, matplotlib.style.context(path, after_reset=True):
        yield


def new_figure(width: float, height: float) -> Figure:
    """Return an empty figure of a size in inches that no window knows of."""
    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure


def figure_bytes(figure: Figure, file_format: str) -> bytes:
    """Encode a figure as ``png`` or ``pdf``, without anything that changes between runs."""
    stream = io.BytesIO()
    figure.savefig(stream, format=file_format, metadata=_METADATA[file_format])
    return stream.getvalue()


def plain_text(text: str) -> str:
    """Return text that matplotlib prints as it is: no formulas, and no hidden legend entries."""
    escaped = text.replace("$", r"\$")
    return f" {escaped}" if escaped.startswith("_") else escaped


def line_styles(
    methods: Sequence[str], references: Set[str], focus: str
) -> dict[str, dict[str, Any]]:
    """Line properties by method, for use inside :func:`figure_style`.

    The focus has the first, strongest style; references (bounds) are thin and black. A method
    beyond the length of the cycle repeats a style with a thinner line.
    """
    cycle = list(matplotlib.rcParams["axes.prop_cycle"])
    width = matplotlib.rcParams["lines.linewidth"]
    bounds = [method for method in methods if method in references]
    ranked = sorted(set(methods) - set(bounds), key=lambda m: (m != focus, methods.index(m)))
    styles: dict[str, dict[str, Any]] = {}
    for rank, method in enumerate(ranked):
        turn, place = divmod(rank, len(cycle))
        styles[method] = {**cycle[place], "linewidth": width / (1 + turn), "zorder": 3}
    for rank, method in enumerate(bounds):
        dots = (0, (1, 1 + rank))
        styles[method] = {"color": "black", "linestyle": dots, "linewidth": 0.9, "zorder": 4}
    if focus in styles:
        # Wide but below the others, so that it hides no curve that coincides with it.
        styles[focus] |= {"linewidth": 1.6 * width, "zorder": 2.5}
    return styles
