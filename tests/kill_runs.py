"""Runs a small profile in child processes that are killed at random moments, until it is done.

    python kill_runs.py ROOT SEED KILLS

Once undisturbed, then with up to KILLS times SIGKILL, each a random while after the run got
further (an item, a checkpoint, a result). Prints as JSON: kills by stage, items that were begun
again, items that were begun again although they were finished, files of the results that differ,
and files that are no result.

The interpreter forks after its imports and after the plan is made, so that an attempt costs only
what it does. One process does everything, one item after the other.
"""

from __future__ import annotations

import json
import os
import random
import signal
import sys
import time
from collections import Counter
from pathlib import Path

from focsbench.threads import single_thread

single_thread()

from focsbench import items, journal, progress  # noqa: E402
from focsbench.data import aligned  # noqa: E402
from focsbench.data.synthetic import benchmark  # noqa: E402
from focsbench.profiles.profile import load_profile  # noqa: E402
from focsbench.runs.backends import InProcess  # noqa: E402
from focsbench.runs.executor import Executor  # noqa: E402
from focsbench.runs.pipeline import build_plan  # noqa: E402
from focsbench.runs.store import Store  # noqa: E402

CHANGES = [
    'methods=["mean_face", "focs", "ground_truth"]',
    'protocols=["ar_rmse", "ar_segmentation", "now"]',
    'reports=["table4"]',
    "data.synthetic.celeba_train=16",
    "data.synthetic.celeba_val=1",
    "data.synthetic.celeba_test=1",
    "data.synthetic.ar_subjects=3",
    "data.synthetic.ar_val_subjects=1",
    "data.synthetic.now_subjects=2",
    "data.synthetic.now_val_subjects=1",
    "method.changes.checkpoint_every=2",
]
SEEN_BY_CLOCK = frozenset({"seconds.json"})  # wall times of a method, which differ in every run


def count_items(log: Path) -> None:
    """Let this process and its children write a line when an item begins and when it is noted."""
    do, note = items._do, journal.Journal.note

    def line(kind: str, task: str, name: str) -> None:
        with log.open("a") as file:
            file.write(f"{kind}\t{task}\t{name}\n")

    def counted(task, work, book, job):
        line("begun", f"{book.root.name[:-9]} {task}", job[1])
        return do(task, work, book, job)

    def noted(self, task, name, answer):
        note(self, task, name, answer)
        line("noted", f"{self.root.name[:-9]} {task}", name)

    items._do = counted
    journal.Journal.note = noted


def attempt(root: Path, plan) -> int:
    """Start to run, or to run on, in a child; return its process id."""
    child = os.fork()
    if child == 0:
        outcome = Executor(Store(root / "artefacts"), workers=1, backend=InProcess).run(plan)
        os._exit(outcome.exit_code)
    return child


def state(root: Path) -> tuple[int, ...]:
    """Return what tells that a run got further."""
    try:
        journals = root.glob("artefacts/.partial-*/.items/*.jsonl")
        noted = sum(path.stat().st_size for path in journals)
        saved = sum(path.stat().st_mtime_ns for path in root.glob("checkpoints/*/checkpoint.*"))
        return noted, saved, len(list(root.glob("artefacts/[a-z]*")))
    except FileNotFoundError:  # it is moving on this very moment
        return state(root)


def ended(child: int, options: int) -> bool:
    """Return whether a child is gone; an error of its own ends the script."""
    process, status = os.waitpid(child, options)
    assert status in (0, signal.SIGKILL), status
    return process != 0


def cpu_seconds(child: int) -> float:
    fields = Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def kill_some_time_later(child: int, root: Path, delay: float) -> str:
    """Kill a child some CPU time after it got further; return the step at work, "" if it ended."""
    before = state(root)
    while state(root) == before:
        if ended(child, os.WNOHANG):
            return ""
        time.sleep(0.002)
    until = cpu_seconds(child) + delay
    while not ended(child, os.WNOHANG):
        if cpu_seconds(child) >= until:
            os.kill(child, signal.SIGKILL)
            ended(child, 0)
            drafts = sorted(root.glob("artefacts/.partial-*"), key=lambda p: p.stat().st_mtime)
            return drafts[-1].name.removeprefix(".partial-") if drafts else "between steps"
        time.sleep(0.001)
    return ""


def files_of(root: Path) -> dict[str, bytes]:
    """Return the files of all results by path."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted((root / "artefacts").rglob("*"))
        if path.is_file()
        and path.name not in SEEN_BY_CLOCK | {"artefact.json"}
        and not path.relative_to(root / "artefacts").parts[0].startswith(".")
    }


def main() -> None:
    """Run once undisturbed, then once with kills; print what happened."""
    root, seed, kills = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    progress.silence()
    # In this process: what the parent has imported costs the children nothing.
    benchmark.local_processes = aligned.local_processes = lambda _workers: None
    plan = build_plan(load_profile("smoke", CHANGES + sys.argv[4:]))
    for step in plan.steps:
        __import__(step.function.partition(":")[0])
    import torch  # noqa: F401

    import focsbench.focs.stage_training
    import focsbench.protocols.now  # noqa: F401

    ended(attempt(root / "calm", plan), 0)
    log = root / "items.tsv"
    count_items(log)
    chance = random.Random(seed)
    hits: Counter[str] = Counter()
    while sum(hits.values()) < kills:
        child = attempt(root / "killed", plan)
        step = kill_some_time_later(child, root / "killed", chance.expovariate(1 / 0.15))
        if not step:
            break
        hits[step.rpartition("-")[0].rpartition("-")[0] or step] += 1
    ended(attempt(root / "killed", plan), 0)
    lines = [tuple(line.split("\t")) for line in log.read_text().splitlines()]
    begun = Counter(line[1:] for line in lines if line[0] == "begun")
    finished: set[tuple[str, ...]] = set()
    wasted = 0
    for kind, *item in lines:
        wasted += kind == "begun" and tuple(item) in finished
        if kind == "noted":
            finished.add(tuple(item))
    calm, killed = files_of(root / "calm"), files_of(root / "killed")
    Store(root / "killed" / "artefacts").clean()
    print(
        json.dumps(
            {
                "kills": sum(hits.values()),
                "kills by step": dict(hits),
                "items": len(begun),
                "begun again": sum(begun.values()) - len(begun),
                "begun again although finished": wasted,
                "files": len(calm),
                "files that differ": sorted(
                    name for name in calm.keys() | killed.keys()
                    if calm.get(name) != killed.get(name)
                ),
                "left over": [p.name for p in (root / "killed").rglob(".partial-*")],
            },
            indent=1,
        )
    )  # fmt: skip


if __name__ == "__main__":
    main()
