"""One table with the most telling number of every protocol."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .base import ReportContext
from .table_spec import Column, TableSpec
from .table_writers import write_table

SPEC = TableSpec(
    name="leaderboard",
    heading="Leaderboard",
    title="Shape, photometric fit and masks of every method",
    columns=(
        Column("Scan distance (mm)", "unoccluded", "now", "unoccluded", "median", "lower"),
        Column("Scan distance (mm)", "occluded", "now", "occluded", "median", "lower"),
        Column("Scan distance (mm)", "all", "now", "all", "median", "lower"),
        Column("RMSE (grey levels)", "CelebA occluded", "celeba_rmse", "occluded", "rmse", "lower"),
        Column("RMSE (grey levels)", "CelebA overall", "celeba_rmse", "overall", "rmse", "lower"),
        Column("RMSE (grey levels)", "AR overall", "ar_rmse", "overall", "rmse", "lower"),
        Column("F1 of masks", "AR glasses", "ar_segmentation", "glasses", "F1", "higher"),
        Column("F1 of masks", "AR scarf", "ar_segmentation", "scarf", "F1", "higher"),
        Column("F1 of masks", "CelebA", "celeba_segmentation", "overall", "F1", "higher"),
    ),
    notes=(
        "Scan distance: median over the scan points of all photographs. RMSE and F1: mean over "
        "photographs.",
    ),
    counted="scan points or photographs",
    ablations=True,
)


class Leaderboard:
    """Shape, fit and masks side by side, as ``leaderboard.md``, ``.tex`` and ``.csv``."""

    name = "leaderboard"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        return write_table(spec_of(context), context)


def spec_of(context: ReportContext) -> TableSpec:
    """Return the table with the columns that the protocols of the run can fill."""
    measured = set(context.summary["protocol"])
    return replace(SPEC, columns=tuple(c for c in SPEC.columns if c.protocol in measured))
