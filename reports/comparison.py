"""Is one method better than another: difference, interval, test, and the answer in words."""

from __future__ import annotations

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from focsbench.metrics.directions import PAIRED, direction_of
from focsbench.metrics.intervals import FEWEST_SUBJECTS, Interval, mean_interval
from focsbench.metrics.paired_tests import Pair, adjusted, permutation_test
from focsbench.metrics.weighted_statistics import difference
from focsbench.progress import track
from focsbench.types import UNREADABLE

from .evidence import OVERALL, Evidence, Measured, NotMeasured, Number
from .margins import Margin, populations

LEVEL = 0.05  # of the adjusted p value
SEED = 0  # of the draws and exchanges of subjects; one for all, so that all reports agree
COUNTS = frozenset({"n", "done_rate"})


@dataclass(frozen=True)
class Contender:
    """One method in one run, or in several that differ by their seed."""

    label: str
    method: str
    runs: tuple[Evidence, ...]


@dataclass(frozen=True)
class Comparison:
    """One number of two methods, on the items that both have.

    measured, reference: labels. values: of both, means over the runs. difference: of these, with
    its interval by subject. p, p_adjusted: of the paired permutation test by subject. subjects,
    items: that it rests on, of all runs. by_run: the difference in each run. reason: why there is
    no difference, interval or test.
    """

    measured: str
    reference: str
    number: Number
    values: tuple[float, float] | None = None
    difference: float | None = None
    interval: Interval | None = None
    p: float | None = None
    p_adjusted: float | None = None
    subjects: int = 0
    items: int = 0
    by_run: tuple[float, ...] = field(default=())
    reason: str = ""

    @property
    def relative(self) -> float | None:
        """The difference as a share of the reference; None where that is 0."""
        if self.values is None or self.difference is None or self.values[1] == 0:
            return None
        return self.difference / abs(self.values[1])

    @property
    def spread(self) -> float | None:
        """The sample standard deviation of the difference over runs; None for one run."""
        return statistics.stdev(self.by_run) if len(self.by_run) > 1 else None

    @property
    def winner(self) -> str:
        """The label of the better method if the test tells them apart, else an empty text."""
        better = direction_of(self.number.metric).better
        if not self.is_sure or better == "none" or self.difference is None:
            return ""
        return self.measured if (self.difference < 0) == (better == "lower") else self.reference

    @property
    def is_sure(self) -> bool:
        """Say whether the adjusted p value is small enough to call the methods different."""
        return self.p_adjusted is not None and self.p_adjusted <= LEVEL

    @property
    def verdict(self) -> str:
        """The answer in words."""
        if self.difference is None:
            return f"not compared: {self.reason}"
        if self.p_adjusted is None:
            return f"no test: {self.reason}"
        if not self.is_sure:
            return "undecided"
        if not self.winner:
            return f"{self.measured} {'higher' if self.difference > 0 else 'lower'}"
        return f"{self.winner} better"


def numbers_of(runs: Iterable[Evidence], methods: Sequence[str]) -> list[Number]:
    """Return every number that rows of these methods have, in order of appearance.

    Counts are left out, images that cannot be read, and what pools the items that all methods
    have: a comparison is on the items that its two methods have.
    """
    found: dict[Number, None] = {}
    for run in runs:
        rows = run.results[run.results["method"].isin(methods)]
        columns = rows[["protocol", "subset", "metric"]].drop_duplicates()
        overall = rows[(rows["subset"] == OVERALL) & (rows["metric"] == "done_rate")]
        counted = set(overall["protocol"])
        metrics: dict[Number, None] = {}
        for protocol, subset, metric in columns.itertuples(index=False):
            if metric in COUNTS or metric.endswith(PAIRED) or subset == UNREADABLE:
                continue
            found[Number(protocol, subset, metric)] = None
            if protocol in counted:
                metrics[Number(protocol, OVERALL, metric)] = None
        found |= metrics
    protocols = list(dict.fromkeys(number.protocol for number in found))
    return sorted(found, key=lambda number: protocols.index(number.protocol))


def main_numbers(numbers: Sequence[Number]) -> list[Number]:
    """Return the numbers that a comparison shows without being asked: one or two per subset."""
    known = {number.protocol for number in numbers if direction_of(number.metric).main}
    return [
        number
        for number in numbers
        if direction_of(number.metric).main or number.protocol not in known
    ]


