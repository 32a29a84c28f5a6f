"""Table 3: distance between reconstructed shape and scan, without and with occlusion."""

from __future__ import annotations

from pathlib import Path

from focsbench.now.pairing import PAIRS_FILE

from .base import ReportContext, write_bytes
from .table_spec import TableSpec, scan_columns
from .table_writers import write_table

LIST = "table3_pairs.csv"
SPEC = TableSpec(
    name="table3",
    heading="Table 3",
    title="Scan-to-mesh distance on NoW (mm)",
    columns=(*scan_columns("Unoccluded", "unoccluded"), *scan_columns("Occluded", "occluded")),
    spread_note="Median, mean and standard deviation: over the scan points of all photographs.",
    notes=(
        f"Pairs of an unoccluded and an occluded photograph of one person, nearest yaw: {LIST}.",
    ),
    counted="scan points",
)


class Table3:
    """NoW distances, as ``table3.md`` and ``table3.tex``, with the list of the pairs."""

    name = "table3"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        files = write_table(SPEC, context)
        return [*files, *_write_list(context)] if files else []


def _write_list(context: ReportContext) -> list[Path]:
    """Copy the pairs that the protocol made; they depend on the dataset, not on the method."""
    for folder in context.distances.values():
        if (folder / PAIRS_FILE).is_file():
            return [write_bytes(context.output / LIST, (folder / PAIRS_FILE).read_bytes())]
    return []
