"""Which claims the run reproduces, computed from its results."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from .base import ReportContext, write_text
from .claims import Check
from .claims_table import claims_csv
from .evidence import evidence_of
from .judging import VERDICTS, Checked, Finding, Outcome, judge
from .table_writers import plain_markdown

MOST_CHECKS = 6  # of a claim that are printed; all are in the table beside
EXPLANATION = """\
Margin: relative difference of the first to the second value, or the bounded number itself. Two \
methods are compared on the images that both have. In brackets: 95 % interval of the margin by \
subject (bootstrap-t, 10,000 draws of persons with all their images). A \
verdict is clear if it is the same at both ends of the intervals it rests on. The intervals say \
what other persons would change, not what another training would: that is what several seeds show. \
Printed numbers are those of the paper, tried by the same rule."""


class Findings:
    """Claims with values, margins, intervals and verdicts: ``findings.md``, ``findings.csv``."""

    name = "findings"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        findings = judge([evidence_of(context)])
        text = findings_markdown(findings, context.labels)
        return [
            write_text(context.output / "findings.md", f"# Which claims are reproduced\n\n{text}"),
            write_text(context.output / "findings.csv", claims_csv(findings, [context.run])),
        ]


def headline(findings: Sequence[Finding]) -> str:
    """One sentence for the terminal: how many claims are reproduced, and which are not."""
    ids = {verdict: [f.claim.id for f in findings if f.verdict == verdict] for verdict in VERDICTS}
    clear = sum(finding.is_clear for finding in findings if finding.verdict == "reproduced")
    found = ids["reproduced"]
    text = f"{len(found)} of {len(findings)} claims reproduced"
    if found:
        text += f", {clear} of them clear of their intervals"
    for verdict in VERDICTS[1:]:
        if ids[verdict]:
            text += f"; {verdict}: {', '.join(ids[verdict])}"
    return f"{text}."


def findings_markdown(findings: Sequence[Finding], labels: Mapping[str, str]) -> str:
    """Return the headline and a list of the claims, in the order they are given.

    A list and not a table: it is also read on terminals, where wide rows would break.
    """
    items = "\n".join(_item(finding, labels) for finding in findings)
    return f"{headline(findings)}\n\n{items}\n\n{EXPLANATION}"


def verdict_text(finding: Finding) -> str:
    """Return the verdict, and whether the intervals leave it open."""
    decided = finding.verdict in ("reproduced", "not reproduced")
    return f"{finding.verdict}, not clear" if decided and not finding.is_clear else finding.verdict


def weakest(finding: Finding) -> Checked | None:
    """Return the measured check that is nearest to failing, or failing most; None if none is."""
    measured = [each for each in finding.checks if each.joint.margin is not None]
    return min(measured, key=_slack, default=None)


def describe(checked: Checked, labels: Mapping[str, str]) -> str:
    """Return what a check compares, with the numbers: one line of plain text."""
    check, joint = checked.check, checked.joint
    if joint.margin is None:
        return f"{_subject(check, labels)}: {joint.reason}"
    values = ", ".join(f"{value:.3f}" for value in joint.values)
    return (
        f"{_subject(check, labels)}: {values}; margin {margin_text(check, joint)}, "
        f"needed {check.needed}"
    )


def margin_text(check: Check, outcome: Outcome) -> str:
    """Return a margin with its interval."""
    if outcome.margin is None:
        return "—"
    text = check.amount(outcome.margin)
    if outcome.interval is None:
        return text
    low, high = (check.amount(end) for end in (outcome.interval.low, outcome.interval.high))
    return f"{text} [{low}, {high}]"


def agreement(finding: Finding) -> str:
    """Say in how many runs the claim has which verdict; empty for one run."""
    if len(finding.runs) < 2 or finding.verdict == "not testable here":
        return ""
    same = finding.runs.count("reproduced")
    return f"reproduced in {same} of {len(finding.runs)} runs"


def _item(finding: Finding, labels: Mapping[str, str]) -> str:
    claim = finding.claim
    source = f" ({claim.source})" if claim.source else ""
    lines = [f"- {_verdict(finding)}: **{claim.id}**{source} {plain_markdown(claim.text)}"]
    lines += [plain_markdown(text) for text in (*remarks_of(finding), *details_of(finding, labels))]
    return "\n".join([lines[0], *(f"  - {line}" for line in lines[1:])])


def remarks_of(finding: Finding) -> list[str]:
    """Return how a claim is read, what has to be known, and what the printed numbers say."""
    claim = finding.claim
    remarks = [claim.untestable] if claim.untestable else []
    remarks += [f"read as: {claim.reading}"] if claim.reading else []
    remarks += [f"note: {claim.note}"] if claim.note else []
    printed = [each.printed.holds for each in finding.checks if each.printed.holds is not None]
    if printed:
        remarks.append(f"printed numbers: {printed.count(True)} of {len(printed)} checks hold")
    over_runs = agreement(finding)
    return [*remarks, over_runs] if over_runs else remarks


def details_of(finding: Finding, labels: Mapping[str, str]) -> list[str]:
    """Return the checks that a reader wants: those that fail, else the weakest."""
    holds = [each.joint.holds for each in finding.checks]
    if len(holds) > 1:
        counted = f"{holds.count(True)} of {len(holds)} checks hold"
        missing = holds.count(None)
        details = [f"{counted}, {missing} not measured" if missing else counted]
    else:
        details = []
    failed = sorted((c for c in finding.checks if c.joint.holds is False), key=_slack)
    missed = [each for each in finding.checks if each.joint.holds is None]
    if failed:
        details += [f"fails: {describe(each, labels)}" for each in failed[:MOST_CHECKS]]
        if len(failed) > MOST_CHECKS:
            details.append(f"and {len(failed) - MOST_CHECKS} more")
    elif finding.verdict == "reproduced" and (nearest := weakest(finding)):
        details.append(f"{'weakest: ' if details else ''}{describe(nearest, labels)}")
    reasons = dict.fromkeys(each.joint.reason for each in missed)
    return details + [f"missing: {reason}" for reason in list(reasons)[:MOST_CHECKS]]


def _subject(check: Check, labels: Mapping[str, str]) -> str:
    name = labels.get(check.measured, check.measured)
    if check.kind in ("change", "range"):
        return f"{check.number} over {name}"
    if check.reference is None:
        return f"{check.number} of {name}"
    if check.number != check.reference_number:
        return f"{check.number} against {check.reference_number} of {name}"
    return f"{check.number} of {name} against {labels.get(check.reference, check.reference)}"


def _slack(checked: Checked) -> float:
    """How far the margin is on the right side of the limit."""
    margin = checked.joint.margin
    if margin is None:
        return float("inf")
    if checked.check.bound in ("above", "at_least"):
        return margin - checked.check.limit
    if checked.check.bound in ("below", "at_most"):
        return checked.check.limit - margin
    return -abs(margin) if checked.joint.holds is False else abs(margin)


def _verdict(finding: Finding) -> str:
    text = verdict_text(finding)
    return text if finding.verdict == "reproduced" else f"**{text}**"
