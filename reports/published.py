"""Numbers printed in the paper, kept as data beside our own and never mixed with them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass, field
from functools import cache
from importlib import resources

PAPER = "paper"


@dataclass(frozen=True)
class PublishedTable:
    """One printed table.

    source: where it is printed.
    rows: by printed method name, (value, std or None) by ``protocol/subset/metric``.
    sources: further places that rows come from, by the mark that these rows carry.
    marks: by method name, the mark of a row that is not in the paper.
    """

    source: str
    rows: dict[str, dict[str, tuple[float, float | None]]]
    sources: dict[str, str] = field(default_factory=dict)
    marks: dict[str, str] = field(default_factory=dict)

    def mark(self, label: str) -> str:
        """Return the word behind the name of a row that says where it is printed."""
        return self.marks.get(label, PAPER)


@cache
def load_published() -> dict[str, PublishedTable]:
    """Return the printed tables by name (``table1`` to ``table5``, ``supplement_table1``)."""
    text = resources.files(__package__).joinpath("published.toml").read_text(encoding="utf-8")
    tables = {}
    for name, table in tomllib.loads(text)["tables"].items():
        columns = table["columns"]
        rows = {
            label: {
                column: (value, spread.get(column))
                for column, value in zip(columns, row["values"], strict=True)
            }
            for label, row in table["rows"].items()
            for spread in [dict(zip(table.get("spread", []), row.get("std", []), strict=True))]
        }
        marks = {label: row["from"] for label, row in table["rows"].items() if "from" in row}
        tables[name] = PublishedTable(table["source"], rows, table.get("sources", {}), marks)
    return tables
