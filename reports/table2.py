"""Table 2: distance between reconstructed shape and scan, all photographs of NoW."""

from __future__ import annotations

from pathlib import Path

from .base import ReportContext
from .table_spec import TableSpec, scan_columns
from .table_writers import write_table

SPEC = TableSpec(
    name="table2",
    heading="Table 2",
    title="Scan-to-mesh distance on NoW, all photographs (mm)",
    columns=scan_columns("All photographs", "all"),
    spread_note="Median, mean and standard deviation: over the scan points of all photographs.",
    notes=(
        "The scans of the NoW test set are hidden: our rows are measured on the photographs of "
        "this run that come with scans, the published ones on the hidden test set. They stand "
        "below each other as in the paper and cannot be compared.",
    ),
    counted="scan points",
)


class Table2:
    """NoW distances over all photographs, as ``table2.md`` and ``table2.tex``."""

    name = "table2"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        return write_table(SPEC, context)
