"""What a diagnosis says: a named finding with its severity and one sentence of advice."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """WARNING: the score stands, look at its cause. ERROR: the score is not that of a face."""

    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """One thing that is wrong with a prediction.

    name: identifier in result files, lower case with underscores.
    severity: how much it matters.
    message: one sentence that says what is wrong and what to do.
    """

    name: str
    severity: Severity
    message: str

    def __str__(self) -> str:
        return f"{self.name}: {self.message}"


def warning(name: str, message: str) -> Finding:
    """Make a finding of severity WARNING."""
    return Finding(name, Severity.WARNING, message)


def error(name: str, message: str) -> Finding:
    """Make a finding of severity ERROR."""
    return Finding(name, Severity.ERROR, message)
