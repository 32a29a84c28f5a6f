"""Where on the face the error lies: scans in the colours of the mean error, method by method."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from focsbench.drawing.figures import figure_bytes, figure_style, new_figure, plain_text
from focsbench.drawing.scan_views import RANGE_MM, error_colour_bar, render_view
from focsbench.progress import track

from .base import ReportContext, write_bytes, write_text
from .scan_errors import ErrorMap, Person, error_maps, map_methods, pick_persons
from .table_writers import plain_markdown

VIEWS = {"front": 0.0, "three-quarter": 40.0}  # yaw, degrees; the face turns to image right
PERSONS = 3
TILE = (270, 300)  # pixels
SUBSET = "all"


class ErrorMaps:
    """``error_maps.png``, ``.pdf``, and ``.md`` with the caption."""

    name = "error_maps"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        persons = pick_persons(context, PERSONS)
        methods = map_methods(context)
        if not persons:
            return []
        maps = {
            person.subject: {
                method: found[SUBSET]
                for method in methods
                if (found := error_maps(context, person, method))
            }
            for person in track(persons, "error maps")
        }
        png, pdf = _draw(persons, methods, maps, context)
        stem = context.output / self.name
        text = f"# {TITLE}\n\n![{TITLE}]({self.name}.png)\n\n{plain_markdown(caption(persons))}"
        return [
            write_bytes(stem.with_suffix(".png"), png),
            write_bytes(stem.with_suffix(".pdf"), pdf),
            write_text(stem.with_suffix(".md"), text),
        ]


TITLE = "Error maps on the scans"


def caption(persons: Sequence[Person]) -> str:
    """Return what is shown and how the persons were chosen."""
    chosen = "; ".join(f"{person.subject}, {person.rule}" for person in persons)
    return (
        "Distance of every scan point to the prediction, mean over the photographs of the person; "
        f"colours from 0 to {RANGE_MM:g} mm in all maps. Below each: mean over the points. "
        f"From top to bottom: {chosen}."
    )


def _draw(
    persons: Sequence[Person],
    methods: Sequence[str],
    maps: Mapping[str, Mapping[str, ErrorMap]],
    context: ReportContext,
) -> tuple[bytes, bytes]:
    rows = len(persons) * len(VIEWS)
    with figure_style():
        width = min(6.9, 0.9 * len(methods) + 1.4)
        tile = (width - 1.1) / len(methods)
        figure = new_figure(width, rows * tile * TILE[1] / TILE[0] + 0.22 * len(persons) + 0.45)
        panels: Any = figure.subplots(rows, len(methods), squeeze=False)
        for row, (person, view) in enumerate((p, v) for p in persons for v in VIEWS):
            for column, method in enumerate(methods):
                panel = panels[row, column]
                _panel(panel, person, maps[person.subject].get(method), view)
                if row == 0:
                    label = plain_text(context.labels[method]).replace(" ", "\n", 1)
                    panel.set_title(label, fontsize=7)
            panels[row, 0].set_ylabel(f"{person.rule.split()[0]}, {view}", fontsize=7)
        error_colour_bar(figure, panels, shrink=0.8)
        return figure_bytes(figure, "png"), figure_bytes(figure, "pdf")


def _panel(panel: Any, person: Person, error_map: ErrorMap | None, view: str) -> None:
    panel.set_xticks([])
    panel.set_yticks([])
    panel.grid(False)
    for spine in panel.spines.values():
        spine.set_visible(False)
    if error_map is None:
        panel.set_aspect("equal")
        panel.text(0.5, 0.5, "failed", ha="center", va="center", color="0.4", fontsize=7)
        return
    image = render_view(person.surface, error_map.errors, VIEWS[view], TILE)
    panel.imshow(image, interpolation="antialiased")
    if view == list(VIEWS)[-1]:
        panel.set_xlabel(f"{error_map.mean:.2f} mm", fontsize=7, labelpad=2)
