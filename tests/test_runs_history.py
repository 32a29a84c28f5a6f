"""``focsbench runs``: what runs are made of, in what they differ, what can go."""

import csv
import json

import pytest

from focsbench.runs import run_all
from focsbench.runs.environment import describe_environment
from focsbench.runs.history import find_garbage, find_runs, run_differences
from focsbench.runs.plan import Plan
from focsbench.runs.run_folder import RunFolder


@pytest.fixture
def run(focsbench, toys, tmp_path, monkeypatch):
    """A command that makes a run of toy steps; ``toys.number`` is a setting of one of them."""
    toys.number = 0

    def plan(profile):
        del profile
        rows = toys.step("score:focs:now", "data", number=toys.number, card="ab12", protocol="now")
        return Plan(
            [
                toys.step("data", manifest={"folder": {"files": 2}}),
                rows,
                toys.step("aggregate", "score:focs:now"),
            ]
        )

    monkeypatch.setattr(run_all, "build_plan", plan)

    def call(name="run"):
        focsbench("run-all", "--profile", "smoke", "--output", tmp_path / name, "--workers", 1)
        return tmp_path / name

    return call


def test_list_show_and_one_step(run, focsbench, tmp_path):
    folder = run()
    code, output, _ = focsbench("runs", "list", tmp_path)
    assert code == 0
    line = output.splitlines()[1].split()
    assert line[:5] == [str(folder), "smoke", "0", "3", "0"]

    code, output, _ = focsbench("runs", "show", folder)
    assert code == 0
    for text in (
        "name: smoke", "packages.torch: ", "cores: ", "threads.OMP_NUM_THREADS: 1",
        "data.manifest.folder.files: 2", "now: ab12", "score:focs:now", "CPU s",
    ):  # fmt: skip
        assert text in output, text
    step = json.loads(focsbench("runs", "show", folder, "--step", "aggregate")[1])
    assert step["status"] == "done"
    assert step["host"]
    assert step["cpu_seconds"] >= 0
    code, _, errors = focsbench("runs", "show", folder, "--step", "aggregat")
    assert (code, "no step 'aggregat'" in errors) == (1, True)
    assert focsbench("runs", "show", tmp_path)[0] == 1
    assert focsbench("runs", "list", folder / "artefacts")[1].startswith("no runs here")


def test_diff(run, focsbench, toys):
    one = run("one")
    assert run_differences(RunFolder(one), RunFolder(one)) == {}
    assert focsbench("runs", "diff", one, one)[1] == "no difference\n"
    toys.number = 1
    other = run("other")
    found = run_differences(RunFolder(one), RunFolder(other))
    assert [line.split()[0] for line in found["steps"]] == ["score:focs:now", "aggregate"]
    output = focsbench("runs", "diff", one, other)[1]
    assert output.splitlines()[0] == "steps"


def run_of_seeds(folder, *seeds, key="ab12", results=b"rows"):
    """Write a run over seeds as far as it is compared; ``key`` and ``results`` are of the last."""
    run = RunFolder(folder)
    run.write_config({"seed": seeds[0], "seeds": len(seeds)}, {"processor": "all"})
    for seed in seeds:
        inner, last = run.of_seed(seed), seed == seeds[-1]
        inner.write_config({"seed": seed}, {"processor": f"of {seed}"})
        steps = {"aggregate": {"key": key if last else "ab12"}}
        (inner.root / "provenance.json").write_text(json.dumps({"steps": steps}))
        (inner.root / "results.csv").write_bytes(results if last else b"rows")
    (folder / "results_seeds.csv").write_bytes(results)
    return run


def test_diff_compares_the_seeds_of_runs(focsbench, tmp_path):
    one = run_of_seeds(tmp_path / "one", 3, 4)
    assert run_differences(one, run_of_seeds(tmp_path / "same", 3, 4)) == {}
    assert run_differences(one, run_of_seeds(tmp_path / "key", 3, 4, key="cd34")) == {
        "steps": ["seed-4: aggregate ab12 → cd34"]
    }
    other = run_of_seeds(tmp_path / "other", 3, 4, results=b"other")
    assert run_differences(one, other) == {
        "results": ["seed-4: results.csv differs", "results_seeds.csv differs"]
    }
    assert "seed-4: results.csv differs" in focsbench("runs", "diff", one.root, other.root)[1]
    inner = [RunFolder(run.root / "seed-4") for run in (one, other)]
    assert run_differences(*inner) == {"results": ["results.csv differs"]}
    more = run_of_seeds(tmp_path / "more", 4, 5, 6, key="cd34", results=b"other")
    assert run_differences(one, more) == {
        "settings": ["seed 3 → 4", "seeds 2 → 3"],
        "results": ["results_seeds.csv differs"],
    }


