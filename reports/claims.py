"""Claims about a run as data, and what the run has to say about each."""

from __future__ import annotations

import operator
import tomllib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Literal

import pandas as pd

from .summary import Entry, Key, index_summary

Verdict = Literal["held", "did not hold", "not measured"]
BOUNDS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "above": (">", operator.gt),
    "at_least": ("≥", operator.ge),
    "below": ("<", operator.lt),
    "at_most": ("≤", operator.le),
}


@dataclass(frozen=True)
class Claim:
    """A bound on one number, or on its relative difference to the number of another method.

    number: (protocol, subset, metric).
    reference: method that ``measured`` is compared with; None bounds the number itself.
    bound: key of :data:`BOUNDS`; ``limit`` is relative (0.15 = 15 %) with a reference.
    """

    id: str
    text: str
    measured: str
    reference: str | None
    number: tuple[str, str, str]
    bound: str
    limit: float

    def summary_keys(self) -> list[Key]:
        """Summary keys of the measured method and, where there is one, of the reference."""
        methods = [self.measured] if self.reference is None else [self.measured, self.reference]
        return [(method, *self.number) for method in methods]


@dataclass(frozen=True)
class Finding:
    """A claim with what was measured: one entry per key of the claim, and the verdict.

    margin: the bounded quantity (relative difference, or the number itself); None if missing.
    """

    claim: Claim
    entries: tuple[Entry | None, ...]
    margin: float | None
    verdict: Verdict


@cache
def load_claims() -> tuple[Claim, ...]:
    """Return the claims of ``claims.toml`` in order."""
    text = resources.files(__package__).joinpath("claims.toml").read_text(encoding="utf-8")
    return tuple(parse_claim(fields) for fields in tomllib.loads(text)["claim"])


def parse_claim(fields: Mapping[str, str | float]) -> Claim:
    """Build a claim from one entry of ``claims.toml``.

    Raises:
        ValueError: if the entry does not have exactly one bound, or a malformed number.
    """
    bounds = [name for name in BOUNDS if name in fields]
    if len(bounds) != 1:
        raise ValueError(f"claim {fields['id']}: give exactly one of {', '.join(BOUNDS)}")
    protocol, subset, metric = str(fields["number"]).split("/")
    return Claim(
        id=str(fields["id"]),
        text=str(fields["text"]),
        measured=str(fields["measured"]),
        reference=str(fields["reference"]) if "reference" in fields else None,
        number=(protocol, subset, metric),
        bound=bounds[0],
        limit=float(fields[bounds[0]]),
    )


def evaluate(summary: pd.DataFrame, claims: tuple[Claim, ...] | None = None) -> list[Finding]:
    """Judge each claim (default: all of :func:`load_claims`) by the unrounded summary."""
    entries = index_summary(summary)
    return [_judge(claim, entries) for claim in (load_claims() if claims is None else claims)]


def _judge(claim: Claim, entries: Mapping[Key, Entry]) -> Finding:
    found = tuple(entries.get(key) for key in claim.summary_keys())
    values = [entry.value for entry in found if entry is not None and entry.value is not None]
    relative = claim.reference is not None
    if len(values) < len(found) or (relative and values[1] == 0):
        return Finding(claim, found, None, "not measured")
    margin = (values[0] - values[1]) / values[1] if relative else values[0]
    holds = BOUNDS[claim.bound][1](margin, claim.limit)
    return Finding(claim, found, margin, "held" if holds else "did not hold")
