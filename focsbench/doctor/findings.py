"""What the doctor says about one thing."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """OK: there. MISSING: not there, and only needed for what the text says. BROKEN: needed."""

    OK = "ok"
    MISSING = "missing"
    BROKEN = "broken"


@dataclass(frozen=True)
class Item:
    """One line: what it is, how it is, and what to know or do about it."""

    name: str
    state: State
    text: str = ""


@dataclass(frozen=True)
class Section:
    """Lines that belong together."""

    title: str
    items: tuple[Item, ...]


def section(title: str, items: Iterable[Item]) -> Section:
    """Make a section."""
    return Section(title, tuple(items))


def is_broken(sections: Iterable[Section]) -> bool:
    """Whether something that is needed is broken."""
    return any(item.state is State.BROKEN for one in sections for item in one.items)


def as_json(sections: Iterable[Section], steps: dict[str, list[str]]) -> dict[str, Any]:
    """Return everything as JSON values."""
    sections = list(sections)
    return {
        "broken": is_broken(sections),
        "sections": {
            one.title: [
                {"name": item.name, "state": str(item.state), "text": item.text}
                for item in one.items
            ]
            for one in sections
        },
        "next": steps,
    }
