"""Supplementary Table 1: visible-face masks on CelebA-HQ."""

from __future__ import annotations

from pathlib import Path

from .base import ReportContext
from .table_spec import MASK_NOTE, MASK_SPREAD, TableSpec, mask_columns
from .table_writers import write_table

SPEC = TableSpec(
    name="supplement_table1",
    heading="Supplementary Table 1",
    title="Segmentation of the visible face on CelebA-HQ",
    columns=(
        *mask_columns("Unoccluded", "celeba_segmentation", "unoccluded"),
        *mask_columns("Occluded", "celeba_segmentation", "occluded"),
        *mask_columns("Overall", "celeba_segmentation", "overall"),
    ),
    spread_note=MASK_SPREAD,
    notes=(MASK_NOTE,),
    ablations=True,
)


class SupplementTable1:
    """CelebA-HQ segmentation, as ``supplement_table1.md`` and ``supplement_table1.tex``."""

    name = "supplement_table1"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        return write_table(SPEC, context)
