"""The tables of the paper, in its order."""

from __future__ import annotations

from . import supplement_table1, table1, table2, table3, table4, table5
from .table_spec import TableSpec

TABLES: tuple[TableSpec, ...] = (
    table1.SPEC,
    table2.SPEC,
    table3.SPEC,
    table4.SPEC,
    table5.SPEC,
    supplement_table1.SPEC,
)
