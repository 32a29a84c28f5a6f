"""The numbers behind a table as tidy CSV: one line per row and column, with all digits."""

from __future__ import annotations

import pandas as pd

from .base import ReportContext
from .published import load_published
from .table_spec import Column, TableSpec

NUMBERS = (
    "value", "std", "low", "high", "n", "subjects", "done_rate", "paired", "paired_n", "against",
    "p", "p_adjusted",
)  # fmt: skip
COLUMNS = ("method", "label", "source", "group", "column", "protocol", "subset", "metric", "better")
THIS_RUN = "run"


def table_csv(spec: TableSpec, context: ReportContext) -> str:
    """Return the numbers of the run and the published ones; ``source`` tells them apart.

    Numbers of the run keep all their digits; published ones are as printed.
    """
    summary = context.summary.reindex(
        columns=["method", "protocol", "subset", "metric", *NUMBERS]
    )  # fmt: skip
    known = {
        (row["method"], row["protocol"], row["subset"], row["metric"]): row
        for row in summary.to_dict("records")
    }
    lines = []
    for method, label in context.labels.items():
        if not spec.shows(method, context):
            continue
        for column in spec.columns:
            row = known.get((method, column.protocol, column.subset, column.metric))
            if row is not None:
                lines.append(
                    [*_names(method, label, THIS_RUN, column), *(row[name] for name in NUMBERS)]
                )
    lines += _published(spec)
    frame = pd.DataFrame(lines, columns=[*COLUMNS, *NUMBERS]).convert_dtypes()
    text: str = frame.to_csv(index=False, lineterminator="\n")
    return text


def _published(spec: TableSpec) -> list[list[object]]:
    table = load_published().get(spec.name)
    if table is None:
        return []
    blank = [None] * (len(NUMBERS) - 2)
    return [
        [*_names("", label, table.mark(label), column), *numbers[column.source], *blank]
        for label, numbers in table.rows.items()
        for column in spec.columns
        if column.source in numbers
    ]


def _names(method: str, label: str, source: str, column: Column) -> list[object]:
    return [
        method, label, source, column.group, column.title, column.protocol, column.subset,
        column.metric, column.better,
    ]  # fmt: skip
