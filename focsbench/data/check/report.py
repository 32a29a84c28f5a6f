"""What a check of a dataset says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from focsbench.geometry.diagnosis_finding import Finding, Severity, error, warning

SHOWN = 3  # examples that a message names


@dataclass(frozen=True)
class Scan:
    """How to look: at which folder, how closely, with how many processes."""

    path: Path
    decode: bool
    workers: int


@dataclass(frozen=True)
class Count:
    """How many of something were found and published; None where no number is published."""

    what: str
    found: int
    published: int | None = None


@dataclass
class CheckReport:
    """What was found.

    dataset: name of the layout; path: folder that was looked at in the end.
    counts: in the order of the page. findings: errors and warnings with advice.
    usable: images that a run can use, by part of the dataset (split, challenge).
    damaged: files that cannot be used, with the reason.
    steps: what to do next, in this order.
    """

    dataset: str
    path: Path
    counts: list[Count] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)
    usable: dict[str, int] = field(default_factory=dict)
    damaged: dict[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    def count(self, what: str, found: int, published: int | None = None) -> None:
        """Add a line to the table."""
        self.counts.append(Count(what, found, published))

    def error(self, name: str, message: str, step: str = "") -> None:
        """Add what keeps images or the whole from being used, and what to do about it."""
        self.findings.append(error(name, f"{message}."))
        self.do(step)

    def warning(self, name: str, message: str, step: str = "") -> None:
        """Add what may be meant so, but should be known."""
        self.findings.append(warning(name, f"{message}."))
        self.do(step)

    def do(self, step: str) -> None:
        """Add a next step, once."""
        if step and step not in self.steps:
            self.steps.append(step)

    @property
    def exit_code(self) -> int:
        """0 all can be used, 2 something cannot, 1 nothing can."""
        if not any(self.usable.values()):
            return 1
        return 2 if any(one.severity is Severity.ERROR for one in self.findings) else 0

    def as_json(self) -> dict[str, Any]:
        """Return all of it as JSON values."""
        return {
            "dataset": self.dataset,
            "path": str(self.path),
            "exit_code": self.exit_code,
            "counts": [
                {"what": one.what, "found": one.found, "published": one.published}
                for one in self.counts
            ],
            "usable": self.usable,
            "findings": [
                {"name": one.name, "severity": str(one.severity), "message": one.message}
                for one in self.findings
            ],
            "damaged": self.damaged,
            "next": self.steps,
        }


def some(names: Sequence[object]) -> str:
    """Return the first few of many names."""
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return ", ".join(str(name) for name in names[:SHOWN]) + more


def report_lines(report: CheckReport) -> list[str]:
    """Return the report as lines for a terminal, without the findings."""
    width = max((len(one.what) for one in report.counts), default=4)
    lines = [f"{report.dataset} in {report.path}", "", f"{'':<{width}}  {'found':>8}  published"]
    for one in report.counts:
        published = "" if one.published is None else f"{one.published:>9}"
        lines.append(f"{one.what:<{width}}  {one.found:>8}  {published}".rstrip())
    usable = ", ".join(f"{part} {number}" for part, number in report.usable.items())
    return [*lines, "", f"images that can be used: {usable or 'none'}"]
