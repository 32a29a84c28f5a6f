"""Runs over several seeds: the same runs as one by one, and their numbers together."""

import csv
import json
import statistics

import pytest
from hypothesis import given
from hypothesis import strategies as st

from focsbench.errors import ConfigError, InputError
from focsbench.profiles.profile import check_profile, load_profile
from focsbench.runs import run_all
from focsbench.runs.pipeline import build_plan
from focsbench.runs.plan import Plan
from focsbench.runs.run_folder import RunFolder, run_folders
from focsbench.runs.score import COLUMNS, write_rows
from focsbench.runs.seed_summary import summarise_seeds
from focsbench.runs.seeds import write_over_seeds
from focsbench.runs.summary import SummaryEntry, summarise
from focsbench.types import ResultRow


def entry(method="focs", value=1.0, metric="F1", done_rate=1.0):
    return SummaryEntry(method, "ar_segmentation", "scarf", metric, value, 0.1, 40, done_rate)


def test_mean_and_spread_over_seeds_by_hand():
    summaries = {
        3: [entry(value=0.5), entry("mofa", 0.25)],
        4: [entry(value=0.7, done_rate=0.5)],
        5: [entry(value=None, done_rate=0.0), entry("late", 2.0)],
    }
    focs, mofa, late = summarise_seeds(summaries)
    assert (focs.method, focs.protocol, focs.subset, focs.metric) == (
        "focs", "ar_segmentation", "scarf", "F1",
    )  # fmt: skip
    assert focs.value == pytest.approx(0.6)
    assert focs.std == pytest.approx(0.2 / 2**0.5)  # sample deviation of 0.5 and 0.7
    assert (focs.n, focs.done_rate) == (2, 0.5)
    assert focs.values == {"3": 0.5, "4": 0.7, "5": None}
    assert (mofa.value, mofa.std, mofa.n, mofa.done_rate) == (0.25, None, 1, pytest.approx(1 / 3))
    assert (late.method, late.values) == ("late", {"3": None, "4": None, "5": 2.0})


def test_a_number_that_no_seed_has_stays_missing():
    (only,) = summarise_seeds({0: [entry(value=None)], 1: [entry(value=None)]})
    assert (only.value, only.std, only.n) == (None, None, 0)


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=6))
def test_spread_is_the_sample_standard_deviation(values):
    (only,) = summarise_seeds({seed: [entry(value=value)] for seed, value in enumerate(values)})
    mean = sum(values) / len(values)
    naive = (sum((value - mean) ** 2 for value in values) / (len(values) - 1)) ** 0.5
    assert only.value == pytest.approx(statistics.mean(values), abs=1e-9)
    assert only.std == pytest.approx(naive, abs=1e-6)


def test_a_seed_of_a_run_is_the_run_with_that_seed():
    alone = build_plan(load_profile("smoke", ["seed=4"])).keys
    several = load_profile("smoke", ["seed=3", "seeds=2"])
    assert build_plan(several.of_seed(1)).keys == alone
    stored = check_profile(json.loads(several.resolved().model_dump_json()))
    assert build_plan(stored.of_seed(1)).keys == alone
    assert stored.of_seed(1).seeds == 1


def test_seeds_may_share_the_data():
    several = load_profile("smoke", ["seeds=3", "vary_data=false"])
    first, last = build_plan(several.of_seed(0)).keys, build_plan(several.of_seed(2)).keys
    assert first["data"] == last["data"]
    assert first["warmup"] != last["warmup"]
    assert several.of_seed(2).seed == 2


def test_a_bad_number_of_seeds_is_named():
    with pytest.raises(ConfigError, match="seeds"):
        load_profile("smoke", ["seeds=0"])


def rows(method, value):
    return [
        ResultRow(method, "ar_rmse", "scarf", "m-001", f"m-001-{n}", "rmse", value + n)
        for n in (1, 2)
    ]


def run_of_seed(path, profile, found):
    member = RunFolder(path)
    path.mkdir()
    member.write_config(profile.model_dump(mode="json"), {})
    write_rows(path / "results.csv", found)
    summary = [vars(one) for one in summarise(found)]
    (path / "summary.json").write_text(json.dumps(summary))
    return member


