"""Kills a run at random moments until it is done, and counts what has to be done again.

A run is a process group. Either all of it is killed, as by a power cut or a batch system, and
started again; or one worker, which the run has to get over by itself.
"""

from __future__ import annotations

import json
import os
import signal
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from focsbench import items
from focsbench.runs.plan import Plan
from focsbench.runs.store import Store

LOG = "FOCSBENCH_TEST_ITEMS"  # environment variable: file with a line per item that begins or ends
# What tells of the making, and differs in every run.
CIRCUMSTANCES = frozenset(
    {"artefact.json", "seconds.json", "environment.json", "provenance.json", "log.txt", "log.jsonl"}
)
_do = items._do


def count_items() -> None:
    """Let this process, and those that it starts, write a line when an item begins and ends."""
    items._do = counted


def counted(task, work, journal, job):
    """Do an item as always; sent to other processes by the name of this function."""
    item = f"{journal.root.name[:-9]} {task} {job[1]}"
    _write("begun", item)
    answer = _do(task, work, journal, job)
    if not isinstance(answer, items.Failure):
        _write("noted", item)
    return answer


def _write(kind: str, what: object) -> None:
    with Path(os.environ[LOG]).open("a") as file:
        file.write(f"{kind}\t{os.getpid()}\t{what}\n")


@dataclass
class Kills:
    """What was killed: whole runs, single workers, and the steps that were at work then."""

    runs: int = 0
    workers: int = 0
    steps: Counter[str] = field(default_factory=Counter)


@dataclass
class Again:
    """What had to be done again.

    lost: per kill, the items that were begun and not noted; repeated: items that were begun again;
    wasted: those of them that had been noted.
    """

    lost: list[int] = field(default_factory=list)
    items: int = 0
    repeated: int = 0
    wasted: int = 0


def kill_until_done(
    begin: Callable[[], int],
    root: Path,
    chance: Random,
    kills: int,
    delay: Callable[[], float],
    clock: Callable[[int], float],
    impatience: float = 0.0,
) -> Kills:
    """Start a run and kill it or a worker of it, again and again; end with a run that ends.

    Args:
        begin: starts the run in a process group of its own and returns its process id.
        root: folder of the run.
        chance: decides.
        kills: how many, unless the run is done before.
        delay: seconds of a clock between a moment when the run got further and the kill.
        clock: of a process.
        impatience: share of the kills that do not wait until the run got further.
    """
    done = Kills()
    process, worker_last = begin(), False
    started = time.time()
    while done.runs + done.workers < kills:
        patient = chance.random() >= impatience
        if not _moment_came(process, root, delay(), clock, patient=patient):
            return done
        at_work = _at_work(root, started)
        workers = workers_of(process)
        # Not two workers in a row: an item may lose its worker once, not always.
        if workers and not worker_last and chance.random() < 0.5:
            victim = chance.choice(workers)
            _write("worker killed", [victim])
            os.kill(victim, signal.SIGKILL)
            done.workers += 1
            worker_last = True
        else:
            _write("run killed", [process, *workers_of(process)])
            os.killpg(process, signal.SIGKILL)
            os.waitpid(process, 0)
            done.runs += 1
            worker_last = False
            process, started = begin(), time.time()
        done.steps.update(at_work or ["between steps"])
    status = os.waitpid(process, 0)[1]
    assert status == 0, status
    return done


def _moment_came(
    process: int, root: Path, delay: float, clock: Callable[[int], float], *, patient: bool
) -> bool:
    """Wait for the moment of a kill; return False if the run ended before."""
    before = state(root)
    while patient and state(root) == before:
        if _ended(process):
            return False
        time.sleep(0.002)
    until = None
    while not _ended(process):
        now = clock(process)
        until = now + delay if until is None else until
        if now >= until:
            return True
        time.sleep(0.001)
    return False


def _ended(process: int) -> bool:
    """Return whether a run is gone; an error of its own fails the test."""
    gone, status = os.waitpid(process, os.WNOHANG)
    assert status == 0, status
    return gone != 0


