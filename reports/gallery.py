"""Galleries: photographs chosen by rule and by seed, with the pictures of every method."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from focsbench.errors import InputError
from focsbench.types import POOLED, UNREADABLE

from .base import ABLATIONS, ReportContext, write_bytes
from .gallery_axis import Axis, Label
from .gallery_page import Block, Grid, page_png
from .gallery_picks import DATASET_NAMES
from .gallery_tiles import Tiles, method_tiles, photo_tiles

PHOTO_ROWS = ("target", "visible face", "true mask")
METHOD_ROWS = ("render", "composite", "mask")
LEGEND = (
    "composite: the render where the method sees visible face, the photo elsewhere",
    "mask: white visible face, orange hidden, black outside the rendered region",
)
FIT_PROTOCOLS = {"celeba": "celeba_rmse", "ar": "ar_rmse"}
# Which protocol knows the subsets of a dataset.
SUBSET_PROTOCOLS = {"celeba": "celeba_rmse", "ar": "ar_segmentation"}
NOT_OCCLUDED = frozenset({"overall", "unoccluded", UNREADABLE})


@dataclass(frozen=True)
class Pick:
    """A photograph of a dataset, and the rule that chose it."""

    dataset: str
    key: str
    rule: str


class Gallery:
    """``gallery.png`` (worst, median, best fit) and ``gallery_occluders.png`` (one of each)."""

    name = "gallery"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        pages = {"gallery": pick_by_fit(context), "gallery_occluders": pick_by_occluder(context)}
        files = []
        for name, picks in pages.items():
            shown = [pick for pick in picks if pick.dataset in context.datasets]
            if shown:
                files.append(write_bytes(context.output / f"{name}.png", _page(context, shown)))
        return files


def pick_by_fit(context: ReportContext) -> list[Pick]:
    """Pick the photographs that one method fits worst, at the median, and best.

    The method is the focus of the run or, where that is not part of it, the last one that
    competes.
    """
    rows = _rows(context.results, FIT_PROTOCOLS["celeba"], "rmse")
    measured = set(rows["method"]) - ABLATIONS
    competing = [m for m in context.labels if m in measured and m not in context.references]
    if not competing:
        return []
    method = context.focus if context.focus in competing else competing[-1]
    items = list(rows[rows["method"] == method].sort_values(["value", "item"])["item"])
    places = {"worst": -1, "median": (len(items) - 1) // 2, "best": 0}
    return [
        Pick("celeba", items[place], f"{rule} RMSE of {context.labels[method]}")
        for rule, place in places.items()
    ]


def pick_by_occluder(context: ReportContext) -> list[Pick]:
    """Pick one photograph of every occluded subset, by the seed of the run."""
    rng = np.random.default_rng(context.seed)
    picks = []
    for dataset, protocol in SUBSET_PROTOCOLS.items():
        rows = context.results[context.results["protocol"] == protocol]
        for subset in sorted(set(rows["subset"]) - NOT_OCCLUDED):
            items = sorted(set(rows.loc[rows["subset"] == subset, "item"]) - {POOLED})
            if items:
                picks.append(Pick(dataset, str(rng.choice(items)), f"{subset}, picked by seed"))
    return picks


def _page(context: ReportContext, picks: Sequence[Pick]) -> bytes:
    folders = {dataset: context.predictions.get(dataset, {}) for dataset in FIT_PROTOCOLS}
    # The ablations have galleries of their own.
    methods = [
        method
        for method in context.labels
        if method not in ABLATIONS and any(method in folders[pick.dataset] for pick in picks)
    ]
    return page_png([_block(context, pick, methods) for pick in picks], LEGEND)


def _block(context: ReportContext, pick: Pick, methods: Sequence[str]) -> Block:
    dataset = context.datasets[pick.dataset]
    folders = context.predictions.get(pick.dataset, {})
    photo, answers = Tiles(("failed",) * 3), [Tiles(("not run",) * 3)] * len(methods)
    with suppress(InputError):  # a photograph that cannot be read has failed rows already
        sample = dataset[dataset.keys().index(pick.key)]
        photo = photo_tiles(sample)
        answers = [
            method_tiles(sample, folders[method], scores_of(context, pick, method))
            if method in folders
            else Tiles(("not run",) * 3)
            for method in methods
        ]
    grids = (
        _grid(PHOTO_ROWS, ["Photo"], [photo]),
        _grid(METHOD_ROWS, [context.labels[method] for method in methods], answers),
    )
    return Block(
        grids[: 1 + bool(methods)], f"{DATASET_NAMES[pick.dataset]} {pick.key}: {pick.rule}"
    )


def _grid(rows: Sequence[str], columns: Sequence[str], tiles: Sequence[Tiles]) -> Grid:
    return Grid(
        rows=Axis(tuple(Label(name) for name in rows)),
        columns=Axis(tuple(Label(name) for name in columns)),
        tiles=tuple(zip(*(column.pictures for column in tiles), strict=True)),
        below=tuple(column.scores for column in tiles),
    )


def scores_of(context: ReportContext, pick: Pick, method: str) -> tuple[str, ...]:
    """Scores of one photograph as text, for those protocols that have one."""
    numbers = [
        ("RMSE", FIT_PROTOCOLS[pick.dataset], "rmse", 1),
        ("F1", "ar_segmentation", "F1", 2),
    ]
    scores = []
    for name, protocol, metric, digits in numbers:
        rows = _rows(context.results, protocol, metric)
        rows = rows[(rows["method"] == method) & (rows["item"] == pick.key)]
        if not rows.empty:
            scores.append(f"{name} {rows['value'].iloc[0]:.{digits}f}")
    return tuple(scores)


def _rows(results: pd.DataFrame, protocol: str, metric: str) -> pd.DataFrame:
    """Rows of one protocol and metric that have a value for a single image."""
    return results[
        (results["protocol"] == protocol)
        & (results["metric"] == metric)
        & (results["status"] == "ok")
        & (results["item"] != POOLED)
    ]
