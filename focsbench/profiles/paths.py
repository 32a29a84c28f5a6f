"""Paths in a profile file: relative to the folder of the file, ``~`` for the home folder."""

from __future__ import annotations

import copy
from collections.abc import Mapping
from pathlib import Path
from typing import Any

# Fields of a profile that hold a path; ``*`` stands for every field of a table.
PATH_FIELDS = (
    "face_model_file",
    "data.*",
    "data.*.folder",
    "data.*.landmarks",
    "data.*.masks",
    "data.*.partition",
    "data.*.identities",
    "method.changes.encoder.weights",
    "method.changes.recognition.weights",
)


def anchored(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the values of a profile with its paths made independent of the working folder.

    Args:
        values: as read from TOML.
        folder: of the file.
    """
    changed = copy.deepcopy(dict(values))
    for field in PATH_FIELDS:
        _anchor(changed, field.split("."), folder)
    return changed


def _anchor(table: Any, parts: list[str], folder: Path) -> None:
    if not isinstance(table, dict):
        return
    for name in list(table) if parts[0] == "*" else [parts[0]]:
        value = table.get(name)
        if len(parts) > 1:
            _anchor(value, parts[1:], folder)
        elif isinstance(value, str) and value:
            table[name] = str((folder / Path(value).expanduser()).absolute())
