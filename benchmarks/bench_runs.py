"""What it costs that finished items of a step are kept, and to go on after an interruption.

    python benchmarks/bench_runs.py [--items 1000 10000]

A step does items that compute nothing, of three kinds: a score (eight numbers), a scan (5,000
distances as an array) and a batch of predictions (four files of 20 kB). It runs once undisturbed,
and once more in another folder, where it is stopped when its last item is done, and goes on.
Prints, in CPU seconds (user and system) and wall seconds per 1,000 items:

- bare: a loop that writes the same arrays and files, and keeps nothing;
- keeping: what the items take in a step, beyond that;
- resuming: from the second start until all finished items are there again;
- completing: checksums of all files, flushing and renaming, which every result has;

and how many items the resumed step did again, and whether its answer is that of the undisturbed
one.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from focsbench import progress
from focsbench.items import Answer, answered, array_bytes, each
from focsbench.runs.store import Store
from focsbench.runs.worker import Task, run_task

KINDS = ("score", "scan", "batch")
DONE: list[int] = []  # numbers of the items that were done


class StoppedError(BaseException):
    """Ends a step as a signal does: nobody handles it."""


@dataclass(frozen=True)
class Moment:
    """CPU and wall seconds since some start."""

    cpu: float
    wall: float

    def __sub__(self, other: Moment) -> Moment:
        return Moment(self.cpu - other.cpu, self.wall - other.wall)


READY: list[Moment] = []  # when the items of a step were all there


def now() -> Moment:
    """Return the present moment."""
    return Moment(time.process_time(), time.perf_counter())


def item(out: Path, kind: str, number: int) -> Answer:
    """Return the answer of an item, which depends on its number alone."""
    DONE.append(number)
    values = {f"metric {n}": (number + 1) / (n + 3) for n in range(8)}
    if kind == "scan":
        return Answer(values, {"distances": np.arange(number, number + 5000, dtype=np.float32)})
    files = []
    if kind == "batch":
        files = [out / f"{number}-{n}.bin" for n in range(4)]
        for file in files:
            file.write_bytes(number.to_bytes(4, "little") * 5000)
    return Answer(values, files=files)


def step(inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int) -> None:
    """Do all items and write the checksum of what they gave."""
    del inputs, workers
    names = [f"item {number}" for number in range(config["items"])]
    answers = answered(each("items", names, partial(item, out, config["kind"]), here=True))
    READY.append(now())
    if config["stop"]:
        raise StoppedError
    digest = hashlib.sha256()
    for answer in answers:
        digest.update(json.dumps(dict(answer.values)).encode())
        digest.update(array_bytes(answer.arrays))
        for file in answer.files:
            digest.update(Path(file).read_bytes())
    (out / "answer.txt").write_text(digest.hexdigest())


def bare(root: Path, kind: str, items: int) -> None:
    """Do the items without keeping them."""
    root.mkdir()
    for number in range(items):
        answer = item(root, kind, number)
        if answer.arrays:
            (root / f"{number}.npz").write_bytes(array_bytes(answer.arrays))


def run(root: Path, kind: str, items: int, *, stop: bool = False) -> tuple[Moment, Moment]:
    """Run the step; return what it took until its items were there, and from then on."""
    config = {"items": items, "kind": kind, "stop": stop}
    start = now()
    with suppress(StoppedError):
        run_task(Task("step", "0" * 64, "bench_runs:step", {}, {}, config, 1, root))
    return READY[-1] - start, now() - READY[-1]


def answer_of(root: Path) -> str:
    """Return what the step in a store said."""
    artefact = Store(root).find("step", "0" * 64, hashes=True)
    return (artefact.folder / "answer.txt").read_text() if artefact else "none"


def row(kind: str, items: int) -> str:
    """Measure one kind of item and return a line of the table."""
    with tempfile.TemporaryDirectory() as folder:
        start = now()
        bare(Path(folder) / "bare", kind, items)
        loop = now() - start
        kept, _ = run(Path(folder) / "calm", kind, items)
        run(Path(folder) / "again", kind, items, stop=True)
        DONE.clear()
        resuming, completing = run(Path(folder) / "again", kind, items)
        answers = [answer_of(Path(folder) / name) for name in ("calm", "again")]
    same = "same" if answers[0] == answers[1] != "none" else "DIFFERS"
    costs = (loop, kept - loop, resuming, completing)
    numbers = [f"{c.cpu / items * 1000:.2f} ({c.wall / items * 1000:.2f})" for c in costs]
    return f"| {kind} | {items:,} | " + " | ".join([*numbers, str(len(DONE)), same]) + " |"


def main() -> None:
    """Measure every kind of item; print a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--items", type=int, nargs="+", default=[1000, 10_000])
    options = parser.parse_args()
    sys.modules["bench_runs"] = sys.modules["__main__"]  # the step counts in this very module
    progress.silence()
    print("CPU (wall) seconds per 1,000 items:\n")
    with tempfile.TemporaryDirectory() as folder:
        run(Path(folder), "scan", 2)  # imports are not part of the times
    print("| item | items | bare | keeping | resuming | completing | done again | answer |")
    print("|---|---|---|---|---|---|---|---|")
    for items in options.items:
        for kind in KINDS:
            print(row(kind, items), flush=True)


if __name__ == "__main__":
    main()