def test_files_over_seeds(tmp_path):
    run = RunFolder(tmp_path / "run")
    run.root.mkdir()
    profile = load_profile("smoke", ["seeds=3", 'protocols=["ar_rmse"]'])
    members = {
        seed: run_of_seed(
            run.root / f"seed-{seed}",
            profile.of_seed(seed),
            [*rows("mofa", value), *rows("focs", value / 2)],
        )
        for seed, value in ((0, 8.0), (1, 10.0))
    }
    labels = {"mofa": "MoFA", "focs": "FOCS"}
    files = write_over_seeds(run, profile, members, labels)
    assert all(path.is_file() for path in files)

    with (run.root / "results_seeds.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert list(table[0]) == ["seed", *COLUMNS]
    assert [row["seed"] for row in table] == ["0"] * 4 + ["1"] * 4
    assert (table[4]["method"], table[4]["value"]) == ("mofa", "11.0")

    summary = json.loads((run.root / "summary_seeds.json").read_text())
    assert [(one["method"], one["value"]) for one in summary] == [("mofa", 10.5), ("focs", 6.0)]
    assert summary[0]["values"] == {"0": 9.5, "1": 11.5}
    page = (run.reports / "report.md").read_text()
    assert "smoke, test split, seeds 0, 1" in page
    assert "Without results: seed 2." in page
    findings = (run.reports / "findings.md").read_text()
    assert "seed-0: profile smoke, seed 0" in findings
    assert findings.split("\n\n")[1] in page  # the headline
    assert write_over_seeds(run, profile, members, {}) == files[:2]


def test_tables_over_seeds_print_the_spread_over_seeds(tmp_path):
    from focsbench.reports.paper_tables import TABLES
    from focsbench.reports.seed_tables import spec_over_seeds

    run = RunFolder(tmp_path / "run")
    run.root.mkdir()
    profile = load_profile("smoke", ["seeds=2", 'protocols=["now"]'])
    members = {}
    for seed, value in ((0, 8.0), (1, 10.0)):
        found = [
            ResultRow("mofa", "now", "unoccluded", "", "pooled", metric, value)
            for metric in ("median", "mean", "std", "n")
        ]
        members[seed] = run_of_seed(run.root / f"seed-{seed}", profile.of_seed(seed), found)
    write_over_seeds(run, profile, members, {"mofa": "MoFA"})
    text = (run.reports / "table3.md").read_text()
    assert "9.00 ± 1.41" in text
    assert "1.35 ±" not in text  # published spreads are over images
    assert "1.35" in text
    assert "sample standard deviation over seeds" in text
    assert "9.00 $\\pm$ 1.41" in (run.reports / "table3.tex").read_text()
    for spec in TABLES:
        assert all(column.spread for column in spec_over_seeds(spec).columns)


def test_run_folders_of_a_run(tmp_path):
    run = RunFolder(tmp_path)
    run.write_config({"name": "x", "seed": 3, "seeds": 2}, {})
    assert [folder.root.name for folder in run_folders(tmp_path)] == ["seed-3", "seed-4"]
    run.write_config({"name": "x", "seed": 3}, {})
    assert run_folders(tmp_path) == [run]
    with pytest.raises(InputError, match="not a run folder"):
        run_folders(tmp_path / "nowhere")


@pytest.fixture
def toys(toys, tmp_path, monkeypatch):
    """Every seed has the same first step and a row of its own; ``flag`` stops that of seed 1."""
    flag = tmp_path / "flag"

    def plan(profile):
        function = "refuse_while" if profile.seed == 1 else "write"
        return Plan(
            [
                toys.step("shared"),
                toys.step("row", "shared", function=function, number=profile.seed, flag=str(flag)),
                toys.step("report:page", "row"),
            ]
        )

    toys.flag = flag
    monkeypatch.setattr(run_all, "build_plan", plan)
    return toys


def test_seeds_share_one_store_with_each_other_and_with_single_runs(focsbench, toys, tmp_path):
    run = tmp_path / "run"
    focsbench("run-all", "--profile", "smoke", "--output", run)
    assert toys.calls() == ["report:page", "row", "shared"]
    code, output, errors = focsbench("run-all", "--profile", "smoke", "--output", run,
                                     "--seeds", 2)  # fmt: skip
    assert (code, errors) == (0, "")
    assert toys.calls() == ["report:page", "row"]
    for seed in (0, 1):
        inner = run / f"seed-{seed}"
        assert (inner / "reports" / "text").read_text() == f"0({seed}(0()))"
        assert json.loads((inner / "config.json").read_text())["seed"] == seed
        assert (inner / "log.txt").is_file()
        assert f"  {inner} (" in output
    index = (run / "files.txt").read_text()
    assert "seed-1/reports/text\n" in index
    assert json.loads((run / "config.json").read_text())["seeds"] == 2

    focsbench("run-all", "--profile", "smoke", "--seed", 1, "--output", run)
    assert focsbench("report", run / "seed-1")[0] == 0
    assert toys.calls() == ["report:page"]


def test_a_failed_seed_does_not_stop_the_others(focsbench, toys, tmp_path):
    toys.flag.touch()
    run = tmp_path / "run"
    code, _, errors = focsbench("run-all", "--profile", "smoke", "--output", run, "--seeds", 3)
    assert code == 1
    assert "seed 1: row failed: photo.jpg: not an image" in errors
    assert (run / "seed-2" / "reports" / "text").is_file()
    assert not (run / "seed-1" / "reports" / "text").exists()
