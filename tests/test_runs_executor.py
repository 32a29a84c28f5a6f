"""The executor: order, reuse, failure, worker processes."""

import dataclasses
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from runs_support import Toys, statuses, text

from focsbench.runs.executor import Executor
from focsbench.runs.logs import logging_to
from focsbench.runs.outcome import Policy, Silent, Status
from focsbench.runs.plan import Plan
from focsbench.runs.store import Store


def test_a_run_then_nothing_then_only_what_changed(toys, store):
    executor = Executor(store, workers=2)
    outcome = executor.run(toys.plan())
    assert outcome.exit_code == 0
    assert toys.calls() == ["a", "b", "c", "d"]
    assert text(outcome, "d") == "0(0(0()),0(0()))"
    pids = {(outcome.artefact(n).folder / "process" / "pid").read_text() for n in "abcd"}
    assert str(os.getpid()) in pids  # the parallel step
    assert len(pids) > 1

    again = executor.run(toys.plan())
    assert set(statuses(again).values()) == {"cached"}
    assert toys.calls() == []

    changed = executor.run(toys.plan(number=1))
    assert statuses(changed) == {"a": "cached", "b": "done", "c": "cached", "d": "done"}
    assert text(changed, "d") == "0(1(0()),0(0()))"
    assert toys.calls() == ["b", "d"]


@pytest.mark.parametrize("workers", [1, 3])
def test_any_number_of_workers_gives_the_same_bytes(toys, store, workers):
    outcome = Executor(store, workers=workers).run(toys.plan())
    assert text(outcome, "d") == "0(0(0()),0(0()))"


def test_a_failed_step_stops_only_what_needs_it(toys, store):
    plan = Plan(
        [
            toys.step("good"),
            toys.step("bad", function="refuse"),
            toys.step("bug", function="crash", parallel=True),
            toys.step("after_bad", "bad", "good"),
            toys.step("last", "after_bad"),
            toys.step("after_good", "good"),
        ]
    )
    outcome = Executor(store, workers=2).run(plan)
    assert statuses(outcome) == {
        "good": "done",
        "bad": "failed",
        "bug": "failed",
        "after_bad": "skipped",
        "last": "skipped",
        "after_good": "done",
    }
    reasons = {step.name: step.reason for step in outcome.steps}
    assert reasons["bad"] == "photo.jpg: not an image; replace it."
    assert reasons["bug"] == "ValueError: a bug"
    assert reasons["after_bad"] == "bad failed"
    assert outcome.exit_code == 1
    assert not list(store.root.glob(".partial-*"))


def test_a_killed_worker_fails_its_step_and_the_others_go_on(toys, store):
    steps = [toys.step("victim", function="die"), toys.step("next", parallel=True)]
    outcome = Executor(store, workers=1).run(Plan([*steps, toys.step("later", "next")]))
    assert statuses(outcome) == {"victim": "failed", "next": "done", "later": "done"}
    assert "worker process was killed" in outcome.steps[0].reason


def test_failed_items_give_exit_code_2_also_when_cached(toys, store):
    plan = Plan([toys.step("predict", function="lose_items")])
    for status in ("done", "cached"):
        outcome = Executor(store, workers=1).run(plan)
        assert statuses(outcome) == {"predict": status}
        assert outcome.failed_items() == [("predict", "a/b", "too dark")]
        assert outcome.exit_code == 2


def test_damage_is_repaired_and_said(toys, store):
    executor = Executor(store, workers=1)
    outcome = executor.run(toys.plan())
    toys.calls()
    (outcome.artefact("b").folder / "text").write_text("much longer than before")
    repaired = executor.run(toys.plan())
    assert toys.calls() == ["b"]
    notice = next(step.notice for step in repaired.steps if step.name == "b")
    assert notice.startswith("computed again: ")
    assert "text" in notice
    assert text(repaired, "b") == "0(0())"
    assert repaired.exit_code == 0


def test_verify_finds_damage_that_keeps_the_size(toys, store):
    outcome = Executor(store, workers=1).run(toys.plan())
    toys.calls()
    (outcome.artefact("b").folder / "text").write_text("9(9())")
    Executor(store, workers=1).run(toys.plan())
    assert toys.calls() == []
    Executor(store, workers=1, verify=True).run(toys.plan())
    assert toys.calls() == ["b"]


