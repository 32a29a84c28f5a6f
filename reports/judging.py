"""From claims and the evidence of one or more runs to verdicts with margins and intervals."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from focsbench.metrics.intervals import Interval, mean_interval

from .claims import NO_DIFFERENCE, Check, Claim, load_claims, printed_labels
from .evidence import Evidence, NotMeasured
from .margins import Margin, measure_margin, populations
from .published import load_published

Verdict = Literal["reproduced", "not reproduced", "not measured", "not testable here"]
VERDICTS: tuple[Verdict, ...] = (
    "reproduced",
    "not reproduced",
    "not measured",
    "not testable here",
)
SEED = 0  # of the draws of subjects; one for all, so that all reports of a run agree


@dataclass(frozen=True)
class Outcome:
    """What a check came to.

    values: the numbers behind the margin. margin: what is bounded; None if missing, ``reason``
    says why. interval: of the margin, by subject. holds: None if it cannot be said.
    images: that the numbers rest on, 0 if not known.
    """

    values: tuple[float, ...] = ()
    margin: float | None = None
    interval: Interval | None = None
    holds: bool | None = None
    images: int = 0
    reason: str = ""


@dataclass(frozen=True)
class Checked:
    """A check on every run, on all of them (mean of their margins), and on the printed numbers."""

    check: Check
    runs: tuple[Outcome, ...]
    joint: Outcome
    printed: Outcome

    @property
    def is_clear(self) -> bool:
        """Say whether the whole interval is on one side of the limit."""
        interval = self.joint.interval
        if interval is None or self.check.bound == NO_DIFFERENCE:
            return interval is not None  # there the interval itself is the answer
        return self.check.holds(interval.low) == self.check.holds(interval.high)


@dataclass(frozen=True)
class Finding:
    """A claim with its checks, the verdict over all runs, and the verdict on each run."""

    claim: Claim
    checks: tuple[Checked, ...]
    verdict: Verdict
    runs: tuple[Verdict, ...]

    @property
    def is_clear(self) -> bool:
        """Say whether the verdict would be the same at either end of every interval it rests on."""
        if self.verdict not in ("reproduced", "not reproduced"):
            return False
        wanted = self.verdict == "reproduced"
        sure = sum(each.is_clear and each.joint.holds is wanted for each in self.checks)
        needed = math.ceil(self.claim.share * len(self.checks))
        return sure >= (needed if wanted else len(self.checks) - needed + 1)


def judge(runs: Sequence[Evidence], claims: Iterable[Claim] | None = None) -> list[Finding]:
    """Judge claims (default: all of :func:`.claims.load_claims`) by one or more runs."""
    return [_judge(claim, runs) for claim in (load_claims() if claims is None else claims)]


def _judge(claim: Claim, runs: Sequence[Evidence]) -> Finding:
    checks = tuple(_check(check, claim.table, runs) for check in claim.checks)
    each = tuple(
        _verdict(claim, [checked.runs[place].holds for checked in checks])
        for place in range(len(runs))
    )
    return Finding(claim, checks, _verdict(claim, [c.joint.holds for c in checks]), each)


def _verdict(claim: Claim, holds: Sequence[bool | None]) -> Verdict:
    if not holds:
        return "not testable here"
    needed = math.ceil(claim.share * len(holds))
    if holds.count(False) > len(holds) - needed:
        return "not reproduced"
    return "reproduced" if holds.count(True) >= needed else "not measured"


def _check(check: Check, table: str, runs: Sequence[Evidence]) -> Checked:
    margins: list[Margin | None] = []
    outcomes = []
    for run in runs:
        try:
            margin = measure_margin(check, run)
            margins.append(margin)
            outcomes.append(_outcome(check, [margin], [run]))
        except NotMeasured as missing:
            margins.append(None)
            outcomes.append(Outcome(reason=str(missing)))
    found = [(margin, run) for margin, run in zip(margins, runs, strict=True) if margin]
    if len(runs) == 1 or not found:
        joint = outcomes[0]
    else:
        joint = _outcome(check, [margin for margin, _ in found], [run for _, run in found])
    return Checked(check, tuple(outcomes), joint, _printed(check, table))


def _outcome(check: Check, margins: Sequence[Margin], runs: Sequence[Evidence]) -> Outcome:
    margin = sum(each.margin for each in margins) / len(margins)
    columns = zip(*(each.values for each in margins), strict=True)
    values = tuple(sum(column) / len(margins) for column in columns)
    drawn = populations(margins, [run.data for run in runs])
    interval = mean_interval(drawn, seed=SEED) if drawn else None
    images = min(each.images for each in margins)
    if check.bound != NO_DIFFERENCE:
        return Outcome(values, margin, interval, check.holds(margin), images)
    if interval is None:
        reason = "no interval: too few subjects, or only pooled numbers"
        return Outcome(values, margin, None, None, images, reason)
    return Outcome(values, margin, interval, 0.0 in interval, images)


def _printed(check: Check, table: str) -> Outcome:
    """Try a check on the printed numbers of the paper, which have no interval."""
    if not table or check.kind != "difference" or check.bound == NO_DIFFERENCE:
        return Outcome()
    rows, labels = load_published()[table].rows, printed_labels()
    sides = ((check.measured, check.number), (str(check.reference), check.reference_number))
    cells = [rows.get(labels.get(method, ""), {}).get(str(number)) for method, number in sides]
    values = tuple(cell[0] for cell in cells if cell is not None)
    if len(values) < 2:
        return Outcome(values, reason="not printed")
    margin = (values[0] - values[1]) / values[1]
    return Outcome(values, margin, None, check.holds(margin))
