"""Settings as nested plain mappings: change, leave out and look for fields by their path."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

Settings = Mapping[str, Any]


def merged(settings: Settings, changes: Settings) -> dict[str, Any]:
    """Return settings with the (nested) changes applied."""
    result = dict(settings)
    for name, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(result.get(name), Mapping)
        result[name] = merged(result[name], value) if nested else value
    return result


def without(settings: Settings, path: Sequence[str]) -> dict[str, Any]:
    """Return settings without the field at a path."""
    first, *rest = path
    if first not in settings or not rest:
        return {name: value for name, value in settings.items() if name != first}
    return {**settings, first: without(settings[first], rest)}


def has(settings: Settings, path: Sequence[str]) -> bool:
    """Tell whether settings hold a field at a path."""
    first, *rest = path
    return first in settings and (not rest or has(settings[first], rest))
