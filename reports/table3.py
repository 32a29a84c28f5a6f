"""Table 3: distance between reconstructed shape and scan, without and with occlusion."""

from __future__ import annotations

from pathlib import Path

from .base import ReportContext
from .table_writers import write_table
from .tables import Column, TableSpec


def _columns(group: str, subset: str) -> tuple[Column, ...]:
    return (
        Column(group, "median", "now", subset, "median", "lower"),
        Column(group, "mean", "now", subset, "mean", "lower"),
        # A spread is reported, not won.
        Column(group, "std", "now", subset, "std", "none"),
    )


SPEC = TableSpec(
    name="table3",
    heading="Table 3",
    title="Scan-to-mesh distance on NoW (mm)",
    columns=(*_columns("Unoccluded", "unoccluded"), *_columns("Occluded", "occluded")),
    notes=("Median, mean and standard deviation over the scan points of all images together.",),
    counted="scan points",
)


class Table3:
    """NoW distances, as ``table3.md`` and ``table3.tex``."""

    name = "table3"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        return write_table(SPEC, context)
