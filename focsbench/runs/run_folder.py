"""The layout of a run on disk.

config.json        the resolved profile
environment.json   Python, packages, hardware, threads, seed, state of the code
provenance.json    content key, wall and CPU time, host of every step (:mod:`.provenance`)
failures.csv       what failed, item by item
log.txt            every run appends to it; log.jsonl says the same to programs
artefacts/         results of steps by content key (:mod:`.store`)
results.csv        tidy rows, one number each
summary.json       one entry per method, protocol, subset and metric; the same as summary.csv
reports/           tables and figures
files.txt          the paths of all of these

A run over several seeds has one such folder ``seed-<seed>`` for each. They share the artefacts of
the outer folder, where ``results_seeds.csv``, ``summary_seeds.json`` and ``reports/`` put the
seeds together.
"""

from __future__ import annotations

import os
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focsbench.errors import ConfigError, InputError
from focsbench.files import copy_if_changed, remove_drafts, write_atomically, write_json
from focsbench.runs.artefact import DESCRIPTION, Artefact
from focsbench.runs.store import Store
from focsbench.storage import storage_errors
from focsbench.user_files import read_json_object

STORE = "artefacts"
AGGREGATE = "aggregate"  # the step that makes results.csv and summary.json
REPORT = "report:"  # how the names of the steps that make reports begin
SEED = "seed-"  # and the number: the run folder of one seed
RESULTS = "results.csv"
SUMMARY = "summary.json"
SUMMARY_TABLE = "summary.csv"
SEED_RESULTS = "results_seeds.csv"
SEED_SUMMARY = "summary_seeds.json"


@dataclass(frozen=True)
class RunFolder:
    """Paths inside one run."""

    root: Path

    @property
    def config(self) -> Path:
        """The resolved profile."""
        return self.root / "config.json"

    @property
    def environment(self) -> Path:
        """Versions and hardware of the last run."""
        return self.root / "environment.json"

    @property
    def log(self) -> Path:
        """The log file."""
        return self.root / "log.txt"

    @property
    def reports(self) -> Path:
        """Folder of the tables and figures."""
        return self.root / "reports"

    @property
    def index(self) -> Path:
        """The list of all files."""
        return self.root / "files.txt"

    @property
    def store(self) -> Store:
        """The results of the steps."""
        return Store(self.root / STORE)

    def of_seed(self, seed: int) -> RunFolder:
        """Create the run folder of one seed inside this one, with the same store."""
        inner = RunFolder(self.root / f"{SEED}{seed}")
        with storage_errors(self.root):
            inner.root.mkdir(exist_ok=True)
            self.store.root.mkdir(exist_ok=True)
            if not inner.store.root.is_dir():
                inner.store.root.symlink_to(Path("..") / STORE, target_is_directory=True)
        return inner

    def seed_folders(self) -> list[Path]:
        """Return the folders of all seeds that were ever run in this folder."""
        return sorted(path.parent for path in self.root.glob(f"{SEED}*/{self.config.name}"))

    def open(self) -> None:
        """Create the folder if needed and delete what killed processes left in its store.

        Raises:
            ConfigError: if the folder cannot be written or belongs to something else.
            StorageError: if its store cannot be written.
        """
        self._make()
        self.store.clean()

    @contextmanager
    def publishing(self) -> Iterator[None]:
        """Keep other processes from writing beside the artefacts while the block runs.

        Waits for them. The artefacts need no such lock: each has its own.

        Raises:
            StorageError: if the folder cannot be written.
        """
        from filelock import FileLock

        # Beside the artefacts themselves: runs of several seeds share them.
        outer = self.store.root.resolve().parent
        with storage_errors(outer), FileLock(outer / ".lock", is_singleton=True):
            remove_drafts(outer, "reports/**", f"{SEED}*", f"{SEED}*/reports/**")
            yield

    def write_config(self, config: Any, environment: Any) -> None:
        """Write the resolved profile and the environment."""
        with self.publishing():
            write_json(self.config, config)
            write_json(self.environment, environment)

    def read_config(self) -> dict[str, Any]:
        """Return the resolved profile of an existing run.

        Raises:
            InputError: if the folder is not a run.
        """
        if not self.config.exists():
            raise InputError(
                f"{self.root}: not a run folder (no config.json); name one that run-all wrote."
            )
        return read_json_object(self.config, "profile of the run")

    def published(self, step: str) -> Path | None:
        """Return the folder where people look for the result of a step, or None for most."""
        if step.startswith(REPORT):
            return self.reports
        return self.root if step == AGGREGATE else None

    def publish(self, artefact: Artefact, target: Path) -> list[Path]:
        """Copy the files of a result to where people look for them; return their paths."""
        written = []
        for name in artefact.files:
            copy_if_changed(artefact.folder / name, target / name)
            written.append(target / name)
        return written

    def delete_old(self, wanted: Collection[Path]) -> None:
        """Delete the results and reports of earlier runs that have no successor.

        Beside new results they would be taken for new. Only for runs whose results were all made:
        a failed run must not delete what an earlier one made.
        """
        names = (RESULTS, SUMMARY, SUMMARY_TABLE, SEED_RESULTS, SEED_SUMMARY)
        results = [self.root / name for name in names]
        for path in [*self.reports.rglob("*"), *results]:
            if path.is_file() and path not in wanted:
                path.unlink()

    def write_index(self, artefacts: Iterable[Artefact]) -> tuple[list[Path], int]:
        """Write the paths of all files of the run, relative to it, into ``files.txt``.

        Results that an older profile or older code left in the folder are not of this run.

        Returns:
            The files outside ``artefacts/``, and the number of those inside.
        """
        outside = sorted(
            path
            for path in {*self.root.rglob("*"), self.index}
            if not path.is_relative_to(self.store.root)
            and not path.name.startswith(".")
            and not path.is_dir()
        )
        inside = [
            artefact.folder / name
            for artefact in artefacts
            for name in (*artefact.files, DESCRIPTION)
        ]
        lines = [f"{path.relative_to(self.root).as_posix()}\n" for path in (*outside, *inside)]
        with self.publishing():
            write_atomically(self.index, "".join(lines).encode())
        return outside, len(inside)

    def _make(self) -> None:
        try:
            self.root.mkdir(parents=True, exist_ok=True)
            foreign = not self.config.exists() and any(
                not path.name.startswith(".") for path in self.root.iterdir()
            )
        except OSError as error:
            raise ConfigError(
                f"{self.root}: cannot be used as a run folder ({error.strerror}); "
                "choose another --output."
            ) from None
        if foreign and not self.store.root.is_dir():
            raise ConfigError(
                f"{self.root}: this folder holds other files; choose an empty --output."
            )
        if not os.access(self.root, os.W_OK | os.X_OK):
            raise ConfigError(f"{self.root}: cannot be written; choose another --output.")


def run_folders(path: Path) -> list[RunFolder]:
    """Return the run folders of a run: itself, or those of its seeds in ascending order.

    Raises:
        InputError: if the folder is not a run.
    """
    run = RunFolder(path)
    config = run.read_config()
    count = config.get("seeds", 1)
    if not isinstance(count, int) or count < 2:
        return [run]
    return [RunFolder(path / f"{SEED}{config['seed'] + number}") for number in range(count)]
