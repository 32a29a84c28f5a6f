"""What held and what did not, computed from the run."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from .base import ReportContext, write_text
from .claims import BOUNDS, Claim, Finding, evaluate
from .summary import Entry
from .table_writers import plain_markdown

VERDICTS = ("did not hold", "not measured", "held")


class Findings:
    """The claims of ``claims.toml`` with values, margins and verdicts, as ``findings.md``."""

    name = "findings"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`."""
        text = f"# What held and what did not\n\n{findings_section(context)}"
        return [write_text(context.output / "findings.md", text)]


def findings_section(context: ReportContext) -> str:
    """Return the verdicts on a run as Markdown without a heading."""
    return findings_markdown(evaluate(context.summary), context)


def headline(findings: Sequence[Finding]) -> str:
    """One sentence for the terminal: how many claims held, and which did not."""
    by_verdict = {
        verdict: [finding.claim.id for finding in findings if finding.verdict == verdict]
        for verdict in VERDICTS
    }
    text = f"{len(by_verdict['held'])} of {len(findings)} claims held"
    for verdict in VERDICTS[:2]:
        if by_verdict[verdict]:
            text += f"; {verdict}: {', '.join(by_verdict[verdict])}"
    return f"{text}."


def findings_markdown(findings: Sequence[Finding], context: ReportContext) -> str:
    """Return the headline and a list of the claims, in the order they are given.

    A list and not a table: it is also read on terminals, where wide rows would break.
    """
    items = "\n".join(_item(finding, context) for finding in findings)
    return (
        f"{headline(findings)}\n\n{items}\n\n"
        "Margin: relative difference of the first to the second value, or the value itself where "
        "there is only one. Verdicts use unrounded numbers of this one run; they say nothing "
        "about significance."
    )


def _item(finding: Finding, context: ReportContext) -> str:
    claim = finding.claim
    methods = [key[0] for key in claim.summary_keys()]
    values = ", ".join(
        f"{context.labels.get(method, method)} {_value(entry)}"
        for method, entry in zip(methods, finding.entries, strict=True)
    )
    needed = f"{BOUNDS[claim.bound][0]} {_amount(claim, claim.limit)}"
    verdict = finding.verdict if finding.verdict == "held" else f"**{finding.verdict}**"
    return (
        f"- {verdict}: {plain_markdown(claim.text)}\n"
        f"  ({plain_markdown(values)}; margin {_amount(claim, finding.margin)}, needed {needed})"
    )


def _value(entry: Entry | None) -> str:
    if entry is None or entry.value is None:
        return "—"
    # A method that failed on hard images is compared on easier ones: say so beside the number.
    done = "" if entry.done_rate == 1 else f" ({100 * entry.done_rate:.1f} % done)"
    return f"{entry.value:.3f}{done}"


def _amount(claim: Claim, amount: float | None) -> str:
    if amount is None:
        return "—"
    if claim.reference is None:
        return f"{amount:.3f}"
    return f"{100 * amount:+.1f} %" if amount else "0 %"
