"""Runs in which a row fails: what gathers the rows goes on without it."""

import dataclasses

import pytest
from runs_support import statuses, text

from focsbench.profiles.profile import load_profile
from focsbench.runs.executor import Executor
from focsbench.runs.outcome import Policy
from focsbench.runs.pipeline import build_plan
from focsbench.runs.plan import Plan


@pytest.fixture
def flag(tmp_path):
    """While this file exists, the row ``bad`` fails."""
    path = tmp_path / "flag"
    path.touch()
    return path


def lenient(toys, flag):
    """Two rows and what gathers them: ``shared`` -> ``score:*`` -> ``all``, ``page``."""

    def optional(name, required, rows):
        step = toys.step(name, *required, *rows)
        return dataclasses.replace(step, optional=frozenset(rows))

    return Plan(
        [
            toys.step("good"),
            toys.step("bad", function="refuse_while", flag=str(flag)),
            optional("shared", (), ("good", "bad")),
            toys.step("score:good", "good", "shared"),
            toys.step("score:bad", "bad", "shared"),
            optional("all", (), ("score:good", "score:bad")),
            optional("page", ("all",), ("good", "bad")),
        ]
    )


def test_what_gathers_rows_goes_on_without_a_failed_one(toys, store, flag):
    executor = Executor(store, workers=2)
    outcome = executor.run(lenient(toys, flag))
    ended = {"good": "done", "bad": "failed", "shared": "done", "score:good": "done",
             "score:bad": "skipped", "all": "done", "page": "done"}  # fmt: skip
    assert statuses(outcome) == ended
    assert outcome.exit_code == 1
    assert text(outcome, "all") == "0(0(0(),0(0())))"
    assert text(outcome, "page") == "0(0(0(0(),0(0()))),0())"
    toys.calls()

    again = executor.run(lenient(toys, flag))  # the failed step is tried again
    assert statuses(again) == {name: s.replace("done", "cached") for name, s in ended.items()}
    assert toys.calls() == []
    only_cache = Executor(store, workers=1, policy=lambda _: Policy.ONLY_CACHE)
    found = only_cache.run(lenient(toys, flag))
    assert statuses(found) == statuses(again)
    assert "not in the run folder" in found.steps[1].reason
    assert toys.calls() == []


def test_a_result_without_a_row_is_never_taken_for_the_whole(toys, store, flag):
    Executor(store, workers=2).run(lenient(toys, flag))
    toys.calls()
    flag.unlink()
    whole = Executor(store, workers=2).run(lenient(toys, flag))
    assert whole.exit_code == 0
    assert toys.calls() == ["all", "bad", "page", "score:bad", "score:good", "shared"]
    assert text(whole, "shared") == "0(0(),0())"


def test_nothing_gathers_no_rows(toys, store):
    rows = ("one", "two")
    steps = [toys.step(row, function="crash") for row in rows]
    gather = dataclasses.replace(toys.step("all", *rows), optional=frozenset(rows))
    outcome = Executor(store, workers=2).run(Plan([*steps, gather, toys.step("page", "all")]))
    assert statuses(outcome) == {"one": "failed", "two": "failed", "all": "skipped",
                                 "page": "skipped"}  # fmt: skip


def test_what_is_there_stays_when_its_input_breaks(toys, store, flag):
    """Only the row's own step is damaged and cannot be repeated: nothing else is lost."""
    flag.unlink()
    executor = Executor(store, workers=1)
    outcome = executor.run(lenient(toys, flag))
    (outcome.artefact("bad").folder / "text").write_text("longer than before")
    flag.touch()
    ended = statuses(executor.run(lenient(toys, flag)))
    assert ended == {name: "failed" if name == "bad" else "cached" for name in ended}


def test_a_damaged_result_of_the_whole_does_not_stop_the_rest(toys, store, flag):
    """The gathering step is damaged and one of its rows fails now: it is made without the row."""
    flag.unlink()
    executor = Executor(store, workers=1)
    outcome = executor.run(lenient(toys, flag))
    for name in ("bad", "shared", "score:bad", "all", "page"):
        (outcome.artefact(name).folder / "text").write_text("longer than before")
    flag.touch()
    again = executor.run(lenient(toys, flag))
    ended = statuses(again)
    assert (ended["bad"], ended["score:bad"], ended["score:good"]) == (
        "failed",
        "skipped",
        "cached",
    )
    assert (ended["shared"], ended["all"], ended["page"]) == ("done", "done", "done")
    assert text(again, "all") == "0(0(0(),0(0(),0())))"  # the score that compared both rows stays
    assert text(again, "shared") == "0(0())"


def test_in_a_real_plan_one_row_may_fail_and_only_it_is_lost():
    plan = build_plan(load_profile("smoke"))
    absent = {"em"}
    for step in plan.steps:
        if not step.can_do_without(absent):
            absent.add(step.name)
    # The floor of the tables uses the same network as the row.
    rows = {name.split(":")[1] for name in absent if ":" in name}
    assert rows == {"focs", "everything_visible"}
    assert not {"aggregate", "report:overview", "prepare:ar_rmse"} & absent


def test_steps_that_gather_do_without_the_failed_row(tmp_path):
    """The functions of the steps are given fewer inputs than their config names."""
    from focsbench.runs.report import _title, aggregate_step
    from focsbench.runs.score import write_rows
    from focsbench.types import ResultRow

    folder, out = tmp_path / "score", tmp_path / "out"
    folder.mkdir()
    out.mkdir()
    write_rows(folder / "rows.csv", [ResultRow("mofa", "now", "scarf", "", "a", "x", 1.0)])
    config = {"scores": ["score:mofa:now", "score:focs:now"]}
    aggregate_step({"score:mofa:now": folder}, out, config, 1)
    assert (out / "results.csv").read_text().count("\n") == 2
    settings = {
        "run": "a test",
        "labels": [["mofa", "MoFA"], ["focs", "FOCS"]],
        "predictions": {"now": {"mofa": "predict:mofa:now", "focs": "predict:focs:now"}},
        "distances": {"mofa": "score:mofa:now", "focs": "score:focs:now"},
    }
    inputs = dict.fromkeys(["predict:mofa:now", "score:mofa:now", "predict:focs:now"], folder)
    assert _title(inputs, settings) == "a test, incomplete: FOCS failed"
    inputs["score:focs:now"] = folder
    assert _title(inputs, settings) == "a test"
