"""A complete result of a step: a folder whose files ``artefact.json`` describes.

``artefact.json`` says what the content key is made of, size and SHA-256 of every file, and what
making them took. A folder without it, or with another one, is no result.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from focsbench.errors import CacheError
from focsbench.files import sha256_of
from focsbench.items import JOURNAL

DESCRIPTION = "artefact.json"
FAILURES = "failures.json"  # a step may write it: {item: reason} of items it had to leave out
SCHEMA = 1


@dataclass(frozen=True)
class Artefact:
    """A complete result.

    folder: where its files lie; key: its content key; seconds: wall time of the step;
    files: size and SHA-256 by path relative to the folder; failures: reason by failed item;
    place: where the step was told that things lie; made: what making it took, and where.
    """

    folder: Path
    key: str
    seconds: float
    files: Mapping[str, Mapping[str, Any]]
    failures: Mapping[str, str]
    place: Mapping[str, Any] = field(default_factory=dict)
    made: Mapping[str, Any] = field(default_factory=dict)

    def check_sizes(self) -> None:
        """Raise CacheError if a file is missing or has another size than when it was written."""
        for name, facts in self.files.items():
            path = self.folder / name
            try:
                size = path.stat().st_size
            except OSError:
                raise CacheError(f"{path}: this cached file is missing; run again.") from None
            if size != facts["size"]:
                raise CacheError(
                    f"{path}: this cached file has {size} bytes instead of {facts['size']}; "
                    "run again."
                )

    def check_hashes(self) -> None:
        """Raise CacheError if the content of a file is not what was written."""
        for name, facts in self.files.items():
            path = self.folder / name
            if sha256_of(path) != facts["sha256"]:
                raise CacheError(f"{path}: this cached file was changed; run again.")


def read_description(folder: Path) -> dict[str, Any]:
    """Return ``artefact.json`` of a folder, empty if it cannot be read."""
    try:
        facts = json.loads((folder / DESCRIPTION).read_bytes())
    except (OSError, ValueError):
        return {}
    return facts if isinstance(facts, dict) else {}


def read_artefact(folder: Path, key: str) -> Artefact:
    facts = read_description(folder)
    try:
        artefact = Artefact(
            folder=folder,
            key=facts["key"],
            seconds=float(facts["seconds"]),
            files=facts["files"],
            failures=facts["failures"],
            place=facts.get("place", {}),
            made=facts.get("made", {}),
        )
        intact = facts["schema"] == SCHEMA and artefact.key == key
    except (ValueError, KeyError, TypeError):
        intact = False
    if not intact:
        path = folder / DESCRIPTION
        raise CacheError(f"{path}: this cached description is missing or damaged; run again.")
    return artefact


def describe(folder: Path, facts: Mapping[str, Any], seconds: float) -> dict[str, Any]:
    paths = sorted(
        path
        for path in folder.rglob("*")
        if path.is_file() and JOURNAL not in path.relative_to(folder).parts[:1]
    )
    return {
        "schema": SCHEMA,
        **facts,
        "seconds": round(seconds, 3),
        "failures": _read_failures(folder / FAILURES),
        "files": {
            path.relative_to(folder).as_posix(): {
                "size": path.stat().st_size,
                "sha256": sha256_of(path),
            }
            for path in paths
        },
    }


def _read_failures(path: Path) -> dict[str, str]:
    if not path.exists():
        return {}
    return {str(item): str(reason) for item, reason in json.loads(path.read_bytes()).items()}
