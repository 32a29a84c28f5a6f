"""Look up single numbers of a run, and why a number is missing."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import pandas as pd

from focsbench.errors import one_line
from focsbench.types import POOLED

from .failures import reason_of_many

Key = tuple[str, str, str, str]
"""(method, protocol, subset, metric)"""


@dataclass(frozen=True)
class Entry:
    """One summarised number; ``value`` is None when no item has one.

    low, high: 95 % interval by subject. paired: value over the items that all methods have, of
    which there are paired_n. against: the method that the test was made against, the best of all
    that compete; p_adjusted: of that test. None, 0 and empty where that is not known.
    """

    value: float | None
    std: float | None
    n: int
    done_rate: float
    low: float | None = None
    high: float | None = None
    subjects: int = 0
    paired: float | None = None
    paired_n: int = 0
    against: str = ""
    p_adjusted: float | None = None


def index_summary(summary: pd.DataFrame) -> dict[Key, Entry]:
    """Return the summary as a mapping from (method, protocol, subset, metric)."""
    entries: dict[Key, Entry] = {}
    for row in summary.to_dict("records"):
        key = (row["method"], row["protocol"], row["subset"], row["metric"])
        entries[key] = Entry(
            value=_number(row["value"]),
            std=_number(row["std"]),
            n=int(row["n"]),
            done_rate=float(row["done_rate"]),
            low=_number(row.get("low")),
            high=_number(row.get("high")),
            subjects=int(_number(row.get("subjects")) or 0),
            paired=_number(row.get("paired")),
            paired_n=int(_number(row.get("paired_n")) or 0),
            against=_text(row.get("against")),
            p_adjusted=_number(row.get("p_adjusted")),
        )
    return entries


def failure_reason(results: pd.DataFrame, key: Key) -> str:
    """Say in a few words why (method, protocol, subset, metric) has no value."""
    method, protocol, subset, metric = key
    rows = results[
        (results["method"] == method)
        & (results["protocol"] == protocol)
        & (results["metric"] == metric)
    ]
    images = rows[rows["item"] != POOLED]
    pooled = rows[(rows["item"] == POOLED) & (rows["subset"] == subset) & (rows["reason"] != "")]
    # Images are listed under their own subset only; "overall" is all of them.
    images = images if subset == "overall" else images[images["subset"] == subset]
    failed = images[images["status"] == "failed"]
    if not failed.empty:
        # The most frequent reason; the alphabet breaks ties, so row order does not matter.
        reasons = pd.Series(list(map(reason_of_many, failed["reason"], failed["item"])))
        reason = reasons.value_counts().sort_index().idxmax()
        return f"failed on {len(failed)} of {len(images)}: {reason}"
    return "not measured" if pooled.empty else one_line(pooled["reason"].iloc[0])


def _text(value: Any) -> str:
    return "" if pd.isna(value) else str(value)


def _number(value: Any) -> float | None:
    return None if pd.isna(value) else float(value)
