"""Cumulative error curves on NoW: share of scan points within x mm of the reconstruction."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from focsbench.errors import InputError
from focsbench.protocols.now import subsets
from focsbench.types import FloatArray, IntArray

from .base import ReportContext, write_bytes, write_text
from .figures import figure_bytes, figure_style, method_styles, new_figure
from .summary import POOLED

PROTOCOL = "now"
SUBSETS = ("unoccluded", "occluded")
STEP_MM = 0.01
RANGE_MM = 7.0


class CumulativeError:
    """The curves as ``cumulative_error.png`` and ``.pdf``, their points as ``.csv``."""

    name = "cumulative_error"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        curves = cumulative_curves(context)
        if curves.empty:
            return []
        stem = context.output / self.name
        png, pdf = _draw(curves, context)
        return [
            write_bytes(stem.with_suffix(".png"), png),
            write_bytes(stem.with_suffix(".pdf"), pdf),
            write_text(stem.with_suffix(".csv"), curves.to_csv(index=False, float_format="%.6f")),
        ]


def cumulative_curves(context: ReportContext) -> pd.DataFrame:
    """Return columns subset, error_mm, and per method the share of points up to that error.

    A curve pools the scan points of all images of the subset that have a result, as the table
    does; a method without any has no value there. Rows are every 0.01 mm from 0 to 7 mm.
    """
    rows = context.results
    rows = rows[
        (rows["protocol"] == PROTOCOL) & (rows["metric"] == "median") & (rows["item"] != POOLED)
    ]
    frames = []
    for subset in SUBSETS:
        curves = {}
        for method in context.labels:
            files = _files(rows[rows["method"] == method], subset, context.distances.get(method))
            if files:
                curves[method] = _pool(files)
        if curves:
            grid = np.arange(len(next(iter(curves.values())))) * STEP_MM
            frames.append(pd.DataFrame({"subset": subset, "error_mm": grid, **curves}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


@dataclass(frozen=True)
class _Image:
    """A result row in the terms of the protocol."""

    key: str
    subject: str
    challenge: str


def _files(rows: pd.DataFrame, subset: str, folder: Path | None) -> list[Path]:
    """Distance files of one method and subset; the protocol decides who belongs to it."""
    if folder is None:
        return []
    images = [
        _Image(*names) for names in zip(rows["item"], rows["subject"], rows["subset"], strict=True)
    ]
    scored = set(rows.loc[rows["status"] == "ok", "item"])
    return [folder / f"{key}.npy" for key in subsets(images).get(subset, []) if key in scored]


def count_within(distances: FloatArray) -> IntArray:
    """Count distances up to each grid value 0, 0.01, … 7 mm; (701,) int64.

    Distances beyond the last value count for none of them.

    Raises:
        ValueError: if a distance is negative or not finite.
    """
    if not (np.isfinite(distances).all() and (distances >= 0).all()):
        raise ValueError("distances have to be finite and not negative")
    size = round(RANGE_MM / STEP_MM) + 1
    # In float32 the quotient of a distance just above a grid value would round down to it.
    bins = np.minimum(np.ceil(distances.astype(np.float64) / STEP_MM), size).astype(np.int64)
    return np.cumsum(np.bincount(bins.ravel(), minlength=size + 1)[:size])


def _pool(files: Iterable[Path]) -> FloatArray:
    """Share of all points of the files within each grid value, one file in memory at a time."""
    within, total = count_within(np.zeros(0)), 0
    for path in files:
        try:
            distances = np.load(path, allow_pickle=False)
            within = within + count_within(distances)
        except (OSError, ValueError) as error:
            raise InputError(
                f"{path}: not readable as scan distances ({error}); score the method again."
            ) from None
        total += distances.size
    return np.asarray(within / total)


def _draw(curves: pd.DataFrame, context: ReportContext) -> tuple[bytes, bytes]:
    methods = [method for method in context.labels if method in curves]
    with figure_style():
        figure = new_figure(6.9, 3.3)
        panels = figure.subplots(1, len(SUBSETS), sharex=True, sharey=True)
        styles = method_styles(methods, context)
        for panel, subset in zip(panels, SUBSETS, strict=True):
            points = curves[curves["subset"] == subset]
            lines = [
                panel.plot(points["error_mm"], 100 * points[m], **styles[m])[0] for m in methods
            ]
            panel.set_title(subset.capitalize())
            panel.set_xlabel("distance x to the reconstruction (mm)")
        panels[0].set_xlim(0, _limit(curves[methods]))
        panels[0].set_ylim(0, 101)  # the line at 100 % keeps its full width
        panels[0].set_ylabel("scan points within x (%)")
        labels = [context.labels[method] for method in methods]
        figure.legend(lines, labels, loc="outside lower center", ncols=min(4, len(labels)))
        return figure_bytes(figure, "png"), figure_bytes(figure, "pdf")


def _limit(shares: pd.DataFrame) -> float:
    """Whole mm at which every curve has passed 99 %, between 2 and the range of the data."""
    grid = np.arange(round(RANGE_MM / STEP_MM) + 1) * STEP_MM
    slowest = shares.min(axis=1).to_numpy().reshape(-1, len(grid)).min(axis=0)
    passed = np.flatnonzero(slowest >= 0.99)
    needed = math.ceil(grid[passed[0]]) if passed.size else RANGE_MM
    return float(np.clip(needed, 2, RANGE_MM))
