"""Description of a table: its columns, its rows and what is said below it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from .base import ABLATIONS, ReportContext, base_name

ARROWS = {"lower": " ↓", "higher": " ↑", "none": ""}
MASK_SPREAD = "Masks: mean over images, F1 with ± standard deviation over images."
MASK_NOTE = (
    "Visible face is the positive class, pixels inside the rendered region only. "
    "ACC: accuracy, PPV: precision, TPR: recall."
)


@dataclass(frozen=True)
class Column:
    """One column: where its number comes from and how it is printed.

    group: heading shared with the neighbouring columns.
    better: which direction is better; ``none`` is never compared.
    spread: print ``± std`` behind the value.
    """

    group: str
    title: str
    protocol: str
    subset: str
    metric: str
    better: Literal["lower", "higher", "none"]
    spread: bool = False
    digits: int = 2

    @property
    def source(self) -> str:
        """Name of the column in the published numbers."""
        return f"{self.protocol}/{self.subset}/{self.metric}"


def mask_columns(group: str, protocol: str, subset: str) -> tuple[Column, ...]:
    """Columns of accuracy, precision, recall and F1 of a mask."""
    return tuple(
        Column(group, metric, protocol, subset, metric, "higher", spread=metric == "F1")
        for metric in ("ACC", "PPV", "TPR", "F1")
    )


def scan_columns(group: str, subset: str) -> tuple[Column, ...]:
    """Columns of median, mean and standard deviation of scan distances (mm)."""
    return (
        Column(group, "median", "now", subset, "median", "lower"),
        Column(group, "mean", "now", subset, "mean", "lower"),
        # A spread is reported, not won.
        Column(group, "std", "now", subset, "std", "none"),
    )


@dataclass(frozen=True)
class TableSpec:
    """Description of a table.

    name: file name without suffix, also the name of the published numbers beside it.
    heading: number of the table in the paper (LaTeX numbers its floats itself).
    notes: sentences printed below the table; spread_note: the one before them that says what the
        values and what is behind ± are.
    counted: what the row ``n`` counts.
    only: the competing methods that have a row here; None for all of a run.
    ablations: whether the ablations of the proposed method have rows here, beside their own table.
    """

    name: str
    heading: str
    title: str
    columns: tuple[Column, ...]
    notes: tuple[str, ...] = ()
    spread_note: str = ""
    counted: str = "images"
    only: frozenset[str] | None = None
    ablations: bool = False

    @property
    def protocols(self) -> tuple[str, ...]:
        """Names of the protocols that the columns come from, each once, in order."""
        return tuple(dict.fromkeys(column.protocol for column in self.columns))

    def shows(self, method: str, context: ReportContext) -> bool:
        """Whether a method of the run belongs into this table."""
        if self.only is not None:
            return base_name(method) in self.only or method in context.references
        return self.ablations or base_name(method) not in ABLATIONS