def test_policies(toys, store):
    only_cache = Executor(store, workers=1, policy=lambda _: Policy.ONLY_CACHE)
    empty = only_cache.run(toys.plan())
    assert statuses(empty) == {"a": "failed", "b": "skipped", "c": "skipped", "d": "skipped"}
    assert "not in the run folder" in empty.steps[0].reason
    Executor(store, workers=1).run(toys.plan())
    toys.calls()
    assert set(statuses(only_cache.run(toys.plan())).values()) == {"cached"}

    def last_always(step):
        return Policy.ALWAYS if step.name == "d" else Policy.ONLY_CACHE

    outcome = Executor(store, workers=1, policy=last_always).run(toys.plan())
    assert statuses(outcome)["d"] == Status.DONE
    assert toys.calls() == ["d"]


def test_the_heavier_of_two_ready_steps_starts_first(toys, store):
    light, heavy = toys.step("light"), dataclasses.replace(toys.step("heavy"), weight=5.0)
    started = []

    class Listener(Silent):
        def started(self, step):
            started.append(step.name)

    Executor(store, workers=1, listener=Listener()).run(Plan([light, heavy]))
    assert started == ["heavy", "light"]


def test_the_longest_chain_starts_first_also_if_it_begins_with_a_parallel_step(toys, store):
    plan = Plan(
        [
            toys.step("short"),
            toys.step("begin", parallel=True),
            toys.step("middle", "begin"),
            toys.step("end", "middle"),
        ]
    )
    started = []

    class Listener:
        def started(self, step):
            started.append(step.name)

        def finished(self, result):
            pass

    Executor(store, workers=1, listener=Listener()).run(plan)
    assert started[:2] == ["begin", "middle"]


def test_workers_have_one_thread_and_parallel_steps_get_all_workers(toys, store):
    plan = Plan(
        [
            toys.step("one", function="threads"),
            toys.step("all", function="threads", parallel=True),
        ]
    )
    outcome = Executor(store, workers=2).run(plan)

    def facts(name):
        return json.loads((outcome.artefact(name).folder / "threads.json").read_bytes())

    one = facts("one")
    assert [one[key] for key in one] == ["1", "1", "1", 1, 1]
    assert facts("all")["workers"] == 2


def test_log_has_messages_and_warnings_of_workers(toys, store, tmp_path):
    log = tmp_path / "log.txt"
    plan = Plan(
        [toys.step("talk", function="warn"), toys.step("bug", function="crash", parallel=True)]
    )
    with logging_to(log):
        Executor(store, workers=1, log_file=log).run(plan)
    lines = log.read_text()
    assert "focsbench.toy: hello from the step" in lines
    assert "mind the step" in lines
    assert "bug: failed: ValueError: a bug" in lines
    assert "Traceback" in lines


SCRIPT = """
from pathlib import Path
from runs_support import Toys, statuses, text
from focsbench.runs.executor import Executor
from focsbench.runs.plan import Plan
from focsbench.runs.store import Store
import signal
import sys

if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.default_int_handler)  # shells ignore it in the background
    folder = Path(sys.argv[1])
    sys.path.insert(0, str(folder))
    toys = Toys(folder)
    steps = [toys.step("a"), toys.step("b", "a", function="slow", seconds=60)]
    try:
        Executor(Store(folder / "artefacts"), workers=2).run(Plan(steps))
    except KeyboardInterrupt:
        print("stopped")
"""


def start_script(folder):
    """Start SCRIPT in a process group of its own; return when its step b is at work."""
    script = folder / "script.py"
    script.write_text(SCRIPT)
    shutil.copy(Path(__file__).with_name("runs_support.py"), folder)
    process = subprocess.Popen(
        [sys.executable, script, folder],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    calls = folder / "calls"
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and (not calls.exists() or "b" not in calls.read_text()):
        time.sleep(0.05)
    return process


def test_ctrl_c_ends_the_workers_and_keeps_what_is_done(tmp_path):
    process = start_script(tmp_path)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process
    output, errors = process.communicate(timeout=90)
    assert output == "stopped\n"
    assert "Traceback" not in errors
    assert [path.name[:2] for path in (tmp_path / "artefacts").glob("[a-z]*")] == ["a-"]
    assert is_soon_gone(process.pid)


def test_a_killed_run_leaves_nothing_half_done(tmp_path):
    process = start_script(tmp_path)
    os.killpg(process.pid, signal.SIGKILL)
    process.communicate(timeout=90)
    store = Store(tmp_path / "artefacts")
    assert list(store.root.glob(".partial-b*"))
    store.clean()
    toys = Toys(tmp_path)
    plan = Plan([toys.step("a"), toys.step("b", "a", function="slow", seconds=60)])
    found = Executor(store, workers=1, policy=lambda _: Policy.ONLY_CACHE).run(plan)
    assert statuses(found) == {"a": "cached", "b": "failed"}
    assert [path.name[:2] for path in store.root.iterdir()] == ["a-"]


def is_soon_gone(group):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
