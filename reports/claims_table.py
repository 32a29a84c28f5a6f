"""All checks of all claims as tidy rows."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd

from .judging import Checked, Finding, Outcome

ALL_RUNS = "all"


def claims_csv(findings: Sequence[Finding], runs: Sequence[str]) -> str:
    """Return a CSV with a line per claim, check and run; with several runs also for all together.

    Columns: claim, run, verdict, kind, measured, reference, number, reference_number, values (in
    the order of what is compared, separated by spaces), margin, low, high (95 % interval),
    needed, holds (yes, no or empty), images, printed_margin, printed_holds, reason.
    A claim without checks has one line.
    """
    rows = []
    for finding in findings:
        several = [(ALL_RUNS, finding.verdict)] if len(runs) > 1 else []
        for place, (run, verdict) in enumerate([*zip(runs, finding.runs, strict=True), *several]):
            head = {"claim": finding.claim.id, "run": run, "verdict": verdict}
            rows += [
                {**head, **_row(each, each.joint if place == len(runs) else each.runs[place])}
                for each in finding.checks
            ]
            if not finding.checks:
                rows.append({**head, "reason": finding.claim.untestable})
    return pd.DataFrame(rows).to_csv(index=False, float_format="%.6g", lineterminator="\n")


def _row(checked: Checked, outcome: Outcome) -> dict[str, object]:
    check, interval, printed = checked.check, outcome.interval, checked.printed
    return {
        "kind": check.kind,
        "measured": check.measured,
        "reference": check.reference,
        "number": str(check.number),
        "reference_number": str(check.reference_number) if check.reference else None,
        "values": " ".join(f"{value:.6g}" for value in outcome.values),
        "margin": outcome.margin,
        "low": interval.low if interval else None,
        "high": interval.high if interval else None,
        "needed": check.needed,
        "holds": _word(outcome.holds),
        "images": outcome.images,
        "printed_margin": printed.margin,
        "printed_holds": _word(printed.holds),
        "reason": outcome.reason,
    }


def _word(holds: bool | None) -> str:
    return "" if holds is None else "yes" if holds else "no"
