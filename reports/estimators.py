"""Two ways to measure a face beside its true error, where that is known."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from focsbench.drawing.figures import figure_bytes, figure_style, line_styles, new_figure

from .base import ReportContext, write_bytes, write_text
from .estimator_agreement import (
    ESTIMATORS,
    PROTOCOL,
    TRUE,
    agreement,
    images_with_truth,
    sentence,
)
from .table_spec import Column, TableSpec
from .table_writers import write_table


def _columns(estimator: str) -> tuple[Column, ...]:
    mean, correlation = ESTIMATORS[estimator]
    return (
        Column(estimator, "mean", PROTOCOL, "all", mean, "lower"),
        # A property of the estimator, not of the method.
        Column(estimator, "correlation", PROTOCOL, "all", correlation, "none"),
    )


SPEC = TableSpec(
    name="estimators",
    heading="Estimators",
    title="Distance of scan and prediction (mm) as two protocols estimate it, and the true one",
    columns=(
        Column("True error", "mean", PROTOCOL, "all", TRUE, "lower"),
        *(column for estimator in ESTIMATORS for column in _columns(estimator)),
    ),
    notes=(
        "True error: distance between the same point of the true and the predicted head after the "
        "best similarity. Correlation: Pearson's, of estimated and true error over the scan "
        "points of an image, mean over the images.",
        "The true head and the predictions come from one face model with smooth modes; on other "
        "faces the correlation may be lower.",
    ),
    counted="scan points",
)


class Estimators:
    """Table ``estimators``, figure ``.png`` and ``.pdf``, and ``estimators_images.csv``."""

    name = "estimators"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        images = images_with_truth(context)
        if images.empty:
            return []
        notes = tuple(sentence(name, agreement(images, name)) for name in ESTIMATORS)
        stem = context.output / self.name
        png, pdf = _draw(images, context)
        numbers = images.to_csv(index=False, float_format="%.6f")
        return [
            *write_table(replace(SPEC, notes=(*SPEC.notes, *notes)), context),
            write_bytes(stem.with_suffix(".png"), png),
            write_bytes(stem.with_suffix(".pdf"), pdf),
            write_text(context.output / f"{self.name}_images.csv", numbers),
        ]


def _draw(images: pd.DataFrame, context: ReportContext) -> tuple[bytes, bytes]:
    methods = list(dict.fromkeys(images["method"]))
    with figure_style():
        figure = new_figure(6.9, 3.0)
        panels = figure.subplots(1, 3)
        styles = line_styles(methods, context.references, context.focus)
        colours = {method: styles[method]["color"] for method in methods}
        columns = [mean for mean, _ in ESTIMATORS.values()]
        limit = 1.05 * float(images[[TRUE, *columns]].to_numpy().max())
        for panel, (name, (column, _)) in zip(panels, ESTIMATORS.items(), strict=False):
            _draw_means(panel, images, column, colours, limit)
            panel.set_title(name)
        panels[0].set_ylabel("estimated mean of an image (mm)")
        _draw_correlations(panels[2], images, colours)
        panels[2].set_title("Correlation per scan point")
        handles = [
            panels[0].plot([], [], "o", color=colours[method], markersize=4)[0]
            for method in methods
        ]
        labels = [context.labels[method] for method in methods]
        figure.legend(handles, labels, loc="outside lower center", ncols=min(6, len(labels)))
        return figure_bytes(figure, "png"), figure_bytes(figure, "pdf")


def _draw_means(
    panel: Axes, images: pd.DataFrame, column: str, colours: dict[str, str], limit: float
) -> None:
    """One dot per image; a right estimate lies on the diagonal."""
    panel.plot([0, limit], [0, limit], color="0.5", linewidth=0.8, zorder=1)
    for method, mine in images.groupby("method", sort=False):
        panel.plot(
            mine[TRUE], mine[column], "o", color=colours[str(method)],
            markersize=2.2, alpha=0.55, markeredgewidth=0,
        )  # fmt: skip
    panel.set_xlim(0, limit)
    panel.set_ylim(0, limit)
    panel.set_aspect("equal")
    panel.set_xlabel("true mean of an image (mm)")


def _draw_correlations(panel: Axes, images: pd.DataFrame, colours: dict[str, str]) -> None:
    """A box per estimator and method: median, quartiles, and all images within the whiskers."""
    methods = list(colours)
    width = 0.8 / len(methods)
    ticks = []
    for place, (name, (_, column)) in enumerate(ESTIMATORS.items()):
        ticks.append(name.split(" (")[0].replace(" ", "\n"))
        for rank, method in enumerate(methods):
            values = images.loc[images["method"] == method, column].dropna().to_numpy()
            if len(values) == 0:
                continue
            box = panel.boxplot(
                values, positions=[place - 0.4 + (rank + 0.5) * width], widths=0.8 * width,
                whis=(0, 100), showcaps=False, patch_artist=True, manage_ticks=False,
            )  # fmt: skip
            for part in (*box["boxes"], *box["whiskers"]):
                part.set(color=colours[method], linewidth=0.8)
            box["boxes"][0].set_facecolor(colours[method])
            box["medians"][0].set(color="white", linewidth=1.0)
    panel.set_xticks(np.arange(len(ticks)), ticks)
    panel.set_box_aspect(1)  # as the panels beside it
    panel.set_xlim(-0.5, len(ticks) - 0.5)
    panel.set_ylim(min(0.0, panel.get_ylim()[0]), 1)
    panel.grid(visible=False, axis="x")
