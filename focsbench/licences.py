"""Licences of what focsbench stands on, as the installed packages and the models state them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import metadata

_NAME = re.compile(r"[A-Za-z0-9._-]+")
_EXTRA = re.compile(r"extra\s*==")
_LONGEST = 60  # characters; some packages put the whole text into the field


@dataclass(frozen=True)
class Licence:
    """A package or model, its version (empty for models) and its licence in short."""

    name: str
    version: str
    licence: str


def dependency_licences(package: str = "focsbench") -> list[Licence]:
    """Return the licences of the packages that one needs to run, sorted by name.

    Extras are included where they are installed.
    """
    found: dict[str, Licence] = {}
    for requirement in metadata.requires(package) or []:
        match = _NAME.match(requirement)
        if match is None or match[0] == package:
            continue
        try:
            distribution = metadata.distribution(match[0])
        except metadata.PackageNotFoundError:
            if not _EXTRA.search(requirement):
                found[match[0]] = Licence(match[0], "", "not installed")
            continue
        facts = {key: distribution.metadata.get_all(key) or [] for key in _FIELDS}
        found[match[0]] = Licence(match[0], distribution.version, stated_licence(facts))
    return [found[name] for name in sorted(found, key=str.lower)]


def model_licences() -> list[Licence]:
    """Return the licences of the face models that can be fitted; none of them is included."""
    from focsbench.face_models.sources import SOURCES

    return [Licence(source.title, "", source.licence) for source in SOURCES.values()]


_FIELDS = ("License-Expression", "License", "Classifier")


def stated_licence(facts: Mapping[str, list[str]]) -> str:
    """Return what the metadata of a package says, the most precise field first.

    Args:
        facts: values by field: ``License-Expression``, ``License``, ``Classifier``.
    """
    for field in ("License-Expression", "License"):
        for value in facts.get(field, []):
            line = value.strip().splitlines()[0].strip() if value.strip() else ""
            if line and line.upper() != "UNKNOWN":
                return line if len(line) <= _LONGEST else line[: _LONGEST - 1] + "…"
    classifiers = [one for one in facts.get("Classifier", []) if one.startswith("License ::")]
    return ", ".join(one.rpartition(" :: ")[2] for one in classifiers) or "not stated"
