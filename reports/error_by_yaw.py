"""Error against head pose on NoW, without and with occluder (paper, supplement C.1, Fig. 3)."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import matplotlib
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from focsbench.drawing.figures import figure_bytes, figure_style, new_figure
from focsbench.now.pairing import OCCLUDED, UNOCCLUDED, read_yaw
from focsbench.types import POOLED, FloatArray

from .base import ABLATIONS, ReportContext, base_name, write_bytes, write_text

PROTOCOL = "now"
BIN_DEGREES = 10
SUBSETS = {"neutral": UNOCCLUDED, "occluded": OCCLUDED}
STYLES: dict[str, dict[str, Any]] = {
    "neutral": {"color": "#0072B2", "marker": "o", "linestyle": "-"},
    "occluded": {"color": "#D55E00", "marker": "s", "linestyle": "--"},
}
APART_DEGREES = 1.2  # so that the two bars of a pose do not hide each other
COLUMNS = 3


class ErrorByYaw:
    """The figure as ``error_by_yaw.png`` and ``.pdf``, its points as ``.csv``."""

    name = "error_by_yaw"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        points = error_by_yaw(context)
        if points.empty:
            return []
        stem = context.output / self.name
        png, pdf = _draw(points, context)
        return [
            write_bytes(stem.with_suffix(".png"), png),
            write_bytes(stem.with_suffix(".pdf"), pdf),
            write_text(stem.with_suffix(".csv"), points.to_csv(index=False, float_format="%.6f")),
        ]


def error_by_yaw(context: ReportContext) -> pd.DataFrame:
    """Return columns method, subset, yaw (degrees), images, mean and std (mm).

    Every photograph of ``multiview_neutral`` and ``multiview_occlusions`` that was scored counts
    once with its mean distance, in the bin of ten degrees that its yaw is nearest to; mean and
    std (population) are over these photographs. Photographs of unknown pose are left out (the
    protocol's ``yaw.csv`` says why), and so are methods that only bound a table, and ablations.
    """
    rows = context.results
    rows = rows[
        (rows["protocol"] == PROTOCOL)
        & (rows["metric"] == "mean")
        & (rows["item"] != POOLED)
        & (rows["status"] == "ok")
    ]
    frames = []
    for method in context.labels:
        folder = context.distances.get(method)
        if folder is None or method in context.references or base_name(method) in ABLATIONS:
            continue
        mine = rows[rows["method"] == method]
        mine = mine.assign(yaw=nearest_bin(mine["item"].map(read_yaw(folder)).to_numpy(float)))
        for name, challenge in SUBSETS.items():
            groups = mine[mine["subset"] == challenge].groupby("yaw")["value"]  # drops unknown yaw
            bins = pd.DataFrame(
                {"images": groups.size(), "mean": groups.mean(), "std": groups.std(ddof=0)}
            ).reset_index()
            bins.insert(0, "subset", name)
            bins.insert(0, "method", method)
            frames.append(bins.astype({"yaw": np.int64}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def nearest_bin(degrees: FloatArray) -> FloatArray:
    """Round to the nearest 10 degrees, halves away from zero as mirror images have to agree."""
    steps = np.floor(np.abs(degrees) / BIN_DEGREES + 0.5)
    return np.asarray(np.copysign(steps * BIN_DEGREES, degrees) + 0.0)  # no negative zero


def _draw(points: pd.DataFrame, context: ReportContext) -> tuple[bytes, bytes]:
    methods = [method for method in context.labels if method in set(points["method"])]
    columns = min(COLUMNS, len(methods))
    rows = math.ceil(len(methods) / columns)
    with figure_style():
        figure = new_figure(0.6 + 2.1 * max(columns, 2), 0.7 + 1.75 * rows)
        panels = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False).ravel()
        for panel, method in zip(panels, methods, strict=False):
            _draw_panel(panel, points[points["method"] == method])
            weight = "bold" if method == context.focus else "normal"
            panel.set_title(context.labels[method], fontweight=weight)
        for place, panel in enumerate(panels):
            if place >= len(methods):
                panel.set_axis_off()
            elif place + columns >= len(methods):  # nothing below it
                panel.tick_params(labelbottom=True)
        panels[0].set_xticks(_ticks(points["yaw"]))
        panels[0].set_ylim(bottom=0)
        size = matplotlib.rcParams["axes.labelsize"]
        figure.supxlabel("yaw to the subject's left, nearest 10°", fontsize=size)
        figure.supylabel("mean distance of a photograph (mm)", fontsize=size)
        lines, labels = panels[0].get_legend_handles_labels()
        figure.legend(lines, labels, loc="outside upper center", ncols=len(SUBSETS))
        return figure_bytes(figure, "png"), figure_bytes(figure, "pdf")


def _draw_panel(panel: Axes, points: pd.DataFrame) -> None:
    """Mean and spread per pose; a pose with one photograph has no bar."""
    for side, (subset, style) in zip((-1, 1), STYLES.items(), strict=True):
        mine = points[points["subset"] == subset]
        several = mine["std"].where(mine["images"] > 1)
        panel.errorbar(
            mine["yaw"] + side * APART_DEGREES,
            mine["mean"],
            several,
            label=f"{subset}, mean ± std over photographs",
            markersize=3,
            elinewidth=0.8,
            capsize=1.8,
            linewidth=0.9,
            **style,
        )


def _ticks(yaw: pd.Series) -> list[int]:
    """Multiples of 10, 20 or 30 degrees, at most seven labels."""
    low, high = int(yaw.min()), int(yaw.max())
    step = next(size for size in (10, 20, 30) if (high - low) / size <= 6)
    return list(range(math.ceil(low / step) * step, high + 1, step))
