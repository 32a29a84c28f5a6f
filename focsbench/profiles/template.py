"""A profile as a file to edit: the text that comes along, with fields filled in."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Iterable
from importlib import resources
from pathlib import Path

from focsbench.errors import ConfigError
from focsbench.profiles.paths import is_path_field
from focsbench.profiles.profile import profile_names
from focsbench.registry import unknown

_FIELD = re.compile(r"#?([a-z_.]+) *= *(.*)")


def profile_text(name: str, changes: Iterable[str] = ()) -> str:
    """Return the text of a profile that comes along.

    Args:
        name: of the profile.
        changes: ``field=value``, each for a field that has a line in the text, commented out or
            not. Paths become absolute, so that the file may lie anywhere.

    Raises:
        ConfigError: if there is no such profile, or no line for a field.
    """
    if name not in profile_names():
        raise unknown("profile", name, profile_names())
    text = resources.files(__package__).joinpath(f"{name}.toml").read_text(encoding="utf-8")
    lines = text.splitlines()
    for change in changes:
        _fill_in(lines, name, change)
    return "\n".join(lines) + "\n"


def offered_fields(text: str) -> dict[str, str]:
    """Return the fields that a text offers commented out, with their examples in TOML syntax."""
    matches = (_FIELD.fullmatch(line) for line in text.splitlines() if line.startswith("#"))
    return {match[1]: match[2] for match in matches if match is not None}


def _fill_in(lines: list[str], profile: str, change: str) -> None:
    field, equals, value = (part.strip() for part in change.partition("="))
    places = [i for i, line in enumerate(lines) if (m := _FIELD.fullmatch(line)) and m[1] == field]
    if not equals or not places:
        known = ", ".join(offered_fields("\n".join(lines)))
        raise ConfigError(f"--set {change}: {profile}.toml has no line for it; it has {known}.")
    lines[places[0]] = f"{field} = {_toml(field, value)}"


def _toml(field: str, value: str) -> str:
    if is_path_field(field, value):
        value = str(Path(value).expanduser().absolute())
    else:
        try:
            tomllib.loads(f"value = {value}")
        except tomllib.TOMLDecodeError:
            pass
        else:
            return value
    return json.dumps(value, ensure_ascii=False)  # a TOML string is written as in JSON
