"""Table 1: how well the reconstruction fits the visible face of the photograph."""

from __future__ import annotations

from pathlib import Path

from .base import ReportContext
from .table_spec import Column, TableSpec
from .table_writers import write_table


def _pair(group: str, protocol: str, subset: str) -> tuple[Column, Column]:
    """The error over the method's own region, and over the region common to all methods."""
    return (
        Column(group, "own", protocol, subset, "rmse", "lower", spread=True),
        Column(group, "common", protocol, subset, "rmse_common", "lower", spread=True),
    )


SPEC = TableSpec(
    name="table1",
    heading="Table 1",
    title="RMSE between photograph and reconstruction in the visible face (grey levels, 0 to 255)",
    columns=(
        *_pair("CelebA unoccluded", "celeba_rmse", "unoccluded"),
        *_pair("CelebA occluded", "celeba_rmse", "occluded"),
        *_pair("CelebA overall", "celeba_rmse", "overall"),
        *_pair("AR overall", "ar_rmse", "overall"),
    ),
    spread_note="Mean ± standard deviation over images.",
    notes=(
        "own: true visible face inside the region that the method renders; common: inside the "
        "region that every method renders.",
    ),
)


class Table1:
    """Masked RMSE on CelebA-HQ and AR, as ``table1.md`` and ``table1.tex``."""

    name = "table1"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        return write_table(SPEC, context)
