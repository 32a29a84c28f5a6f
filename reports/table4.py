"""Table 4: how well a method tells the visible face from what covers it."""

from __future__ import annotations

from pathlib import Path

from .base import ReportContext
from .table_spec import MASK_NOTE, MASK_SPREAD, TableSpec, mask_columns
from .table_writers import write_table

SPEC = TableSpec(
    name="table4",
    heading="Table 4",
    title="Segmentation of the visible face on AR",
    columns=(
        *mask_columns("Unoccluded", "ar_segmentation", "unoccluded"),
        *mask_columns("Glasses", "ar_segmentation", "glasses"),
        *mask_columns("Scarf", "ar_segmentation", "scarf"),
    ),
    spread_note=MASK_SPREAD,
    notes=(
        MASK_NOTE,
        "The paper also gives one number per subset for Egger et al. 2018, without naming the "
        "metric: 0.90 unoccluded, 0.87 glasses, 0.86 scarf (paper).",
    ),
)


class Table4:
    """AR segmentation, as ``table4.md`` and ``table4.tex``."""

    name = "table4"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        return write_table(SPEC, context)
