"""``focsbench compare`` and ``report`` on runs over seeds and on different photographs."""

from __future__ import annotations

import dataclasses
import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from claims_support import around, rows

from focsbench.reports.base import ReportContext
from focsbench.reports.comparisons import Comparisons
from focsbench.reports.evidence import Evidence, Number
from focsbench.runs.score import read_rows
from focsbench.runs.seed_summary import summarise_seeds
from focsbench.runs.summary import summarise

METHODS = ("mofa", "focs")


def write_seed(folder, seed, data="here", shift=0.5):
    """Results of two methods on AR; every seed has other persons."""
    folder.mkdir(parents=True)
    config = {
        "name": "test", "seed": seed, "methods": list(METHODS), "evaluation_split": "test",
        "data": {"ar": f"{data}-{seed}"},
    }  # fmt: skip
    (folder / "config.json").write_text(json.dumps(config))
    base = np.array(around(10.0 + seed, 0.4, 8, seed))
    frames = [
        rows("mofa", list(base + shift), "ar_rmse", "glasses", "rmse"),
        rows("focs", list(base), "ar_rmse", "glasses", "rmse"),
    ]
    pd.concat(frames).to_csv(folder / "results.csv", index=False)
    entries = summarise(read_rows(folder / "results.csv"))
    (folder / "summary.json").write_text(json.dumps([vars(entry) for entry in entries]))
    return entries


@pytest.fixture
def seeds(tmp_path):
    root = tmp_path / "seeds"
    summaries = {seed: write_seed(root / f"seed-{seed}", seed) for seed in (0, 1)}
    config = {"name": "test", "seed": 0, "seeds": 2, "methods": list(METHODS)}
    (root / "config.json").write_text(json.dumps(config))
    found = [dataclasses.asdict(entry) for entry in summarise_seeds(summaries)]
    (root / "summary_seeds.json").write_text(json.dumps(found))
    return root


def test_seeds_are_compared_together(focsbench, seeds, tmp_path):
    out = tmp_path / "out"
    code, output, errors = focsbench("compare", "focs", "mofa", "--run", seeds, "--output", out)
    assert (code, errors) == (0, "")
    assert "focs is better than mofa in 1 of 1 numbers" in output
    assert "Several seeds" in output
    line = pd.read_csv(out / "comparison.csv").iloc[0]
    assert (line["runs"], line["subjects"], line["items"]) == (2, 16, 16)
    assert line["difference"] == pytest.approx(-0.5)
    assert line["std_over_runs"] == pytest.approx(0.0, abs=1e-9)
    assert line["p"] < 1e-3


def test_table_over_seeds_has_their_spread(focsbench, seeds):
    summary = json.loads((seeds / "summary_seeds.json").read_text())
    overall = [{**entry, "subset": "overall"} for entry in summary]
    (seeds / "summary_seeds.json").write_text(json.dumps(summary + overall))
    code, output, errors = focsbench("report", seeds, "--table", "1")
    assert (code, errors) == (0, "")
    line = next(line for line in output.splitlines() if line.startswith("| FOCS"))
    assert f"{10.5:.2f} ± {np.std([10, 11], ddof=1):.2f}" in line
    assert "sample standard deviation over seeds" in output
    code, _, errors = focsbench("report", seeds, "--table", "4")
    assert code == 1
    assert "no number for it" in errors


def test_runs_on_other_photographs_are_not_paired(focsbench, tmp_path):
    write_seed(tmp_path / "one", 0)
    write_seed(tmp_path / "two", 0, data="elsewhere")
    write_seed(tmp_path / "three", 0, shift=0.7)
    code, _, errors = focsbench("compare", tmp_path / "one", tmp_path / "two")
    assert code == 1
    assert "its photographs are not those of" in errors
    code, output, _ = focsbench("compare", tmp_path / "one", tmp_path / "three")
    assert code == 0
    assert "one: mofa is better than three: mofa in 1 of 1 numbers" in output
    assert "one: focs is better than three: focs in 0 of 1 numbers" in output
    code, output, _ = focsbench("compare", f"{tmp_path / 'one'}:focs", f"{tmp_path / 'two'}:mofa")
    assert code == 1


def test_seeds_are_not_compared_with_one(focsbench, seeds, tmp_path):
    write_seed(tmp_path / "one", 0)
    code, _, errors = focsbench("compare", seeds, tmp_path / "one")
    assert code == 1
    assert "1 seeds, but seeds has 2" in errors
    code, _, errors = focsbench("report", seeds, tmp_path / "one", "--table", "1")
    assert code == 1
    assert "do not stand in one table" in errors


def context_of(folder: Path, output: Path, labels: dict[str, str]) -> ReportContext:
    results = pd.read_csv(folder / "results.csv", keep_default_na=False)
    return ReportContext(results, pd.DataFrame(), {}, labels, output)


def test_the_report_compares_the_focus_with_every_row(tmp_path):
    write_seed(tmp_path / "run", 0)
    labels = {"mofa": "MoFA | $x$", "focs": "FOCS"}
    context = context_of(tmp_path / "run", tmp_path / "reports", labels)
    page, latex, data = Comparisons().write(context)
    assert [path.name for path in (page, latex, data)] == [
        f"comparisons.{suffix}" for suffix in ("md", "tex", "csv")
    ]
    text = page.read_text()
    assert "- FOCS is better than MoFA \\| \\$x\\$ in 1 of 1 numbers" in text
    assert "over the methods, for each number" in text
    line = pd.read_csv(data).iloc[0]
    assert (line["verdict"], line["subjects"]) == (
        "FOCS better", 8,
    )  # fmt: skip
    assert line["p"] == pytest.approx(2 / 2**8)
    again = [path.read_bytes() for path in Comparisons().write(context)]
    assert again == [path.read_bytes() for path in (page, latex, data)]


def test_no_comparison_without_the_focus_or_another_row(tmp_path):
    write_seed(tmp_path / "run", 0)
    for labels in ({"mofa": "MoFA"}, {"focs": "FOCS"}, {"focs": "FOCS", "absent": "Absent"}):
        context = context_of(tmp_path / "run", tmp_path / "reports", labels)
        assert Comparisons().write(context) == []


def test_arrays_of_other_protocols_are_no_distances(tmp_path):
    """A protocol of anybody's may call a number of an image its median."""
    frame = rows("mine", around(3.0, 0.2, 8), "theirs", "s", "median")
    run = Evidence(frame, more_distances={"theirs": {"mine": tmp_path}})
    found = run.measure("mine", Number("theirs", "s", "median"))
    assert (found.value, found.images) == (pytest.approx(3.0), 8)