def state(root: Path) -> tuple[int, ...]:
    """Return what tells that a run got further."""
    try:
        journals = root.glob("artefacts/.partial-*/.items/*.jsonl")
        noted = sum(path.stat().st_size for path in journals)
        saved = sum(path.stat().st_mtime_ns for path in root.glob("checkpoints/*/checkpoint.*"))
        return noted, saved, len(list(root.glob("artefacts/[a-z]*")))
    except FileNotFoundError:  # it is moving on this very moment
        return state(root)


def _at_work(root: Path, since: float) -> list[str]:
    """Return the names of the steps that were begun since a moment and are not done."""
    names = []
    for draft in root.glob("artefacts/.partial-*"):
        try:
            begun = draft.stat().st_ctime >= since
        except FileNotFoundError:
            continue
        if begun:
            names.append(draft.name.removeprefix(".partial-").rsplit("-", 2)[0])
    return names


def workers_of(process: int) -> list[int]:
    """Return the processes below a process, but for what Python itself needs."""
    found, queue = [], [process]
    while queue:
        children = Path(f"/proc/{queue[0]}/task/{queue.pop(0)}/children")
        try:
            queue += map(int, children.read_text().split())
        except FileNotFoundError:
            continue
        found = sorted({*found, *queue})
    return [worker for worker in found if b"resource_tracker" not in _command(worker)]


def _command(process: int) -> bytes:
    try:
        return Path(f"/proc/{process}/cmdline").read_bytes()
    except (FileNotFoundError, ProcessLookupError):
        return b"resource_tracker"


def cpu_seconds(process: int) -> float:
    """CPU seconds of a run: its process and its workers, also those that have ended."""
    total = 0
    for one in (process, *workers_of(process)):
        try:
            text = Path(f"/proc/{one}/stat").read_text()
        except (FileNotFoundError, ProcessLookupError):
            continue
        total += sum(map(int, text.rpartition(")")[2].split()[11:15]))
    return total / os.sysconf("SC_CLK_TCK")


def wall_seconds(_process: int) -> float:
    """Seconds on the wall."""
    return time.monotonic()


def done_again(log: Path) -> Again:
    """Read the lines of :func:`counted` and of the kills.

    A pool ends when one of its workers is killed. What the others had at work is lost by the same
    kill, though they are not in its line.
    """
    again = Again()
    at_work: dict[str, int] = {}
    of_worker = 0  # number of the last kill of a single worker
    seen: set[str] = set()
    noted: set[str] = set()
    for line in log.read_text().splitlines():
        kind, process, what = line.split("\t")
        if kind in ("worker killed", "run killed"):
            killed = json.loads(what)
            lost = {item for item, one in at_work.items() if one in killed}
            again.lost.append(len(lost))
            if kind == "worker killed":
                of_worker = len(again.lost) - 1
                at_work = {item: at_work[item] for item in at_work.keys() - lost}
            else:
                again.lost[of_worker] += len(at_work.keys() - lost)
                at_work = {}
        elif kind == "noted":
            noted.add(what)
            at_work.pop(what, None)
        else:
            again.repeated += what in seen
            again.wasted += what in noted
            if what in at_work:  # its worker went together with the one that was killed
                again.lost[of_worker] += 1
            seen.add(what)
            at_work[what] = int(process)
    again.items = len(seen)
    return again


def files_of(root: Path) -> dict[str, bytes]:
    """Return the files of a run that have to be the same in every run, by path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file()
        and path.name not in CIRCUMSTANCES
        and not any(part.startswith(".") for part in path.relative_to(root).parts)
    }


def left_over(root: Path) -> list[str]:
    """Return drafts, checkpoints and notes on items that a run has left behind."""
    patterns = ("**/.partial-*", "**/.items", "**/.*.tmp", "**/*.part", "checkpoints/*")
    found = {path for pattern in patterns for path in root.glob(pattern)}
    return sorted(path.relative_to(root).as_posix() for path in found)


def damaged(store: Store, plan: Plan) -> list[str]:
    """Return the steps whose results are not there, each file with its checksum."""
    return [s.name for s in plan.steps if not store.find(s.name, plan.keys[s.name], hashes=True)]
