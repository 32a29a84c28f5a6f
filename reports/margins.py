"""The margin of a check: the bounded quantity, as a number and as a function of subject weights."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from focsbench.metrics.intervals import Population
from focsbench.metrics.weighted_statistics import (
    Restricted,
    Statistic,
    difference,
    relative_difference,
    value_range,
    weighted_sum,
)

from .claims import SWEEP, Check
from .evidence import Evidence, Measured, NotMeasured


@dataclass(frozen=True)
class Margin:
    """A margin and the values behind it.

    images: that it rests on. statistic: the margin as a function of weights of ``subjects``; None
    where only numbers are at hand.
    """

    values: tuple[float, ...]
    margin: float
    images: int
    subjects: tuple[str, ...] = ()
    statistic: Statistic | None = None


def measure_margin(check: Check, run: Evidence) -> Margin:
    """Measure what a check bounds.

    Two methods are compared on the images that both have.

    Raises:
        NotMeasured: if the run lacks a number.
    """
    if check.kind == "difference":
        return _difference(check, run)
    if check.kind in ("change", "range"):
        return _over_sweep(check, run)
    one = run.measure(check.measured, check.number)
    return Margin((one.value,), one.value, one.images, one.subjects, one.statistic)


def populations(margins: Sequence[Margin], data: Sequence[str]) -> list[Population]:
    """Return what is drawn for the mean of the margins of several runs; [] if one has no subjects.

    data: of each run. Runs on the same data show the same persons, who are drawn once for all of
    them; others (and runs whose data are not known, "") are populations of their own.
    """
    groups: dict[str | int, list[Margin]] = {}
    for place, (margin, name) in enumerate(zip(margins, data, strict=True)):
        if margin.statistic is None:
            return []
        groups.setdefault(name or place, []).append(margin)
    share = len(groups) / len(margins)  # the interval is of the mean over groups
    return [_population(group, share) for group in groups.values()]


def sweep_points(run: Evidence, setting: str) -> Mapping[float, str]:
    """Return the name in the results by value of a swept setting, ascending.

    Rows of a sweep have the protocol ``eta_sweep`` and ``<setting>=<value>`` for a method.
    """
    points = {}
    for method in run.methods(SWEEP):
        name, _, value = method.partition("=")
        if name == setting:
            points[float(value)] = method
    return dict(sorted(points.items()))


def _difference(check: Check, run: Evidence) -> Margin:
    sides = ((check.measured, check.number), (str(check.reference), check.reference_number))
    among = None
    if check.number == check.reference_number:
        among = common_items(run.items(*side) for side in sides)
    measured, reference = (run.measure(*side, among) for side in sides)
    if reference.value == 0:
        raise NotMeasured(f"{check.reference_number} of {check.reference} is 0")
    subjects, statistics = on_same_subjects([measured, reference])
    return Margin(
        (measured.value, reference.value),
        (measured.value - reference.value) / reference.value,
        min(measured.images, reference.images),
        subjects,
        relative_difference(*statistics) if statistics else None,
    )


def _over_sweep(check: Check, run: Evidence) -> Margin:
    points = sweep_points(run, check.measured)
    if len(points) < 2:
        raise NotMeasured(f"the run has no sweep of {check.measured}")
    among = common_items(run.items(method, check.number) for method in points.values())
    measured = [run.measure(method, check.number, among) for method in points.values()]
    values = tuple(each.value for each in measured)
    change = check.kind == "change"
    margin = values[-1] - values[0] if change else max(values) - min(values)
    subjects, statistics = on_same_subjects(measured)
    statistic = None
    if statistics:
        ends = (statistics[-1], statistics[0])
        statistic = difference(*ends) if change else value_range(statistics)
    images = min(each.images for each in measured)
    return Margin(values, margin, images, subjects, statistic)


def common_items(items: Iterable[frozenset[str] | None]) -> frozenset[str] | None:
    """Return the images that all have; None where that is not known."""
    known = list(items)
    whole = [one for one in known if one is not None]
    return frozenset.intersection(*whole) if len(whole) == len(known) else None


def on_same_subjects(parts: Sequence[Measured]) -> tuple[tuple[str, ...], list[Statistic]]:
    """Return all subjects, and the statistics as functions of their weights; [] if one has none."""
    subjects = tuple(sorted({subject for part in parts for subject in part.subjects}))
    statistics = [
        _restricted(part.statistic, part.subjects, subjects)
        for part in parts
        if part.statistic is not None
    ]
    return subjects, statistics if len(statistics) == len(parts) else []


def _restricted(statistic: Statistic, own: Sequence[str], subjects: Sequence[str]) -> Statistic:
    if tuple(own) == tuple(subjects):
        return statistic
    place = {subject: index for index, subject in enumerate(subjects)}
    return Restricted(statistic, np.array([place[subject] for subject in own]))


def _population(group: Sequence[Margin], share: float) -> Population:
    subjects = tuple(sorted({subject for margin in group for subject in margin.subjects}))
    parts = [
        _restricted(margin.statistic, margin.subjects, subjects)
        for margin in group
        if margin.statistic is not None
    ]
    return Population(weighted_sum(parts, [share] * len(parts)), len(subjects))
