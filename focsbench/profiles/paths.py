"""Paths in a profile file: relative to the folder of the file, ``~`` for the home folder."""

from __future__ import annotations

import copy
import re
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
    "rows.*.face_model_file",
    "method.changes.encoder.weights",
    "method.changes.unet.weights",
    "method.changes.recognition.weights",
)


def is_path_field(field: str, value: str) -> bool:
    """Whether a field of a profile holds a path; weights without a folder are names."""
    if field.endswith(".weights") and "/" not in value:
        return False
    return any(re.fullmatch(known.replace("*", r"\w+"), field) for known in PATH_FIELDS)


def anchored(values: Mapping[str, Any], folder: Path) -> dict[str, Any]:
    """Return the values of a profile with its paths made independent of the working folder.

    Args:
        values: as read from TOML.
        folder: of the file.
    """
    changed = copy.deepcopy(dict(values))
    _anchor(changed, "", folder)
    return changed


def _anchor(table: dict[str, Any], prefix: str, folder: Path) -> None:
    for name, value in table.items():
        field = f"{prefix}{name}"
        if isinstance(value, dict):
            _anchor(value, f"{field}.", folder)
        elif isinstance(value, str) and value and is_path_field(field, value):
            table[name] = str((folder / Path(value).expanduser()).absolute())
