"""Tables of a run as text: Markdown, LaTeX or CSV, with the uncertainty that is asked for."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from focsbench.errors import ConfigError

from .base import ReportContext
from .estimators import SPEC as ESTIMATORS
from .paper_tables import TABLES
from .seed_tables import spec_over_seeds, without_spread
from .table_data import table_csv
from .table_spec import TableSpec
from .table_writers import latex_table, markdown_table, table_of_run
from .tables import Uncertainty, build_table

Format = Literal["markdown", "latex", "csv"]
SUFFIXES: dict[Format, str] = {"markdown": ".md", "latex": ".tex", "csv": ".csv"}
SPECS = {spec.name: spec for spec in (*TABLES, ESTIMATORS)}


def find_table(name: str) -> TableSpec:
    """Return the description of a table: ``3``, ``table3``, ``S1``, ``estimators``.

    Raises:
        ConfigError: if there is none of this name.
    """
    text = name.lower().replace(" ", "_")
    for known in (text, f"table{text}", text.replace("s", "supplement_table", 1)):
        if known in SPECS:
            return SPECS[known]
    raise ConfigError(f"--table {name}: there is no such table; choose {', '.join(SPECS)}.")


def tables_of(context: ReportContext) -> list[TableSpec]:
    """Return the tables that a run has numbers for."""
    return [spec for spec in SPECS.values() if table_of_run(spec, context) is not None]


def print_tables(
    specs: Sequence[TableSpec],
    context: ReportContext,
    file_format: Format,
    uncertainty: Uncertainty = "paper",
    *,
    over_seeds: bool = False,
) -> str:
    """Return tables as one text.

    Args:
        specs: the tables.
        context: the run.
        file_format: of the text.
        uncertainty: what stands behind the values.
        over_seeds: the numbers are means over seeds, their spread is that over seeds.

    Raises:
        ConfigError: if the run has no number for one.
    """
    texts = []
    for spec in specs:
        table = table_of_run(spec, context, uncertainty)
        if table is None:
            raise ConfigError(f"--table {spec.name}: the run has no number for it.")
        if over_seeds:
            table = build_table(spec_over_seeds(spec), context, without_spread(spec.name))
        if file_format == "csv":
            texts.append(table_csv(spec, context))
        elif file_format == "latex":
            texts.append(latex_table(table))
        else:
            heading = f"# {spec.heading}. {spec.title}\n\n" if len(specs) > 1 else ""
            texts.append(heading + markdown_table(table))
    return "\n".join(text.rstrip("\n") + "\n" for text in texts)
