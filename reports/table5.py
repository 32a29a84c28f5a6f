"""Table 5: what each part of the proposed method adds, in masks (AR) and in shape (NoW)."""

from __future__ import annotations

from pathlib import Path

from .base import ABLATIONS, ReportContext
from .table_spec import MASK_NOTE, MASK_SPREAD, TableSpec, mask_columns, scan_columns
from .table_writers import write_table

SPEC = TableSpec(
    name="table5",
    heading="Table 5",
    title="Ablation: masks on AR, scan-to-mesh distance on NoW (mm)",
    columns=(
        *mask_columns("AR unoccluded", "ar_segmentation", "unoccluded"),
        *mask_columns("AR glasses", "ar_segmentation", "glasses"),
        *mask_columns("AR scarf", "ar_segmentation", "scarf"),
        *scan_columns("NoW", "all"),
    ),
    spread_note=MASK_SPREAD,
    notes=(
        MASK_NOTE,
        "Pretrained: the occlusion-robust initialisation with its thresholded masks; Baseline: "
        "segmentation network with a pixel-wise loss in place of neighbour and perceptual losses; "
        "Neighbour: without the perceptual losses; Perceptual: without the neighbour loss.",
        "NoW: over the scan points of all photographs together.",
    ),
    counted="images (NoW: scan points)",
    only=ABLATIONS | {"pretrained", "focs"},
)


class Table5:
    """Ablation, as ``table5.md`` and ``table5.tex``."""

    name = "table5"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        return write_table(SPEC, context)
