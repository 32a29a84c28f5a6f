"""Jobs in worker processes: all results, and a killed process takes nobody with it."""

from __future__ import annotations

import multiprocessing
import os
import time

import pytest

from focsbench.errors import InputError
from focsbench.processes import WorkerPool, reason_of, run_jobs


def work(job):
    """Square a number; some numbers are trouble."""
    if job == 3:
        os._exit(1)  # as if it had been killed
    if job == 5:
        raise InputError("five.obj: empty; write it again.")
    return job * job, os.environ["OMP_NUM_THREADS"], os.environ["NUMBA_NUM_THREADS"]


@pytest.mark.parametrize("workers", [1, 2])
def test_only_the_job_to_blame_fails(workers):
    jobs = [*range(8)]
    ended = dict(run_jobs(work, jobs, workers))
    assert sorted(ended) == jobs
    errors = {number: future.exception() for number, future in ended.items()}
    assert [number for number, error in errors.items() if error is not None] in ([3, 5], [5, 3])
    assert "was killed" in reason_of(errors[3])
    assert reason_of(errors[5]) == "five.obj: empty; write it again."
    for number in set(jobs) - {3, 5}:
        assert ended[number].result() == (number * number, "1", "1")


def test_no_process_is_left_when_the_loop_is_left_early():
    before = set(multiprocessing.active_children())
    jobs = run_jobs(work, [1, 2, 4, 6, 7], 2)
    next(jobs)
    jobs.close()
    # The pool's own thread may be the one that reaps a process; it does so a moment later.
    deadline = time.monotonic() + 10
    while not set(multiprocessing.active_children()) <= before and time.monotonic() < deadline:
        time.sleep(0.05)
    assert set(multiprocessing.active_children()) <= before
    assert dict(run_jobs(work, [], 2)) == {}


def test_a_pool_starts_again_after_a_death():
    pool = WorkerPool(1)
    try:
        assert pool.submit(work, 3).exception(timeout=60) is not None
        assert pool.submit(work, 2).result(timeout=60)[0] == 4
    finally:
        pool.close()
    pool.close()  # a second time is harmless


def test_unforeseen_errors_are_named():
    assert reason_of(ZeroDivisionError("by zero")) == "ZeroDivisionError: by zero"


def test_reasons_have_one_line():
    assert reason_of(RuntimeError("CUDA error\n\n  Compile it\n")) == (
        "RuntimeError: CUDA error Compile it"
    )
    assert reason_of(InputError("a  b.jpg: no\u2028image.")) == "a  b.jpg: no image."
