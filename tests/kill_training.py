"""Trains in child processes that are killed at random moments; a script for a test.

    python kill_training.py ROOT SEED KILLS

The interpreter forks after its imports, so that an attempt costs only what it trains.
"""

from __future__ import annotations

import os
import random
import signal
import sys
import time
from contextlib import suppress
from pathlib import Path

from joint_support import joint_training

CHANGES = {
    "checkpoint_every": 3,
    "schedule": {"joint_iterations": 25, "e_iterations": 2, "m_iterations": 3},
}


def attempt(root: Path) -> int:
    """Start to train, or to train on, in a child; return its process id."""
    child = os.fork()
    if child == 0:
        joint_training(root, CHANGES).em_stage()
        os._exit(0)
    return child


def written(root: Path) -> list[int]:
    """Return when the checkpoint was last written."""
    found = []
    for file in root.glob("checkpoints/*/checkpoint.safetensors"):
        with suppress(FileNotFoundError):  # who starts again removes that of a finished training
            found.append(file.stat().st_mtime_ns)
    return found


def ended(child: int, options: int) -> bool:
    """Return whether a child is gone; an error of its own ends the test."""
    process, status = os.waitpid(child, options)
    assert status in (0, signal.SIGKILL), status
    return process != 0


def kill_some_time_later(child: int, root: Path, delay: float) -> bool:
    """Kill a child some time after its next checkpoint; return whether it was still at work."""
    before = written(root)
    while written(root) == before:
        if ended(child, os.WNOHANG):
            return False
        time.sleep(0.001)
    time.sleep(delay)
    if ended(child, os.WNOHANG):
        return False
    os.kill(child, signal.SIGKILL)
    return ended(child, 0)


def main() -> None:
    """Train once undisturbed, then once with kills; print how many hit."""
    root, seed, kills = Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3])
    child = attempt(root / "calm")
    times = []
    while not ended(child, os.WNOHANG):
        if written(root / "calm") != times[-1:]:
            times += written(root / "calm")
        time.sleep(0.001)
    between = (times[-1] - times[0]) / 1e9 / (len(times) - 1)
    delays = random.Random(seed)
    hits = 0
    for _ in range(kills):
        child = attempt(root / "killed")
        hits += kill_some_time_later(child, root / "killed", delays.uniform(0, 1.5 * between))
    ended(attempt(root / "killed"), 0)
    print(hits)


if __name__ == "__main__":
    main()
