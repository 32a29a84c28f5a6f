"""Numbers printed in the paper, kept as data beside our own and never mixed with them."""

from __future__ import annotations

import tomllib
from dataclasses import dataclass
from functools import cache
from importlib import resources


@dataclass(frozen=True)
class PublishedTable:
    """One printed table.

    source: where it is printed.
    rows: by printed method name, (value, std or None) by ``protocol/subset/metric``.
    """

    source: str
    rows: dict[str, dict[str, tuple[float, float | None]]]


@cache
def load_published() -> dict[str, PublishedTable]:
    """Return the printed tables by name (``table1``, ``table3``, ``table4``, ``supp_table1``)."""
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
        tables[name] = PublishedTable(table["source"], rows)
    return tables
