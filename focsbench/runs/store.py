"""Results of steps on disk: one folder per content key, complete or absent.

A step writes into a hidden folder beside its place; ``artefact.json`` (what the key is made of,
size and SHA-256 of every file) is written last and the folder is renamed. A killed step leaves a
hidden folder that the next run deletes.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focsbench.errors import CacheError
from focsbench.files import sha256_of, write_json

DESCRIPTION = "artefact.json"
FAILURES = "failures.json"  # a step may write it: {item: reason} of items it had to leave out
PARTIAL = ".partial-"
SCHEMA = 1


@dataclass(frozen=True)
class Artefact:
    """A complete result.

    folder: where its files lie; key: its content key; seconds: wall time of the step;
    files: size and SHA-256 by path relative to the folder; failures: reason by failed item.
    """

    folder: Path
    key: str
    seconds: float
    files: Mapping[str, Mapping[str, Any]]
    failures: Mapping[str, str]

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


class Store:
    """The artefact folders of one run."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def folder(self, name: str, key: str) -> Path:
        """Return where the artefact of a step lies or will lie."""
        return self.root / f"{name.replace(':', '-')}-{key[:12]}"

    def find(self, name: str, key: str, *, hashes: bool = False) -> Artefact | None:
        """Return the artefact of a step after checking it, or None if there is none.

        Args:
            name: name of the step.
            key: its content key.
            hashes: compare the content of every file, not only its size.

        Raises:
            CacheError: naming the file that is missing, damaged or changed.
        """
        folder = self.folder(name, key)
        if not folder.is_dir():
            return None
        artefact = _read(folder, key)
        artefact.check_sizes()
        if hashes:
            artefact.check_hashes()
        return artefact

    def discard(self, name: str, key: str) -> None:
        """Delete an artefact."""
        folder = self.folder(name, key)
        doomed = self._partial(folder.name)
        # Renamed first: a folder that is only half deleted must not look like a result.
        folder.rename(doomed / "old")
        shutil.rmtree(doomed)

    @contextmanager
    def writing(self, name: str, key: str, parts: Mapping[str, Any]) -> Iterator[Path]:
        """Give an empty folder to write into; it becomes the artefact when the block ends well.

        Args:
            name: name of the step.
            key: its content key.
            parts: what the key is made of, kept in ``artefact.json``.
        """
        self.root.mkdir(parents=True, exist_ok=True)
        folder = self.folder(name, key)
        draft = self._partial(folder.name)
        try:
            start = time.perf_counter()
            yield draft
            seconds = time.perf_counter() - start
            write_json(draft / DESCRIPTION, _describe(draft, name, key, parts, seconds))
            _publish(draft, folder)
        finally:
            shutil.rmtree(draft, ignore_errors=True)

    def clean(self) -> None:
        """Delete what killed steps left behind. Only for the one process that owns the run."""
        for draft in self.root.glob(f"{PARTIAL}*"):
            shutil.rmtree(draft)

    def _partial(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{name}-", dir=self.root))


def _describe(
    folder: Path, name: str, key: str, parts: Mapping[str, Any], seconds: float
) -> dict[str, Any]:
    paths = sorted(path for path in folder.rglob("*") if path.is_file())
    return {
        "schema": SCHEMA,
        "name": name,
        "key": key,
        **parts,
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


def _publish(draft: Path, folder: Path) -> None:
    draft.chmod(0o755)  # mkdtemp makes folders that only their owner may read
    if folder.exists():  # the same key means the same result: the first one stays
        return
    draft.rename(folder)
    if os.name == "posix":
        handle = os.open(folder.parent, os.O_RDONLY)
        os.fsync(handle)
        os.close(handle)


def _read(folder: Path, key: str) -> Artefact:
    path = folder / DESCRIPTION
    try:
        facts = json.loads(path.read_bytes())
        artefact = Artefact(
            folder=folder,
            key=facts["key"],
            seconds=float(facts["seconds"]),
            files=facts["files"],
            failures=facts["failures"],
        )
        intact = facts["schema"] == SCHEMA and artefact.key == key
    except (OSError, ValueError, KeyError, TypeError):
        intact = False
    if not intact:
        raise CacheError(f"{path}: this cached description is missing or damaged; run again.")
    return artefact
