"""Where the numbers come from: protocol cards, settings and environment, as nested lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from focsbench.facts import flat_facts
from focsbench.reports.base import ReportContext


@dataclass(frozen=True)
class Card:
    """A protocol card: name with version and hash, and its rules (name and text)."""

    title: str
    rules: tuple[tuple[str, str], ...]


def protocol_cards(cards: Mapping[str, str]) -> list[Card]:
    """Read the Markdown of the cards: a heading, then one line ``- rule: value`` per rule."""
    return [_card(name, text) for name, text in cards.items()]


def _card(name: str, text: str) -> Card:
    title, rules = name, []
    for line in text.splitlines():
        if line.startswith("#"):
            title = line.lstrip("# ")
        elif line.startswith("- "):
            rule, _, value = line[2:].partition(": ")
            rules.append((rule, value))
    return Card(title, tuple(rules))


def provenance_tables(context: ReportContext) -> list[tuple[str, list[tuple[str, str]]]]:
    """Return settings and environment: a title, and dotted names with their values."""
    parts = (("Environment", context.environment), ("Settings", context.config))
    return [(title, list(flat_facts(values))) for title, values in parts if values]
