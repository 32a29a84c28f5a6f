"""What runs on disk are made of, in what they differ, and what no plan needs any more."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focsbench.files import sha256_of
from focsbench.runs.artefact import read_description
from focsbench.runs.forecast import differences
from focsbench.runs.provenance import PROVENANCE
from focsbench.runs.run_folder import (
    RESULTS,
    SEED_RESULTS,
    SEED_SUMMARY,
    SUMMARY,
    RunFolder,
    run_folders,
)
from focsbench.runs.store import LOCKS, PARTIAL, owner_of
from focsbench.storage import storage_errors
from focsbench.user_files import read_json_object

Pair = tuple[RunFolder, RunFolder]


@dataclass(frozen=True)
class RunFacts:
    """One run in a list.

    profile: name; seeds: text; steps: artefacts in the store; failed: items without a result;
    bytes: of the store; seconds: wall time of all steps; finished: when the last one ended (UTC).
    """

    folder: Path
    profile: str
    seeds: str
    steps: int
    failed: int
    bytes: int
    seconds: float
    finished: str


def find_runs(folders: Sequence[Path]) -> list[RunFolder]:
    """Return the runs among folders and directly below them."""
    places = [place for folder in folders for place in (folder, *_inside(folder))]
    runs = [RunFolder(place) for place in dict.fromkeys(places)]
    return [run for run in runs if run.config.is_file() and run.store.root.is_dir()]


def describe_run(run: RunFolder) -> RunFacts:
    """Return the facts of one run.

    Raises:
        InputError: if the folder is not a run.
    """
    config = run.read_config()
    described = [read_description(folder) for folder in run.store.folders()]
    files = [file for facts in described for file in facts.get("files", {}).values()]
    first, count = int(config.get("seed", 0)), int(config.get("seeds", 1))
    return RunFacts(
        folder=run.root,
        profile=str(config.get("name", "")),
        seeds=str(first) if count == 1 else f"{first} to {first + count - 1}",
        steps=len(described),
        failed=sum(len(facts.get("failures", {})) for facts in described),
        bytes=sum(int(file.get("size", 0)) for file in files),
        seconds=sum(float(facts.get("seconds", 0.0)) for facts in described),
        finished=max((str(f.get("made", {}).get("finished", "")) for f in described), default=""),
    )


def read_provenance(run: RunFolder) -> dict[str, Any]:
    """Return what a run says about its steps; empty if it was never executed as a whole.

    Raises:
        InputError: if the file is damaged.
    """
    return _object(run.root / PROVENANCE, "provenance of the run")


def read_environment(run: RunFolder) -> dict[str, Any]:
    """Return what a run ran on; empty where it does not say.

    Raises:
        InputError: if the file is damaged.
    """
    return _object(run.environment, "environment of the run")


def run_differences(one: RunFolder, other: RunFolder) -> dict[str, list[str]]:
    """Return in what two runs differ, by kind: settings, environment, steps, results.

    The seeds of runs over several are compared in their order. Runs without steps and results
    have the kind ``not compared``.

    Raises:
        InputError: if a folder is not a run, or a file of it is damaged.
    """
    whole = (one, other)
    members = list(zip(run_folders(one.root), run_folders(other.root), strict=False))
    keys = [(pair, _keys(pair)) for pair in members]
    files = [(pair, name) for pair in members for name in (RESULTS, SUMMARY)]
    files += [(whole, name) for name in (SEED_RESULTS, SEED_SUMMARY)]
    digests = [(pair, name, [_digest(run.root / name) for run in pair]) for pair, name in files]
    found = {
        "settings": list(differences(one.read_config(), other.read_config())),
        "environment": list(differences(read_environment(one), read_environment(other))),
        "steps": [
            _seeds(pair, whole) + line for pair, (a, b) in keys for line in differences(a, b)
        ],
        "results": [
            f"{_seeds(pair, whole)}{name} differs"
            for pair, name, (before, after) in digests
            if before != after
        ],
    }
    if not any(any(both) for _, both in keys) and not any(any(both) for *_, both in digests):
        found["not compared"] = ["steps and results: neither run has any; run-all makes them"]
    return {kind: lines for kind, lines in found.items() if lines}


@dataclass(frozen=True)
class Garbage:
    """Something that no plan of the run needs: why, and its size in bytes."""

    path: Path
    why: str
    bytes: int


def find_garbage(run: RunFolder, needed: Sequence[tuple[str, str]]) -> list[Garbage]:
    """Return what can go without any loss to the plans of a run.

    Args:
        run: its folder.
        needed: (step, content key) of everything that the plans of the run have.
    """
    store = run.store
    wanted = {store.folder(name, key).name for name, key in needed}
    found = [
        Garbage(folder, "of no step of the present plan", _size(folder))
        for folder in store.folders()
        if folder.name not in wanted
    ]
    for draft in sorted(store.root.glob(f"{PARTIAL}*")):
        if owner_of(draft.name) not in wanted:
            found.append(Garbage(draft, "half done, of no step of the present plan", _size(draft)))
    return found


def collect_garbage(run: RunFolder, garbage: Sequence[Garbage]) -> list[Garbage]:
    """Delete garbage that no process is making; return what was deleted.

    Raises:
        StorageError: if the store cannot be written.
    """
    from filelock import FileLock, Timeout

    deleted = []
    locks = run.store.root / LOCKS
    with storage_errors(run.store.root):
        locks.mkdir(exist_ok=True)
    for one in garbage:
        name = owner_of(one.path.name) if one.path.name.startswith(PARTIAL) else one.path.name
        try:
            with storage_errors(run.store.root), FileLock(locks / name, timeout=0):
                # Renamed first: a folder that is half deleted must not look like a result.
                doomed = one.path.with_name(f"{PARTIAL}{name}-deleted0")
                one.path.rename(doomed)
                shutil.rmtree(doomed)
        except Timeout:
            continue
        deleted.append(one)
    return deleted


def _inside(folder: Path) -> Iterator[Path]:
    if folder.is_dir():
        yield from sorted(path for path in folder.iterdir() if path.is_dir())


def _size(folder: Path) -> int:
    return sum(path.lstat().st_size for path in folder.rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    return sha256_of(path) if path.is_file() else ""


def _keys(runs: Pair) -> list[dict[str, str]]:
    """Return the beginning of the content key of every step, for each run."""
    steps = [read_provenance(run).get("steps", {}) for run in runs]
    return [{name: str(facts.get("key", ""))[:12] for name, facts in s.items()} for s in steps]


def _seeds(pair: Pair, whole: Pair) -> str:
    """Return how a line about two folders begins: with those that are of one seed among several."""
    inside = [run.root.name for run, outer in zip(pair, whole, strict=True) if run != outer]
    return " and ".join(dict.fromkeys(inside)) + ": " if inside else ""


def _object(path: Path, what: str) -> dict[str, Any]:
    return read_json_object(path, what) if path.exists() else {}
