"""Runs a small profile that is killed at random moments until it is done.

    python kill_runs.py ROOT SEED KILLS [--workers N] [CHANGE ...]

Once undisturbed, then with up to KILLS times SIGKILL, most of them a random while after the run got
further (an item, a checkpoint, a result), the others at any moment. With several workers every
other kill may be of a single worker. Prints as JSON: kills by steps at work, items that had to be
done again, files that differ, and files that are no result.

The interpreter forks after its imports and after the plan is made, so that an attempt costs only
what it does. One worker is no worker: the process itself does one item after the other.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import sys
from pathlib import Path
from random import Random

from focsbench.threads import single_thread

single_thread()

from kill_support import (  # noqa: E402
    LOG,
    count_items,
    cpu_seconds,
    damaged,
    done_again,
    files_of,
    kill_until_done,
    left_over,
)

from focsbench import processes, progress  # noqa: E402
from focsbench.data import aligned  # noqa: E402
from focsbench.data.synthetic import benchmark  # noqa: E402
from focsbench.profiles.profile import load_profile  # noqa: E402
from focsbench.runs import attempts, run_all  # noqa: E402
from focsbench.runs.backends import InProcess, ProcessPool  # noqa: E402
from focsbench.runs.pipeline import build_plan  # noqa: E402
from focsbench.runs.store import Store  # noqa: E402

# Every kind of step that there is, with as little data as they can do with.
CHANGES = [
    'methods=["mean_face", "focs", "adapted", "ground_truth"]',
    'protocols=["ar_rmse", "ar_segmentation", "now"]',
    'reports=["overview", "table4", "eta_sweep"]',
    'sweep={etas=["eta_area"], values={eta_area=[0.0]}}',
    "data.synthetic.celeba_train=24",
    "data.synthetic.celeba_val=1",
    "data.synthetic.celeba_test=1",
    "data.synthetic.ar_subjects=3",
    "data.synthetic.ar_val_subjects=1",
    "data.synthetic.now_subjects=2",
    "data.synthetic.now_val_subjects=1",
    "method.changes.checkpoint_every=1",
]


def starter(profile, workers: int):
    """Return what starts a run in a child, a process group of its own."""

    def begin(root: Path) -> int:
        child = os.fork()
        if child == 0:
            os.setpgid(0, 0)
            options = run_all.RunOptions(
                workers=workers,
                backend=ProcessPool if workers > 1 else lambda _workers, _log: InProcess(),
                retries=1000,
            )
            (finished,) = run_all.run_profile(profile, root, options)
            os._exit(finished.outcome.exit_code)
        os.setpgid(child, child)
        return child

    return begin


def prepare(plan, workers: int) -> None:
    """Import what the steps need, and let children inherit it instead of starting afresh."""
    progress.silence()
    attempts.PAUSE = 0.0
    run_all.build_plan = lambda _profile: plan
    for step in plan.steps:
        __import__(step.function.partition(":")[0])
    import torch  # noqa: F401

    import focsbench.focs.stage_training
    import focsbench.protocols.now  # noqa: F401

    if workers == 1:
        benchmark.local_processes = aligned.local_processes = lambda _workers: None
    else:
        fork = multiprocessing.get_context("fork")
        processes.multiprocessing.get_context = lambda _method: fork


def main() -> int:
    """Run once undisturbed, then once with kills; print what happened."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("root", type=Path)
    parser.add_argument("seed", type=int)
    parser.add_argument("kills", type=int)
    parser.add_argument("changes", nargs="*")
    parser.add_argument("--workers", type=int, default=1)
    given = parser.parse_intermixed_args()
    calm, killed = given.root / "calm", given.root / "killed"
    calm.mkdir(parents=True)
    profile = load_profile("smoke", CHANGES + given.changes)
    plan = build_plan(profile)
    prepare(plan, given.workers)
    begin = starter(profile, given.workers)
    assert os.waitpid(begin(calm), 0)[1] == 0
    os.environ[LOG] = str(given.root / "items.tsv")
    count_items()
    chance = Random(given.seed)
    kills = kill_until_done(
        lambda: begin(killed),
        killed,
        chance,
        given.kills,
        delay=lambda: chance.expovariate(1 / 0.1),
        clock=cpu_seconds,
        impatience=0.1,
    )
    again = done_again(given.root / "items.tsv")
    one, other = files_of(calm), files_of(killed)
    differ = sorted(name for name in one.keys() | other.keys() if one.get(name) != other.get(name))
    torn = damaged(Store(killed / "artefacts"), plan)
    rest = left_over(killed)
    facts = {
        "kills": kills.runs + kills.workers,
        "of the whole run": kills.runs,
        "of one worker": kills.workers,
        "kills by step at work": dict(sorted(kills.steps.items())),
        "steps": len(plan.steps),
        "items": again.items,
        "items begun again": again.repeated,
        "at one kill, at most": max(again.lost, default=0),
        "items begun again although finished": again.wasted,
        "files": len(one),
        "files that differ": differ,
        "damaged results": torn,
        "left over": rest,
    }
    print(json.dumps(facts, indent=1))
    redone = max(again.lost, default=0) > given.workers
    return int(bool(differ or torn or rest or again.wasted or redone))


if __name__ == "__main__":
    sys.exit(main())
