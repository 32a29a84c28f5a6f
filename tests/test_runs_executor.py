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

from focsbench.runs.backends import InProcess, ProcessPool
from focsbench.runs.executor import Executor
from focsbench.runs.logs import logging_to
from focsbench.runs.outcome import Policy, Silent, Status
from focsbench.runs.plan import Plan, Resources
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


@pytest.fixture(autouse=True)
def no_pause(monkeypatch):
    monkeypatch.setattr("focsbench.runs.attempts.PAUSE", 0.0)


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
    assert outcome.steps[0].attempts == 3


@pytest.mark.parametrize("function", ["die_once", "stale_once"])
def test_what_may_pass_is_tried_again(toys, store, tmp_path, function):
    retried = []

    class Listener(Silent):
        def retried(self, step, reason):
            retried.append((step.name, reason))

    plan = Plan([toys.step("a", function=function, flag=str(tmp_path / "flag"))])
    outcome = Executor(store, workers=1, listener=Listener()).run(plan)
    assert statuses(outcome) == {"a": "done"}
    assert [name for name, _ in retried] == ["a"]
    assert outcome.steps[0].notice.startswith("2 attempts: ")
    assert (
        json.loads((outcome.artefact("a").folder / "artefact.json").read_bytes())["made"]["attempt"]
        == 2
    )


def test_without_retries_the_first_trouble_counts(toys, store, tmp_path):
    plan = Plan([toys.step("a", function="stale_once", flag=str(tmp_path / "flag"))])
    assert statuses(Executor(store, workers=1, retries=0).run(plan)) == {"a": "failed"}


def test_a_killed_worker_takes_no_other_step_with_it(toys, store, tmp_path):
    slow = toys.step("slow", function="slow", seconds=1.0)
    victim = toys.step("victim", function="die_once", flag=str(tmp_path / "flag"))
    outcome = Executor(store, workers=2).run(Plan([slow, victim]))
    assert statuses(outcome) == {"slow": "done", "victim": "done"}
    assert toys.calls() == ["slow", "victim"]


def test_a_full_disk_ends_the_run_in_one_sentence_and_loses_nothing(toys, store):
    plan = Plan(
        [
            toys.step("before", parallel=True),
            toys.step("full", "before", function="fill_disk"),
            toys.step("after", "before"),
            toys.step("last", "full"),
        ]
    )
    outcome = Executor(store, workers=1).run(plan)
    assert statuses(outcome) == {
        "before": "done", "full": "failed", "after": "skipped", "last": "skipped",
    }  # fmt: skip
    assert (
        "cannot be written, because the disk is full (No space left on" in outcome.steps[1].reason
    )
    assert outcome.steps[2].reason == outcome.steps[1].reason
    assert not list(store.root.glob(".partial-*"))
    toys.calls()
    healed = Plan([*plan.steps[:2][:1], toys.step("after", "before")])
    assert statuses(Executor(store, workers=1).run(healed)) == {"before": "cached", "after": "done"}


def test_a_step_that_needs_a_gpu_does_not_wait_for_one(toys, store):
    needs = Resources(gpus=2)
    plan = Plan([toys.step("train", needs=needs), toys.step("next", "train"), toys.step("other")])
    outcome = Executor(store, workers=2, backend=lambda: ProcessPool(2, gpus=1)).run(plan)
    assert statuses(outcome) == {"train": "failed", "next": "skipped", "other": "done"}
    assert outcome.steps[0].reason.startswith("it asks for 2 GPUs and this machine has only 1; ")


def test_gpus_are_shared_out(toys, store):
    steps = [toys.step(name, needs=Resources(gpus=1), number=n) for n, name in enumerate("ab")]
    outcome = Executor(store, workers=2, backend=lambda: ProcessPool(2, gpus=1)).run(Plan(steps))
    assert statuses(outcome) == {"a": "done", "b": "done"}


