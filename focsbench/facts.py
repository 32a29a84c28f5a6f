"""Nested settings and facts as lines that people read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any


def flat_facts(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, str]]:
    """Yield dotted names with their values as text."""
    for name, value in values.items():
        if isinstance(value, Mapping) and value:
            yield from flat_facts(value, f"{prefix}{name}.")
        elif isinstance(value, list | tuple):
            yield f"{prefix}{name}", ", ".join(map(str, value)) or "none"
        else:
            yield f"{prefix}{name}", "none" if value is None or value == {} else str(value)
