"""Table 4: how well a method tells the visible face from what covers it."""

from __future__ import annotations

from pathlib import Path

from .base import ReportContext
from .table_writers import write_table
from .tables import Column, TableSpec


def _columns(group: str, subset: str) -> tuple[Column, ...]:
    return tuple(
        Column(group, metric, "ar_segmentation", subset, metric, "higher", spread=metric == "F1")
        for metric in ("ACC", "PPV", "TPR", "F1")
    )


SPEC = TableSpec(
    name="table4",
    heading="Table 4",
    title="Segmentation of the visible face on AR",
    columns=(
        *_columns("Unoccluded", "unoccluded"),
        *_columns("Glasses", "glasses"),
        *_columns("Scarf", "scarf"),
    ),
    notes=(
        "Mean over images (F1: ± standard deviation); visible face is the positive class, "
        "pixels inside the rendered region only. ACC: accuracy, PPV: precision, TPR: recall.",
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
