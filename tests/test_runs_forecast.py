"""What a run would do: cached, will run and why, how long."""

import dataclasses

import pytest
from runs_support import statuses

from focsbench.errors import ConfigError
from focsbench.runs.executor import Executor
from focsbench.runs.forecast import Fate, differences, forecast, wall_seconds
from focsbench.runs.outcome import Policy
from focsbench.runs.plan import Plan
from focsbench.runs.wanted import parse_policies, wanted_backend


def only_missing(_step):
    return Policy.ONLY_MISSING


def look(plan, store, policy=only_missing):
    return {one.name: one for one in forecast(plan, store, policy)}


def test_nothing_is_there_then_everything_then_what_changed(toys, store):
    first = look(toys.plan(), store)
    assert {one.fate for one in first.values()} == {Fate.RUN}
    assert first["a"].why == ("new",)
    assert not store.root.exists()

    Executor(store, workers=1).run(toys.plan())
    assert {one.fate for one in look(toys.plan(), store).values()} == {Fate.CACHED}

    changed = look(toys.plan(number=1), store)
    assert {name: one.fate for name, one in changed.items()} == {
        "a": Fate.CACHED, "b": Fate.RUN, "c": Fate.CACHED, "d": Fate.RUN,
    }  # fmt: skip
    assert changed["b"].why == ("config: number 0 → 1",)
    assert changed["d"].why == ("input: b",)
    assert changed["b"].source == "the same step before"
    assert statuses(Executor(store, workers=1).run(toys.plan(number=1)))["c"] == "cached"


def test_changed_code_and_inputs_are_named(toys, store):
    old = toys.step("a", code_version="1", sources={"m.kept": "1", "m.new": "1", "m.gone": "1"})
    Executor(store, workers=1).run(Plan([old, toys.step("x"), toys.step("b", "a", "x")]))
    new = toys.step("a", code_version="2", sources={"m.kept": "1", "m.new": "2"})
    seen = look(Plan([new, toys.step("b", "a")]), store)
    assert seen["a"].why == ("code: m.new, m.gone",)
    assert seen["b"].why == ("input: a", "no longer an input: x")


def test_damage_and_policies_are_said(toys, store):
    outcome = Executor(store, workers=1).run(toys.plan())
    (outcome.artefact("b").folder / "text").unlink()
    why = look(toys.plan(), store)["b"].why[0]
    assert why.startswith("damaged: ")
    assert why.endswith("this cached file is missing")
    fates = {p: look(toys.plan(), store, lambda _, p=p: p)["b"].fate for p in Policy}
    assert fates == {
        Policy.ONLY_MISSING: Fate.RUN, Policy.ALWAYS: Fate.RUN,
        Policy.NEVER: Fate.FAIL, Policy.ONLY_CACHE: Fate.FAIL,
    }  # fmt: skip
    assert look(toys.plan(), store, lambda _: Policy.ALWAYS)["a"].why == ("the policy is always",)


def test_moved_inputs_are_said(toys, store):
    def plan(folder):
        return Plan([toys.step("data", function="where", place={"folder": folder})])

    Executor(store, workers=1).run(plan("here"))
    assert look(plan("there"), store)["data"].why == ("lies elsewhere: folder here → there",)


def test_like_steps_and_weights_give_the_other_estimates(toys, store):
    heavy = dataclasses.replace(toys.step("heavy", function="slow", seconds=0.2), weight=2.0)
    Executor(store, workers=1).run(Plan([heavy]))
    like = dataclasses.replace(toys.step("like", function="slow", seconds=9), weight=4.0)
    unlike = dataclasses.replace(toys.step("unlike"), weight=6.0)
    seen = look(Plan([heavy, like, unlike]), store)
    took = store.find("heavy", Plan([heavy]).keys["heavy"]).seconds
    assert (seen["like"].source, seen["unlike"].source) == ("like steps", "weight")
    assert seen["like"].seconds == pytest.approx(2 * took)
    assert seen["unlike"].seconds == pytest.approx(3 * took)


def test_wall_time_follows_chains_workers_and_parallel_steps(toys, store):
    plan = toys.plan()  # a (parallel) -> b, c -> d
    ones = [dataclasses.replace(one, seconds=10.0) for one in look(plan, store).values()]
    assert wall_seconds(plan, ones, 1) == 40.0
    assert wall_seconds(plan, ones, 2) == 30.0
    assert wall_seconds(plan, ones, 8) == 30.0


def test_differences_name_leaves():
    before = {"a": {"b": 1, "c": [1, 2]}, "same": 0, "gone": 3}
    after = {"a": {"b": 2, "c": (1, 2)}, "same": 0, "new": 4}
    assert list(differences(before, after)) == ["a.b 1 → 2", "gone 3 → none", "new none → 4"]


def test_policies_are_parsed_and_the_last_that_fits_counts():
    assert parse_policies(["always", "score:*=never"]) == (
        ("*", Policy.ALWAYS), ("score:*", Policy.NEVER),
    )  # fmt: skip
    with pytest.raises(ConfigError, match="did you mean never"):
        parse_policies(["nevr"])
    with pytest.raises(ConfigError, match="no executor is called 'slurm'"):
        wanted_backend("slurm", None)
    with pytest.raises(ConfigError, match="only --executor ray has an address"):
        wanted_backend("pool", "head:6379")


def test_dry_run_of_the_command_runs_nothing(focsbench, tmp_path):
    code, output, _ = focsbench(
        "run-all", "--profile", "smoke", "--output", tmp_path / "run", "--dry-run", "--workers", 2
    )
    assert code == 0
    lines = output.splitlines()
    assert lines[0].split()[:2] == ["run", "face_model"]
    assert lines[-1].endswith("with 2 workers; nothing was run")
    assert not (tmp_path / "run").exists()
