"""Baselines, protocols, reports and engines by name, found through entry points, loaded when used.

A package of anybody's adds a row, a protocol, a report or what runs networks by an entry point in
one of the groups ``focsbench.baselines``, ``focsbench.protocols``, ``focsbench.reports``,
``focsbench.engines``; the built-in ones are registered in the same way.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable
from enum import StrEnum
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from focsbench.errors import ConfigError, shown

NAME = re.compile(r"[a-z0-9][a-z0-9_.-]*")  # what the names of steps and files can have in them
NAMES_HAVE = "a-z, 0-9, '_', '.' and '-', a letter or digit first"


class Kind(StrEnum):
    """The entry-point groups."""

    BASELINE = "focsbench.baselines"
    PROTOCOL = "focsbench.protocols"
    REPORT = "focsbench.reports"
    ENGINE = "focsbench.engines"

    @property
    def noun(self) -> str:
        """The word for one member of the group."""
        return self.name.lower()


def require_usable(kind: Kind, name: str) -> None:
    """Refuse a name that a run cannot give to steps and files.

    Raises:
        ConfigError: if the name is unknown, or has other characters than those of ``NAME``.
    """
    target(kind, name)
    if not NAME.fullmatch(name):
        raise ConfigError(
            f"{kind.noun} {shown(name)}: this name cannot be part of the names of steps and files; "
            f"its package has to call it by {NAMES_HAVE}."
        )


def names(kind: Kind) -> list[str]:
    """Return the registered names, sorted."""
    return sorted(_members(kind))


def target(kind: Kind, name: str) -> str:
    """Return ``package.module:Class`` of a registered name, without importing it.

    Raises:
        ConfigError: if the name is unknown; names the nearest one and lists all.
    """
    return _member(kind, name).value


def load(kind: Kind, name: str) -> Any:
    """Import and return the class behind a registered name.

    Raises:
        ConfigError: if the name is unknown or its package cannot be imported.
    """
    member = _member(kind, name)
    try:
        return member.load()
    except (ImportError, AttributeError, NameError, SyntaxError) as error:
        raise ConfigError(
            f"{kind.noun} {name}: {member.value} cannot be loaded ({error}); "
            "install its package again."
        ) from error


def unknown(noun: str, name: str, known: Iterable[str]) -> ConfigError:
    """Return the error for a name that nothing has, with the nearest known name."""
    choices = sorted(known)
    near = difflib.get_close_matches(name, choices, n=1)
    hint = f"did you mean {near[0]}? " if near else ""
    return ConfigError(
        f"no {noun} is called {shown(name)}; {hint}known are: {', '.join(choices) or 'none'}."
    )


def _member(kind: Kind, name: str) -> EntryPoint:
    members = _members(kind)
    if name not in members:
        raise unknown(kind.noun, name, members)
    return members[name]


@cache
def _members(kind: Kind) -> dict[str, EntryPoint]:
    members: dict[str, EntryPoint] = {}
    for point in entry_points(group=kind.value):
        other = members.setdefault(point.name, point)
        if other.value != point.value:
            raise ConfigError(
                f"two packages register the {kind.noun} {point.name} "
                f"({other.value} and {point.value}); uninstall one of them."
            )
    return members
