"""The claims with their verdicts, for the top of the page."""

from __future__ import annotations

from dataclasses import dataclass

from focsbench.reports.base import ReportContext
from focsbench.reports.evidence import evidence_of
from focsbench.reports.findings import (
    EXPLANATION,
    describe,
    details_of,
    remarks_of,
    verdict_text,
    weakest,
)
from focsbench.reports.judging import VERDICTS, Finding, judge

SIGNS = {"reproduced": "✓", "not reproduced": "✗", "not measured": "–", "not testable here": "·"}


@dataclass(frozen=True)
class PageClaim:
    """A claim as the template prints it.

    verdict: of :data:`focsbench.reports.judging.VERDICTS`; text adds whether it is clear.
    margin: the check that decides, in one line, or why there is none.
    """

    id: str
    source: str
    text: str
    verdict: str
    words: str
    sign: str
    margin: str
    details: tuple[str, ...]


@dataclass(frozen=True)
class PageClaims:
    """All claims, the number of each verdict, and how verdicts are made."""

    claims: tuple[PageClaim, ...]
    counts: tuple[tuple[str, str, int], ...]
    clear: int
    explanation: str


def claims_data(context: ReportContext) -> PageClaims:
    """Judge all claims by the run."""
    findings = judge([evidence_of(context)])
    verdicts = [finding.verdict for finding in findings]
    return PageClaims(
        claims=tuple(_claim(finding, context) for finding in findings),
        counts=tuple((verdict, SIGNS[verdict], verdicts.count(verdict)) for verdict in VERDICTS),
        clear=sum(f.is_clear for f in findings if f.verdict == "reproduced"),
        explanation=EXPLANATION,
    )


def _claim(finding: Finding, context: ReportContext) -> PageClaim:
    nearest = weakest(finding)
    claim = finding.claim
    return PageClaim(
        id=claim.id,
        source=claim.source,
        text=claim.text,
        verdict=finding.verdict,
        words=verdict_text(finding),
        sign=SIGNS[finding.verdict],
        margin=describe(nearest, context.labels) if nearest else "",
        details=(*remarks_of(finding), *details_of(finding, context.labels)),
    )
