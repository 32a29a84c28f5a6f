"""What a sweep of the weights of S shows, beside what the paper says it shows (supplement C.3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

import pandas as pd

from .summary import Entry, index_summary

PROTOCOL = "eta_sweep"
SUBSET = "overall"
INDICES = ("ACC", "PPV", "TPR", "F1")
RECALL = "TPR"

Direction = Literal["up", "down", "flat"]
Verdict = Literal["as the paper says", "only partly", "not as the paper says", "not measured"]

# What the paper says happens to the share of pixels taken as face, so to recall, with a larger
# weight. It prints no numbers; how much counts as a change is our choice.
PAPER: dict[str, Direction] = {
    "eta_neighbour": "down",
    "eta_dist": "down",
    "eta_area": "up",
    "eta_presv": "up",
    "eta_bin": "flat",
}
SYMBOLS = {
    "eta_neighbour": "η1 (neighbour)",
    "eta_dist": "η2 (dist)",
    "eta_area": "η3 (area)",
    "eta_presv": "η4 (presv)",
    "eta_bin": "η5 (bin)",
}
EXPECTED = {"up": "recall up", "down": "recall down", "flat": "barely a change"}
CHANGE = 0.01  # a smaller change of recall is none, and a smaller step back is no step back
COLLAPSED = 0.05  # a network S that keeps less than this everywhere shows no trend
FLAT = 0.03  # a weight barely matters if no index ranges over more than this


@dataclass(frozen=True)
class Trend:
    """One weight: its curve and the verdict about it.

    values: of the weight, ascending; indices: mean over the subsets at each of them, by name,
        in [0, 1]; None where nothing was measured.
    expected: what the paper says about recall.
    change: by index, at the largest minus at the smallest value; empty if a value is missing.
    spread: by index, largest minus smallest over all values.
    backward: largest step between neighbouring values against the expected direction of recall
        (0 if none; for ``flat``, the largest step either way).
    """

    eta: str
    expected: Direction
    values: tuple[float, ...]
    indices: Mapping[str, tuple[float | None, ...]]
    change: Mapping[str, float]
    spread: Mapping[str, float]
    backward: float
    verdict: Verdict


def find_trends(summary: pd.DataFrame) -> tuple[Trend, ...]:
    """Judge every weight that was swept, in the order of the paper.

    Args:
        summary: as in :class:`focsbench.reports.base.ReportContext`; methods are
            ``<weight>=<value>`` under the protocol ``eta_sweep``.
    """
    rows = summary[summary["protocol"] == PROTOCOL]
    entries = index_summary(rows)
    trends = []
    for eta in PAPER:
        names = [name for name in dict.fromkeys(rows["method"]) if name.startswith(f"{eta}=")]
        methods = sorted(names, key=value_of)
        if methods:
            indices = {
                index: tuple(
                    _number(entries.get((method, PROTOCOL, SUBSET, index))) for method in methods
                )
                for index in INDICES
            }
            trends.append(_judge(eta, tuple(map(value_of, methods)), indices))
    return tuple(trends)


def trend_lines(trends: Sequence[Trend]) -> list[str]:
    """Return one line of plain text per weight, for the terminal."""
    lines = []
    for trend in trends:
        curve = ", ".join(
            "none" if value is None else f"{value:.3f}" for value in trend.indices[RECALL]
        )
        values = ", ".join(f"{value:g}" for value in trend.values)
        lines.append(
            f"{SYMBOLS[trend.eta]} at {values}: recall {curve}; "
            f"paper: {EXPECTED[trend.expected]}; {trend.verdict}"
        )
    return lines


def value_of(method: str) -> float:
    """Return the value in a method name such as ``eta_area=0.5``."""
    return float(method.partition("=")[2])


def _judge(
    eta: str, values: tuple[float, ...], indices: Mapping[str, tuple[float | None, ...]]
) -> Trend:
    expected = PAPER[eta]
    known = {
        index: [value for value in curve if value is not None] for index, curve in indices.items()
    }
    if len(values) < 2 or any(len(curve) < len(values) for curve in known.values()):
        return Trend(eta, expected, values, indices, {}, {}, 0.0, "not measured")
    change = {index: curve[-1] - curve[0] for index, curve in known.items()}
    spread = {index: max(curve) - min(curve) for index, curve in known.items()}
    recall = known[RECALL]
    if max(recall) < COLLAPSED:
        return Trend(eta, expected, values, indices, change, spread, 0.0, "not measured")
    steps = [after - before for before, after in pairwise(recall)]
    if expected == "flat":
        flat = max(spread.values()) <= FLAT
        verdict: Verdict = "as the paper says" if flat else "not as the paper says"
        return Trend(eta, expected, values, indices, change, spread, max(map(abs, steps)), verdict)
    sign = 1 if expected == "up" else -1
    backward = max(0.0, *(-sign * step for step in steps))
    if sign * change[RECALL] < CHANGE:
        verdict = "not as the paper says"
    else:
        verdict = "as the paper says" if backward <= CHANGE else "only partly"
    return Trend(eta, expected, values, indices, change, spread, backward, verdict)


def _number(entry: Entry | None) -> float | None:
    return None if entry is None else entry.value
