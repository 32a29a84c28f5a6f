"""Cumulative error curves on NoW: share of scan points within x mm of the reconstruction."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pandas as pd

from focsbench.drawing.error_curves import error_curve_figure
from focsbench.errors import InputError
from focsbench.metrics.error_curve import curve_grid, share_within
from focsbench.types import FloatArray

from .base import ABLATIONS, ReportContext, write_bytes, write_text
from .scan_subsets import subsets_of_rows
from .summary import POOLED

PROTOCOL = "now"
SUBSETS = ("unoccluded", "occluded")


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
            if method in ABLATIONS:  # they would hide the other curves
                continue
            files = _files(rows[rows["method"] == method], subset, context.distances.get(method))
            if files:
                curves[method] = _pool(files)
        if curves:
            frames.append(pd.DataFrame({"subset": subset, "error_mm": curve_grid(), **curves}))
    return pd.concat(frames, ignore_index=True) if frames else pd.DataFrame()


def _files(rows: pd.DataFrame, subset: str, folder: Path | None) -> list[Path]:
    """Distance files of one method and subset; the protocol decides who belongs to it."""
    if folder is None:
        return []
    members = subsets_of_rows(rows, folder).get(subset, [])
    scored = set(rows.loc[rows["status"] == "ok", "item"])
    return [folder / f"{key}.npy" for key in members if key in scored]


def _pool(files: Iterable[Path]) -> FloatArray:
    """Share of all points of the files within each grid value, one file in memory at a time."""
    current = Path()

    def parts() -> Iterator[FloatArray]:
        nonlocal current
        for current in files:
            yield np.load(current, allow_pickle=False)

    try:
        return share_within(parts())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{current}: not readable as scan distances ({error}); score the method again."
        ) from None


def _draw(curves: pd.DataFrame, context: ReportContext) -> tuple[bytes, bytes]:
    panels: dict[str, dict[str, FloatArray]] = {}
    for subset in dict.fromkeys(curves["subset"]):
        points = curves[curves["subset"] == subset]
        panels[str(subset).capitalize()] = {
            method: points[method].to_numpy(dtype=np.float64)
            for method in context.labels
            if method in points and points[method].notna().all()
        }
    return error_curve_figure(panels, context.labels, context.references, context.focus)
