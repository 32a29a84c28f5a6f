"""Claims about results as data: what is compared with what, and how the answer has to look."""

from __future__ import annotations

import operator
import tomllib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import resources
from itertools import product
from typing import Any, Literal

from .evidence import Number

FILES = ("claims_paper.toml", "claims.toml")
BOUNDS: dict[str, tuple[str, Callable[[float, float], bool]]] = {
    "above": (">", operator.gt),
    "at_least": ("≥", operator.ge),
    "below": ("<", operator.lt),
    "at_most": ("≤", operator.le),
}
NO_DIFFERENCE = "no_difference"
Kind = Literal["value", "difference", "change", "range"]
SWEEP = "eta_sweep"
_FIELDS = {"measured", "reference", "number", "reference_number", "change", "range"}


@dataclass(frozen=True)
class Check:
    """One comparison of measured numbers.

    kind: what is bounded.
        ``value``: the number of ``measured`` itself.
        ``difference``: (measured - reference) / reference; ``reference`` is a method, and
        ``reference_number`` its number (the same one unless a claim compares two).
        ``change``: number at the largest minus at the smallest value of a swept setting, whose
        name is ``measured``.
        ``range``: greatest minus least value over the swept setting.
    bound: key of :data:`BOUNDS`, or ``no_difference``: the interval has to include 0.
    limit: relative (0.15 = 15 %) for a difference, else in the unit of the number.
    """

    kind: Kind
    measured: str
    reference: str | None
    number: Number
    reference_number: Number
    bound: str
    limit: float

    def holds(self, margin: float) -> bool:
        """Say whether a margin is on the right side of the limit; not for ``no_difference``."""
        return BOUNDS[self.bound][1](margin, self.limit)

    @property
    def needed(self) -> str:
        """What is asked of the margin, in symbols."""
        if self.bound == NO_DIFFERENCE:
            return "interval with 0"
        return f"{BOUNDS[self.bound][0]} {self.amount(self.limit)}"

    def amount(self, margin: float) -> str:
        """Print a margin in its unit."""
        if self.kind == "difference":
            return f"{100 * margin:+.1f} %" if round(100 * margin, 1) else "0 %"
        return f"{margin:.3f}" if self.kind in ("value", "range") else f"{margin:+.3f}"


@dataclass(frozen=True)
class Claim:
    """A statement and the checks that decide it.

    source: where it is made. reading: how words such as "competitive" are read as limits.
    note: what a reader has to know, e.g. that the paper's text and table disagree.
    share: the share of the checks that has to hold.
    table: the table of printed numbers that the checks are also tried on.
    untestable: why no run of this kind can test it; then there are no checks.
    """

    id: str
    text: str
    source: str = ""
    reading: str = ""
    note: str = ""
    share: float = 1.0
    table: str = ""
    untestable: str = ""
    checks: tuple[Check, ...] = ()


@cache
def load_claims() -> tuple[Claim, ...]:
    """Return the claims of the paper, then the project's own, in the order of their files."""
    folder = resources.files(__package__)
    texts = [folder.joinpath(name).read_text(encoding="utf-8") for name in FILES]
    return tuple(parse_claim(fields) for text in texts for fields in tomllib.loads(text)["claim"])


@cache
def printed_labels() -> Mapping[str, str]:
    """Return the name that the paper prints for a method, by our name of it."""
    text = resources.files(__package__).joinpath(FILES[0]).read_text(encoding="utf-8")
    return dict(tomllib.loads(text)["printed"])


def parse_claim(fields: Mapping[str, Any]) -> Claim:
    """Build a claim from one entry of a claims file.

    Raises:
        ValueError: naming the claim, if a check is malformed, or there is none and no reason why.
    """
    try:
        entries = fields.get("check", [])
        checks = tuple(check for entry in entries for check in parse_checks(entry))
        claim = Claim(**{k: v for k, v in fields.items() if k != "check"}, checks=checks)
    except (TypeError, ValueError) as error:
        raise ValueError(f"claim {fields.get('id')}: {error}") from None
    if bool(claim.checks) == bool(claim.untestable):
        raise ValueError(f"claim {claim.id}: give either checks or why it is untestable")
    return claim


def parse_checks(entry: Mapping[str, Any]) -> Iterator[Check]:
    """Yield the checks of an entry: all combinations where several names or numbers are listed.

    Raises:
        ValueError: if there is not exactly one bound, one thing to measure, or a field is unknown.
    """
    bounds = [name for name in (*BOUNDS, NO_DIFFERENCE) if name in entry]
    kinds = [name for name in ("measured", "change", "range") if name in entry]
    if len(bounds) != 1:
        raise ValueError(f"give exactly one of {', '.join(BOUNDS)}, {NO_DIFFERENCE}")
    if len(kinds) != 1:
        raise ValueError("give exactly one of measured, change, range")
    unknown = set(entry) - _FIELDS - set(bounds)
    if unknown:
        raise ValueError(f"unknown fields {', '.join(sorted(unknown))}")
    limit = 0.0 if bounds[0] == NO_DIFFERENCE else float(entry[bounds[0]])
    other = entry.get("reference_number")
    for text, name, reference in product(
        _several(entry["number"]), _several(entry[kinds[0]]), _several(entry.get("reference"))
    ):
        number = Number.parse(text)
        compared = Number.parse(other.format(metric=number.metric)) if other else number
        same = reference == name and compared == number
        if same or (reference is None and (bounds[0] == NO_DIFFERENCE or other is not None)):
            raise ValueError("a comparison needs two different numbers")
        kind = _kind(kinds[0], reference)
        yield Check(kind, name, reference, number, compared, bounds[0], limit)


def _kind(field: str, reference: str | None) -> Kind:
    if field == "change":
        return "change"
    if field == "range":
        return "range"
    return "value" if reference is None else "difference"


def _several(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
