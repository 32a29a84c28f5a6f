"""From tidy rows to one entry per method, protocol, subset and metric."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Sequence, Set
from dataclasses import dataclass, fields

from focsbench.metrics.directions import PAIRED
from focsbench.metrics.statistics import mean_and_std
from focsbench.types import DONE_RATE, POOLED, UNREADABLE, ResultRow

COUNT = "n"
OVERALL = "overall"

Group = tuple[str, str, str]
"""(method, protocol, subset)"""


@dataclass(frozen=True)
class SummaryEntry:
    """One summarised number.

    value: mean over images, or the pooled value; None if nothing could be measured.
    std: population standard deviation over images; None for pooled values.
    n: images (for pooled values: the protocol's own count) behind the value.
    done_rate: share of the images of the subset that have a value of this metric, in [0, 1]; for
        pooled values what the protocol counted.
    subjects: persons that the interval rests on; 0 where persons are not known.
    low, high: 95 % interval of the value by subject; None for too few subjects.
    paired: value over the paired_n items that all methods with this number have.
    against: the best of the competing methods; p: of the paired permutation test against it, by
        subject, on the items that both have; p_adjusted: the same after Benjamini and Hochberg
        over the methods. None for the best one, and where no side of the metric is better.
    """

    method: str
    protocol: str
    subset: str
    metric: str
    value: float | None
    std: float | None
    n: int
    done_rate: float
    subjects: int = 0
    low: float | None = None
    high: float | None = None
    paired: float | None = None
    paired_n: int = 0
    against: str = ""
    p: float | None = None
    p_adjusted: float | None = None


def summary_csv(entries: Sequence[SummaryEntry]) -> str:
    """Return one line per entry; numbers keep all their digits, missing ones are empty."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    names = [field.name for field in fields(SummaryEntry)]
    writer.writerow(names)
    writer.writerows([getattr(entry, name) for name in names] for entry in entries)
    return text.getvalue()


def summarise(rows: Sequence[ResultRow]) -> list[SummaryEntry]:
    """Summarise rows, in the order in which methods, protocols, subsets and metrics appear.

    A pooled row is taken as it is and wins over the mean of the images. Where a protocol counts
    its done-rate ``overall``, every image-wise metric also gets the unweighted mean of its subset
    means with the standard deviation over all images; it has no value if a subset has none.
    """
    cells = _group(rows)
    rates = {
        (row.method, row.protocol, row.subset): row.value
        for row in rows
        if row.metric == DONE_RATE and row.value is not None
    }
    entries = [
        _entry(group, metric, members, cells, rates)
        for (group, metric), members in cells.items()
        if metric != DONE_RATE
    ]
    return entries + _overall(entries, cells, set(rates))


def _group(rows: Iterable[ResultRow]) -> dict[tuple[Group, str], list[ResultRow]]:
    cells: dict[tuple[Group, str], list[ResultRow]] = {}
    for row in rows:
        group = (row.method, row.protocol, row.subset)
        cells.setdefault((group, row.metric), []).append(row)
    return cells


def _entry(
    group: Group,
    metric: str,
    members: Sequence[ResultRow],
    cells: dict[tuple[Group, str], list[ResultRow]],
    rates: dict[Group, float],
) -> SummaryEntry:
    pooled = [row for row in members if row.item == POOLED]
    if pooled:
        count = COUNT + PAIRED if metric.endswith(PAIRED) else COUNT
        counts = [row.value for row in cells.get((group, count), []) if row.item == POOLED]
        n = int(counts[0]) if counts and counts[0] is not None else 0
        return SummaryEntry(*group, metric, pooled[0].value, None, n, rates.get(group, 0.0))
    values = _values(members)
    mean, std = mean_and_std(values) if values else (None, None)
    return SummaryEntry(*group, metric, mean, std, len(values), len(values) / len(members))


def _overall(
    entries: Sequence[SummaryEntry],
    cells: dict[tuple[Group, str], list[ResultRow]],
    counted: Set[Group],
) -> list[SummaryEntry]:
    parts: dict[tuple[Group, str], list[SummaryEntry]] = {}
    for entry in entries:
        group = (entry.method, entry.protocol, OVERALL)
        if group in counted and entry.subset != OVERALL:
            parts.setdefault((group, entry.metric), []).append(entry)
    overall = []
    for (group, metric), members in parts.items():
        rows = [row for one in members for row in cells[(*group[:2], one.subset), metric]]
        images = _values(rows)
        # Where an image belongs that cannot be read, nobody knows: it is no part of the mean.
        means = [entry.value for entry in members if entry.subset != UNREADABLE]
        known = [value for value in means if value is not None]
        whole = bool(known) and len(known) == len(means)
        mean = mean_and_std(known)[0] if whole else None
        std = mean_and_std(images)[1] if whole else None
        rate = len(images) / len(rows)
        overall.append(SummaryEntry(*group, metric, mean, std, len(images), rate))
    return overall


def _values(rows: Iterable[ResultRow]) -> list[float]:
    return [row.value for row in rows if row.status == "ok" and row.value is not None]