def compare(
    pairs: Iterable[tuple[Contender, Contender]],
    numbers: Sequence[Number],
    *,
    intervals: bool = True,
) -> list[Comparison]:
    """Compare methods by numbers, in the order given; p values are not adjusted yet.

    intervals: whether the differences get intervals, half of the time that it takes.
    """
    work = [(first, second, number) for first, second in pairs for number in numbers]
    return [_compare(*each, intervals) for each in track(work, "compare", total=len(work))]


def adjust(comparisons: Sequence[Comparison], *, by_number: bool = False) -> list[Comparison]:
    """Adjust p values for the number of tests (Benjamini and Hochberg).

    Args:
        comparisons: of one table.
        by_number: the tests that are looked at together are those of one number, over methods;
            else all of the table.
    """
    families: dict[Number | None, list[int]] = {}
    for place, one in enumerate(comparisons):
        families.setdefault(one.number if by_number else None, []).append(place)
    values: list[float | None] = [None] * len(comparisons)
    for places in families.values():
        family = adjusted([comparisons[place].p for place in places])
        for place, value in zip(places, family, strict=True):
            values[place] = value
    return [replace(one, p_adjusted=value) for one, value in zip(comparisons, values, strict=True)]


def _compare(first: Contender, second: Contender, number: Number, intervals: bool) -> Comparison:
    found: list[tuple[Evidence, Measured, Measured]] = []
    reason = "no run"
    for left, right in zip(first.runs, second.runs, strict=True):
        try:
            found.append((left, *_measure((left, first.method), (right, second.method), number)))
        except NotMeasured as missing:
            reason = str(missing)
    result = Comparison(first.label, second.label, number)
    if not found:
        return replace(result, reason=reason)
    values = [(one.value, other.value) for _, one, other in found]
    margins = [_margin(one, other) for _, one, other in found]
    data = [run.data for run, _, _ in found]
    drawn = populations(margins, data)
    subjects = sum(each.subjects for each in drawn)
    by_run = tuple(margin.margin for margin in margins)
    result = replace(
        result,
        values=(statistics.fmean(a for a, _ in values), statistics.fmean(b for _, b in values)),
        difference=statistics.fmean(by_run),
        interval=mean_interval(drawn, seed=SEED) if drawn and intervals else None,
        subjects=subjects,
        items=sum(margin.images for margin in margins),
        by_run=by_run,
    )
    if not drawn:
        return replace(result, reason="only numbers of all items together are at hand")
    if subjects < FEWEST_SUBJECTS:
        return replace(result, reason=f"{subjects} subject{'s' * (subjects != 1)}")
    p = permutation_test(_pairs(found, data), subjects, seed=SEED)
    return replace(result, p=p, reason="" if p is not None else "an exchange has no value")


def _measure(
    first: tuple[Evidence, str], second: tuple[Evidence, str], number: Number
) -> tuple[Measured, Measured]:
    sides = (first, second)
    items = [run.items(method, number) for run, method in sides]
    both = [one for one in items if one is not None]
    among = frozenset.intersection(*both) if len(both) == len(items) else None
    one, other = (run.measure(method, number, among) for run, method in sides)
    known = one.statistic is not None and other.statistic is not None
    if known and one.subjects != other.subjects:
        raise NotMeasured("the same items belong to other subjects in the two results")
    return one, other


def _margin(one: Measured, other: Measured) -> Margin:
    statistic = None
    if one.statistic is not None and other.statistic is not None:
        statistic = difference(one.statistic, other.statistic)
    return Margin(
        (one.value, other.value),
        one.value - other.value,
        min(one.images, other.images),
        one.subjects,
        statistic,
    )


def _pairs(found: Sequence[tuple[Evidence, Measured, Measured]], data: Sequence[str]) -> list[Pair]:
    """Return what is exchanged; runs on the same data show the same persons."""
    places: dict[tuple[str | int, str], int] = {}
    pairs = []
    for run, (_, one, other) in enumerate(found):
        keys = [(data[run] or run, subject) for subject in one.subjects]
        columns = np.array([places.setdefault(key, len(places)) for key in keys])
        if one.statistic is not None and other.statistic is not None:
            pairs.append(Pair(one.statistic, other.statistic, columns))
    return pairs