def test_everything_can_run_in_this_process(toys, store):
    outcome = Executor(store, workers=1, backend=InProcess).run(toys.plan())
    assert text(outcome, "d") == "0(0(0()),0(0()))"
    pids = {(outcome.artefact(n).folder / "process" / "pid").read_text() for n in "abcd"}
    assert pids == {str(os.getpid())}


def test_a_result_whose_inputs_lie_elsewhere_is_made_again_under_the_same_key(toys, store):
    def plan(folder):
        data = toys.step("data", function="where", place={"folder": folder})
        return Plan([data, toys.step("next", "data")])

    assert statuses(Executor(store, workers=1).run(plan("here"))) == {
        "data": "done",
        "next": "done",
    }
    moved = Executor(store, workers=1).run(plan("there"))
    assert statuses(moved) == {"data": "done", "next": "cached"}
    assert text(moved, "data") == "there"
    assert statuses(Executor(store, workers=1).run(plan("there")))["data"] == "cached"


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


def test_never_replaces_nothing_but_makes_what_is_missing(toys, store):
    never = Executor(store, workers=1, policy=lambda _: Policy.NEVER)
    outcome = never.run(toys.plan())
    assert set(statuses(outcome).values()) == {"done"}
    (outcome.artefact("b").folder / "text").unlink()
    toys.calls()
    again = never.run(toys.plan())
    assert statuses(again) == {"a": "cached", "b": "failed", "c": "cached", "d": "cached"}
    assert "text: this cached file is missing" in again.steps[1].reason
    assert toys.calls() == []


def test_always_replaces_and_a_failure_leaves_the_old_result(toys, store, tmp_path):
    flag = tmp_path / "flag"
    plan = Plan([toys.step("a", function="refuse_while", flag=str(flag))])
    first = Executor(store, workers=1).run(plan)
    always = Executor(store, workers=1, policy=lambda _: Policy.ALWAYS)
    flag.touch()
    assert statuses(always.run(plan)) == {"a": "failed"}
    assert store.find("a", first.artefact("a").key, hashes=True)
    flag.unlink()
    before = (first.artefact("a").folder / "artefact.json").stat().st_ino
    assert statuses(always.run(plan)) == {"a": "done"}
    assert (first.artefact("a").folder / "artefact.json").stat().st_ino != before
    assert not list(store.root.glob(".partial-*"))


TWO = """
import sys
from pathlib import Path
from runs_support import Toys
from focsbench.runs.executor import Executor
from focsbench.runs.plan import Plan
from focsbench.runs.store import Store

if __name__ == "__main__":
    folder = Path(sys.argv[1])
    sys.path.insert(0, str(folder))
    toys = Toys(folder)
    steps = [toys.step(f"s{n}", function="slow", seconds=0.1) for n in range(8)]
    last = toys.step("last", *(step.name for step in steps))
    outcome = Executor(Store(folder / "artefacts"), workers=2).run(Plan([*steps, last]))
    assert outcome.exit_code == 0, outcome
"""


def test_two_processes_share_the_steps_of_one_store(tmp_path):
    (tmp_path / "script.py").write_text(TWO)
    shutil.copy(Path(__file__).with_name("runs_support.py"), tmp_path)
    command = [sys.executable, tmp_path / "script.py", tmp_path]
    both = [subprocess.Popen(command, stderr=subprocess.PIPE, text=True) for _ in range(2)]
    errors = [process.communicate(timeout=120)[1] for process in both]
    assert [process.returncode for process in both] == [0, 0], errors
    # Each step ran once, in one of the two.
    assert sorted((tmp_path / "calls").read_text().split()) == sorted(
        [*(f"s{n}" for n in range(8)), "last"]
    )
    assert not list((tmp_path / "artefacts").glob(".partial-*"))


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

    class Listener(Silent):
        def started(self, step):
            started.append(step.name)

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
    assert "focsbench.toy: talk: hello from the step" in lines
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
    assert [path.name[:2] for path in store.root.glob("[!.]*")] == ["a-"]
    assert not list(store.root.glob(".partial-*"))


def is_soon_gone(group):
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            os.killpg(group, 0)
        except ProcessLookupError:
            return True
        time.sleep(0.05)
    return False
