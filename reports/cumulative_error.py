"""Cumulative error curves on NoW: share of scan points within x mm of the reconstruction."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import pandas as pd

from focsbench.drawing.error_curves import error_curve_figure
from focsbench.metrics.error_curve import ErrorCurve, curve_grid, curve_of
from focsbench.types import POOLED

from .base import ABLATIONS, ReportContext, base_name, write_bytes, write_text
from .scan_pools import count_pool
from .scan_subsets import subsets_of_rows

PROTOCOL = "now"
SUBSETS = ("unoccluded", "occluded")
Curves = dict[str, dict[str, ErrorCurve]]
"""By subset, then by method."""


class CumulativeError:
    """The curves as ``cumulative_error.png`` and ``.pdf``, their points as ``.csv``."""

    name = "cumulative_error"

    def __init__(self, subsets: Sequence[str] = SUBSETS) -> None:
        """subsets: of the protocol, one panel each."""
        self._subsets = tuple(subsets)

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        curves = subset_curves(context, self._subsets)
        if not curves:
            return []
        stem = context.output / self.name
        png, pdf = curves_figure(curves, context)
        return [
            write_bytes(stem.with_suffix(".png"), png),
            write_bytes(stem.with_suffix(".pdf"), pdf),
            write_text(stem.with_suffix(".csv"), curves_csv(curves)),
        ]


def subset_curves(context: ReportContext, subsets: Sequence[str] = SUBSETS) -> Curves:
    """Return the curves with their bands; ablations have none, they would hide the others.

    A curve pools the scan points of all images of the subset that have a result, as the table
    does. Subsets without any are left out.

    Raises:
        InputError: naming distances that cannot be read.
    """
    rows = context.results
    rows = rows[
        (rows["protocol"] == PROTOCOL) & (rows["metric"] == "median") & (rows["item"] != POOLED)
    ]
    shown = [method for method in context.labels if base_name(method) not in ABLATIONS]
    found: Curves = {}
    for subset in subsets:
        curves = {}
        for method in shown:
            folder = context.distances.get(method)
            members = _members(rows[rows["method"] == method], subset, folder)
            if folder is not None and members:
                curves[method] = curve_of(count_pool(folder, members))
        if curves:
            found[subset] = curves
    return found


def curves_csv(curves: Mapping[str, Mapping[str, ErrorCurve]], first: str = "subset") -> str:
    """Return one line per subset and error: of each method the share and the ends of its band.

    first: heading of the column of the subsets.
    """
    frames = []
    for subset, of_subset in curves.items():
        columns = {first: subset, "error_mm": curve_grid()}
        for method, curve in of_subset.items():
            columns[method] = curve.share
            if curve.low is not None and curve.high is not None:
                columns |= {f"{method} low": curve.low, f"{method} high": curve.high}
        frames.append(pd.DataFrame(columns))
    table = pd.concat(frames, ignore_index=True)
    text: str = table.to_csv(index=False, float_format="%.6f", lineterminator="\n")
    return text


def curves_figure(
    curves: Mapping[str, Mapping[str, ErrorCurve]], context: ReportContext
) -> tuple[bytes, bytes]:
    """Draw one panel per subset and return the figure as PNG and as PDF."""
    panels = {
        subset.replace("_", " ").capitalize(): of_subset for subset, of_subset in curves.items()
    }
    return error_curve_figure(panels, context.labels, context.references, context.focus)


def _members(rows: pd.DataFrame, subset: str, folder: Path | None) -> dict[str, str]:
    """Return the subject by key of the scored images of one method and subset."""
    if folder is None:
        return {}
    keys = subsets_of_rows(rows, folder).get(subset, [])
    scored = rows[rows["status"] == "ok"]
    subject = dict(zip(scored["item"], scored["subject"], strict=True))
    return {key: subject[key] for key in keys if key in subject}