def test_diff_of_runs_without_results_says_so(run, focsbench):
    one = run("one")
    (one / "provenance.json").unlink()
    code, output, _ = focsbench("runs", "diff", one, one)
    assert code == 0
    assert output.splitlines()[0] == "not compared"
    assert "no difference" not in output


@pytest.mark.parametrize("name", ["environment.json", "provenance.json"])
def test_a_damaged_description_of_a_run_is_named(run, focsbench, name):
    one = run("one")
    (one / name).write_text("{")
    for command in (["show", one], ["diff", one, one]):
        code, _, errors = focsbench("runs", *command)
        assert code == 1
        assert f"{one / name}: not readable as JSON" in errors


def test_show_prints_the_environment_of_each_seed(focsbench, tmp_path):
    output = focsbench("runs", "show", run_of_seeds(tmp_path / "run", 0, 1).root)[1]
    assert [line for line in output.splitlines() if "processor: " in line] == [
        "  processor: of 0", "  processor: of 1",
    ]  # fmt: skip


def test_gc_deletes_what_the_plan_does_not_need(run, focsbench, toys):
    folder = run()
    toys.number = 1
    run()
    assert len(RunFolder(folder).store.folders()) == 5
    code, output, _ = focsbench("runs", "gc", folder)
    assert code == 0
    assert output.splitlines()[-1].startswith("2 to delete, ")
    assert len(RunFolder(folder).store.folders()) == 5
    assert focsbench("runs", "gc", folder, "--delete")[1].splitlines()[-1].startswith("2 deleted")
    toys.calls()
    run()
    assert toys.calls() == []
    assert not list(RunFolder(folder).store.root.glob(".partial-*"))


def test_gc_leaves_what_another_process_is_making(run, toys):
    folder = RunFolder(run())
    toys.number = 1
    run()
    kept = run_all.build_plan(None).keys
    garbage = find_garbage(folder, list(kept.items()))
    from focsbench.runs.history import collect_garbage

    name = next(one.path.name for one in garbage)
    key = json.loads((folder.store.root / name / "artefact.json").read_bytes())
    with folder.store.lock(key["name"], key["key"]):
        assert [one.path.name for one in collect_garbage(folder, garbage)] == [
            one.path.name for one in garbage if one.path.name != name
        ]


def test_failures_are_a_table(focsbench, toys, tmp_path, monkeypatch):
    def plan(profile):
        del profile
        return Plan(
            [
                toys.step("data", function="lose_items"),
                toys.step("row", "data", function="refuse"),
                toys.step("aggregate", "row"),
            ]
        )

    monkeypatch.setattr(run_all, "build_plan", plan)
    code, _, errors = focsbench("run-all", "--profile", "smoke", "--output", tmp_path / "run")
    assert code == 1
    assert "data: 1 images failed, the first is a/b: too dark" in errors
    with (tmp_path / "run" / "failures.csv").open(newline="") as file:
        rows = [tuple(row.values()) for row in csv.DictReader(file)]
    assert rows == [
        ("row", "", "failed", "1", "photo.jpg: not an image; replace it."),
        ("aggregate", "", "skipped", "0", "row failed"),
        ("data", "a/b", "failed item", "1", "too dark"),
    ]
    lines = (tmp_path / "run" / "log.jsonl").read_text().splitlines()
    logged = [json.loads(line) for line in lines]
    assert {"time", "level", "process", "logger", "step", "message"} <= set(logged[0])
    assert any(line["step"] == "row" for line in logged)
    failed = next(line for line in logged if line["level"] == "ERROR")
    assert "InputError" in failed["traceback"]


def test_runs_are_found_in_folders(run, tmp_path):
    folder = run()
    assert [found.root for found in find_runs([tmp_path])] == [folder]
    assert [found.root for found in find_runs([folder])] == [folder]


def test_environment_says_hardware_threads_and_state_of_the_code():
    facts = describe_environment(seed=0, workers=1)
    assert facts["memory_gib"] > 0
    assert isinstance(facts["gpus"], list)
    assert set(facts["git"]) in (set(), {"commit", "changed_files"})
    assert "OMP_NUM_THREADS" in facts["threads"]
