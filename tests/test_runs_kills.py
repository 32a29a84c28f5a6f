"""Runs that are killed at random moments end as if nothing had been.

``kill_runs.py`` does the same, a hundred times, to a run that trains.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path
from random import Random

import kill_toys
import pytest
from kill_support import (
    LOG,
    damaged,
    done_again,
    files_of,
    kill_until_done,
    left_over,
    wall_seconds,
)

from focsbench.runs.store import Store

pytestmark = pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="needs Linux")


@pytest.mark.parametrize(("workers", "kills"), [(1, 6), (2, 4)])
def test_a_run_that_is_killed_ends_as_if_nothing_had_been(tmp_path, monkeypatch, workers, kills):
    log = tmp_path / "items.tsv"
    monkeypatch.setenv(LOG, str(log))

    def begin(root: Path) -> int:
        command = [sys.executable, kill_toys.__file__, str(root), str(workers)]
        return os.posix_spawn(sys.executable, command, os.environ, setpgroup=0)

    calm, killed = tmp_path / "calm", tmp_path / "killed"
    assert os.waitpid(begin(calm), 0)[1] == 0
    log.unlink()
    chance = Random(workers)
    done = kill_until_done(
        lambda: begin(killed),
        killed,
        chance,
        kills,
        delay=lambda: chance.uniform(0.0, 0.05),
        clock=wall_seconds,
    )
    assert done.runs + done.workers > 0  # a busy machine may leave no time for more
    assert files_of(killed) == files_of(calm)
    items = sum(kill_toys.ITEMS.values())
    assert len(files_of(calm)) == items + len(kill_toys.ITEMS) + 1
    assert damaged(Store(killed / "artefacts"), kill_toys.plan()) == []
    assert left_over(killed) == []
    again = done_again(log)
    assert again.items == items
    assert again.wasted == 0
    assert max(again.lost) <= workers
