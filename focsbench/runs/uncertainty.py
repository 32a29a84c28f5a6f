"""How sure the numbers of a summary are: intervals, paired values, tests against the best."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from focsbench.metrics.directions import PAIRED, direction_of
from focsbench.metrics.intervals import Interval, Population, mean_interval
from focsbench.metrics.paired_tests import adjusted
from focsbench.progress import track
from focsbench.runs.summary import SummaryEntry
from focsbench.types import ResultRow

if TYPE_CHECKING:
    from focsbench.reports.evidence import Evidence, Measured, Number

Common = Mapping[str, frozenset[str] | None]


def with_uncertainty(
    entries: Sequence[SummaryEntry],
    rows: Sequence[ResultRow],
    arrays: Mapping[str, Mapping[str, Path]],
) -> list[SummaryEntry]:
    """Return the entries with what tells how far they can be trusted.

    Args:
        entries: of a summary.
        rows: what they summarise.
        arrays: by protocol, then by method, the folder of its scan distances.

    Raises:
        InputError: if distances are missing or damaged.
    """
    import pandas as pd

    from focsbench.reports.evidence import Evidence, Number

    if not rows:
        return list(entries)
    evidence = Evidence(pd.DataFrame([vars(row) for row in rows]), more_distances=arrays)
    groups: dict[Number, list[SummaryEntry]] = {}
    for entry in entries:
        metric = entry.metric.removesuffix(PAIRED)
        groups.setdefault(Number(entry.protocol, entry.subset, metric), []).append(entry)
    found: dict[int, SummaryEntry] = {}
    for number, members in track(groups.items(), "intervals and tests", total=len(groups)):
        for entry, better in zip(members, _of_number(number, members, evidence), strict=True):
            found[id(entry)] = better
    return [found[id(entry)] for entry in entries]


def _of_number(
    number: Number, members: Sequence[SummaryEntry], evidence: Evidence
) -> list[SummaryEntry]:
    """Return the entries of one number of all methods, and of its paired form."""
    own = [entry for entry in members if entry.metric == number.metric and entry.value is not None]
    common = _common(evidence, number, [entry.method for entry in own])
    tests = _tests(own, number, evidence)
    result = []
    for entry in members:
        if entry.value is None:
            result.append(entry)
            continue
        paired = _measured(evidence, entry.method, number, common) if common else None
        if entry.metric != number.metric:
            result.append(_with_interval(entry, paired))
            continue
        entry = _with_interval(entry, _measured(evidence, entry.method, number, None))
        against, p, p_adjusted = tests.get(entry.method, ("", None, None))
        result.append(
            replace(
                entry,
                paired=None if paired is None else paired.value,
                paired_n=0 if paired is None else paired.images,
                against=against,
                p=p,
                p_adjusted=p_adjusted,
            )
        )
    return result


def _common(evidence: Evidence, number: Number, methods: Iterable[str]) -> frozenset[str] | None:
    """Return the items that all methods have; None where they are not known."""
    from focsbench.reports.evidence import NotMeasured

    items = []
    for method in methods:
        try:
            items.append(evidence.items(method, number))
        except NotMeasured:
            return None
    known = [one for one in items if one is not None]
    return frozenset.intersection(*known) if known and len(known) == len(items) else None


def _measured(
    evidence: Evidence, method: str, number: Number, among: frozenset[str] | None
) -> Measured | None:
    from focsbench.reports.evidence import NotMeasured

    try:
        return evidence.measure(method, number, among)
    except NotMeasured:
        return None


def _with_interval(entry: SummaryEntry, measured: Measured | None) -> SummaryEntry:
    if measured is None or measured.statistic is None:
        return entry
    subjects = len(measured.subjects)
    interval: Interval | None = mean_interval([Population(measured.statistic, subjects)])
    if interval is None:
        return replace(entry, subjects=subjects)
    known = direction_of(entry.metric)
    cut = interval.within(known.least, known.greatest)
    return replace(entry, subjects=subjects, low=cut.low, high=cut.high)


def _tests(
    entries: Sequence[SummaryEntry], number: Number, evidence: Evidence
) -> dict[str, tuple[str, float | None, float | None]]:
    """Return, by method: the best other than references, p against it, and p adjusted."""
    from focsbench.reports.base import REFERENCES
    from focsbench.reports.comparison import Contender, compare

    better = direction_of(number.metric).better
    competing = [entry for entry in entries if entry.method not in REFERENCES]
    if better == "none" or len(competing) < 2:
        return {}
    choose = min if better == "lower" else max
    best = choose(competing, key=lambda entry: entry.value or 0.0).method
    others = [entry.method for entry in competing if entry.method != best]
    pairs = [(Contender(m, m, (evidence,)), Contender(best, best, (evidence,))) for m in others]
    values = [one.p for one in compare(pairs, [number], intervals=False)]
    return {
        method: (best, p, after)
        for method, p, after in zip(others, values, adjusted(values), strict=True)
    }
