"""The claims judged by one or more runs: a page, and a list for the terminal."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping, Sequence
from pathlib import Path

from tabulate import tabulate

from .base import write_text
from .claims_table import claims_csv
from .findings import agreement, findings_markdown, margin_text, verdict_text, weakest
from .judging import Finding
from .table_writers import plain_markdown

INDENT = " " * 4


def claims_page(findings: Sequence[Finding], labels: Mapping[str, str], runs: Sequence[str]) -> str:
    """Return ``claims.md``: the runs, verdicts run by run if there are several, and all claims.

    Args:
        findings: by these runs.
        labels: printed name by method.
        runs: their names.
    """
    names = "\n".join(f"- {plain_markdown(name)}" for name in runs)
    parts = ["# Which claims are reproduced", names]
    if len(runs) > 1:
        parts += ["## Run by run", _run_by_run(findings, runs), "## All runs together"]
        parts.append("Margins are means over the runs; an interval is that of the mean.")
    return "\n\n".join([*parts, findings_markdown(findings, labels)]) + "\n"


def write_claims(
    findings: Sequence[Finding], labels: Mapping[str, str], runs: Sequence[str], page: Path
) -> list[Path]:
    """Write :func:`claims_page` to ``page``, and all checks to the CSV of the same name."""
    return [
        write_text(page, claims_page(findings, labels, runs)),
        write_text(page.with_suffix(".csv"), claims_csv(findings, runs)),
    ]


def claims_text(findings: Sequence[Finding], width: int = 100) -> str:
    """Return the claims for a terminal: two lines each, the numbers and the statement."""
    names = max(len(finding.claim.id) for finding in findings)
    verdicts = max(len(verdict_text(finding)) for finding in findings)
    lines = []
    for finding in findings:
        head = f"{finding.claim.id:<{names}}  {verdict_text(finding):<{verdicts}}"
        lines.append(f"{head}  {_numbers(finding)}".rstrip())
        lines += textwrap.wrap(
            finding.claim.untestable or finding.claim.text,
            width,
            initial_indent=INDENT,
            subsequent_indent=INDENT,
        )
    return "\n".join(lines)


def _numbers(finding: Finding) -> str:
    """Return how many checks hold, the weakest of them, and in how many runs the claim does."""
    nearest = weakest(finding)
    if nearest is None:
        return ""
    parts = [f"{_holds(finding)} hold" if len(finding.checks) > 1 else ""]
    parts.append(f"{margin_text(nearest.check, nearest.joint)}, needed {nearest.check.needed}")
    if len(finding.runs) > 1:
        parts.append(agreement(finding))
    return "; ".join(part for part in parts if part)


def _holds(finding: Finding) -> str:
    holds = [each.joint.holds for each in finding.checks]
    return f"{holds.count(True)}/{len(holds)}" if holds else ""


def _run_by_run(findings: Sequence[Finding], runs: Sequence[str]) -> str:
    rows = [
        [finding.claim.id, verdict_text(finding), *finding.runs]
        for finding in findings
        if finding.checks
    ]
    headings = ["claim", "together", *(name.partition(":")[0] for name in runs)]
    return tabulate(rows, headings, tablefmt="github", disable_numparse=True)
