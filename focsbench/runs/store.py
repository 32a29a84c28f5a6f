"""Results of steps on disk: one folder per content key, complete or absent.

A step writes into a hidden folder beside its place; ``artefact.json`` (what the key is made of,
size and SHA-256 of every file, what making it took) is written last, everything is flushed to the
disk and the folder is renamed. A killed step leaves a hidden folder. The next run deletes it, or
goes on in it where its finished items are noted (:mod:`focsbench.items`).

Several processes, also on several machines, may use one store: who makes an artefact holds its
lock, and the system drops the locks of a process that dies.
"""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focsbench.files import flush, flush_folder, remove_drafts, write_json
from focsbench.items import JOURNAL
from focsbench.journal import Journal
from focsbench.runs.artefact import DESCRIPTION, Artefact, describe, read_artefact
from focsbench.storage import storage_error, storage_errors

if TYPE_CHECKING:
    from filelock import BaseFileLock

PARTIAL = ".partial-"
LOCKS = ".locks"
SOURCES = ".sources"


@dataclass(frozen=True)
class Making:
    """How an artefact is to be written.

    place: config that is no part of the key, kept in ``artefact.json``.
    replace: put it in the place of one that is there; otherwise the first one stays.
    facts: further entries of ``made`` in ``artefact.json``.
    """

    place: Mapping[str, Any] = field(default_factory=dict)
    replace: bool = False
    facts: Mapping[str, Any] = field(default_factory=dict)


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
        artefact = read_artefact(folder, key)
        artefact.check_sizes()
        if hashes:
            artefact.check_hashes()
        return artefact

    def folders(self) -> list[Path]:
        """Return the folders of all artefacts."""
        return sorted(path for path in self.root.glob("[!.]*") if path.is_dir())

    def keep_sources(self, version: str, sources: Mapping[str, str]) -> None:
        """Keep which files a version of the code consists of, to say later what changed."""
        path = self.root / SOURCES / f"{version[:32]}.json"
        if sources and not path.exists():
            with self._lock(SOURCES):
                path.parent.mkdir(exist_ok=True)
                write_json(path, dict(sources))

    def sources(self, version: str) -> dict[str, str]:
        """Return what was kept of a version of the code, empty if nothing was."""
        try:
            found = json.loads((self.root / SOURCES / f"{version[:32]}.json").read_bytes())
        except (OSError, ValueError):
            return {}
        return dict(found) if isinstance(found, dict) else {}

    def lock(self, name: str, key: str) -> BaseFileLock:
        """Return the lock of an artefact; hold it while making, replacing or deleting it."""
        return self._lock(self.folder(name, key).name)

    @contextmanager
    def writing(
        self, name: str, key: str, parts: Mapping[str, Any], making: Making | None = None
    ) -> Iterator[Path]:
        """Give a folder to write into; it becomes the artefact when the block ends well.

        The folder is empty, or holds what a step that was interrupted had noted as finished.

        Args:
            name: name of the step.
            key: its content key.
            parts: what the key is made of, kept in ``artefact.json``.
            making: how to write it.

        Raises:
            StorageError: if the disk is full or the folder cannot be written.
        """
        making = making or Making()
        folder = self.folder(name, key)
        draft: Path | None = None
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            draft = self._draft(folder.name)
            start, cpu = time.perf_counter(), _cpu_seconds()
            yield draft
            made = {
                "cpu_seconds": round(_cpu_seconds() - cpu, 3),
                "finished": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                **making.facts,
            }
            facts = {"name": name, "key": key, **parts, "place": dict(making.place), "made": made}
            seconds = time.perf_counter() - start
            write_json(draft / DESCRIPTION, describe(draft, facts, seconds))
            _publish(draft, folder, replace=making.replace)
            # Last of all: without its journal an interrupted step would begin its items again.
            for rest in (draft, folder / JOURNAL):
                shutil.rmtree(rest, ignore_errors=True)
        except OSError as error:
            raise storage_error(error, self.root) or error from error
        finally:
            if draft is not None and not _resumable(draft):
                shutil.rmtree(draft, ignore_errors=True)

    def clean(self) -> None:
        """Delete what killed steps left behind, except what another process is making.

        A folder with finished items stays: the step goes on in it.

        Raises:
            StorageError: if the store cannot be written.
        """
        with storage_errors(self.root):
            for journal in self.root.glob(f"[!.]*/{JOURNAL}"):  # killed right after the renaming
                shutil.rmtree(journal, ignore_errors=True)
            for draft in self.root.glob(f"{PARTIAL}*"):
                if not _resumable(draft):
                    self._clean(draft)
            if (self.root / SOURCES).is_dir():
                with self._lock(SOURCES):
                    remove_drafts(self.root / SOURCES)

    def _clean(self, draft: Path) -> None:
        from filelock import Timeout

        with suppress(Timeout), self._lock(owner_of(draft.name)).acquire(timeout=0):
            shutil.rmtree(draft, ignore_errors=True)

    def _lock(self, name: str) -> BaseFileLock:
        from filelock import FileLock

        folder = self.root / LOCKS
        folder.mkdir(parents=True, exist_ok=True)
        return FileLock(folder / name, thread_local=False)

    def _draft(self, name: str) -> Path:
        """Return a fresh folder, with the finished items of an interrupted step in it.

        It is renamed: a process that still writes into it by its old name does no harm. What else
        is there was left by a killed process, because whoever makes an artefact holds its lock.
        """
        draft = self._partial(name)
        resumed = False
        for old in sorted(self.root.glob(f"{PARTIAL}{name}-????????")):
            if old == draft:
                continue
            if _resumable(old) and not resumed:
                draft.rmdir()
                old.rename(draft)
                Journal(draft).tidy()
                resumed = True
            else:
                shutil.rmtree(old, ignore_errors=True)
        return draft

    def _partial(self, name: str) -> Path:
        return Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{name}-", dir=self.root))


def owner_of(draft: str) -> str:
    """Return the name of the artefact that a draft will be: without prefix and random suffix."""
    return draft.removeprefix(PARTIAL).rpartition("-")[0]


def _resumable(draft: Path) -> bool:
    return (draft / JOURNAL).is_dir()


def _cpu_seconds() -> float:
    """CPU seconds of this process and of its ended children."""
    return sum(os.times()[:4])


def _publish(draft: Path, folder: Path, *, replace: bool) -> None:
    draft.chmod(0o755)  # mkdtemp makes folders that only their owner may read
    flush_folder(draft, without=JOURNAL)
    if folder.exists():
        if not replace:  # the same key means the same result: the first one stays
            return
        old = Path(tempfile.mkdtemp(prefix=f"{PARTIAL}{folder.name}-", dir=folder.parent))
        folder.rename(old / "old")
        draft.rename(folder)
        shutil.rmtree(old)
    else:
        draft.rename(folder)
    if os.name == "posix":
        flush(folder.parent)
