"""``focsbench report --table`` and ``focsbench plot`` on a small finished run."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from claims_support import around, rows
from PIL import Image
from reports_support import COLUMNS

from focsbench.runs.score import read_rows
from focsbench.runs.summary import summarise, summary_csv
from focsbench.runs.uncertainty import with_uncertainty

METHODS = {"mofa": 20.0, "supervised_mofa": 17.0, "focs": 17.2}


def write_run(folder, shift=0.0):
    """A run of three methods on AR, as far as the tables need it; one image of MoFA failed."""
    folder.mkdir()
    config = {"name": "test", "seed": 0, "methods": list(METHODS), "evaluation_split": "test"}
    (folder / "config.json").write_text(json.dumps(config))
    frames = []
    for place, (method, mean) in enumerate(METHODS.items()):
        for metric in ("rmse", "rmse_common"):
            for subset in ("unoccluded", "glasses"):
                values = around(mean + shift, 0.5, 12, seed=place)
                if method == "mofa" and subset == "glasses":
                    values[3] = np.nan
                frames.append(rows(method, values, "ar_rmse", subset, metric))
        rate = rows(method, [1 - (method == "mofa") / 24], "ar_rmse", "overall", "done_rate")
        frames.append(rate.assign(item="pooled", subject=""))
    table = pd.concat(frames, ignore_index=True)[COLUMNS]
    table.to_csv(folder / "results.csv", index=False)
    found = read_rows(folder / "results.csv")
    entries = with_uncertainty(summarise(found), found, {})
    (folder / "summary.json").write_text(json.dumps([vars(entry) for entry in entries]))
    return entries


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tables") / "run"
    return folder, write_run(folder)


def entry_of(entries, method, metric="rmse", subset="overall"):
    return next(e for e in entries if (e.method, e.metric, e.subset) == (method, metric, subset))


def test_summary_knows_how_sure_it_is(run):
    _, entries = run
    best = entry_of(entries, "supervised_mofa")
    assert (best.against, best.p) == ("", None)
    other = entry_of(entries, "focs")
    assert other.against == "supervised_mofa"
    assert 0 < other.p <= other.p_adjusted <= 1
    assert other.low < other.value < other.high
    assert other.subjects == 12
    mofa = entry_of(entries, "mofa", subset="glasses")
    assert (mofa.n, mofa.paired_n, entry_of(entries, "focs", subset="glasses").paired_n) == (
        11, 11, 11,
    )  # fmt: skip
    assert mofa.paired == pytest.approx(mofa.value)
    focs = entry_of(entries, "focs", subset="glasses")
    assert focs.paired != pytest.approx(focs.value, abs=1e-6)
    lines = list(csv.DictReader(io.StringIO(summary_csv(entries))))
    assert len(lines) == len(entries)
    assert float(lines[0]["low"]) == entries[0].low


def test_markdown_latex_and_csv_have_the_same_numbers(focsbench, run):
    folder, entries = run
    focs = entry_of(entries, "focs")
    printed = f"{focs.value:.2f} [{focs.low:.2f}, {focs.high:.2f}]"
    code, markdown, _ = focsbench("report", folder, "--table", "1", "--uncertainty", "interval")
    assert code == 0
    assert printed in markdown.replace("\\", "")
    _, latex, _ = focsbench(
        "report", folder, "--table", "table1", "--format", "latex", "--uncertainty", "interval"
    )
    assert printed in latex
    _, text, _ = focsbench("report", folder, "--table", "1", "--format", "csv")
    lines = list(csv.DictReader(io.StringIO(text)))
    (line,) = [
        x for x in lines if (x["method"], x["subset"], x["metric"]) == ("focs", "overall", "rmse")
    ]
    for name in ("value", "std", "low", "high", "paired", "p", "p_adjusted"):
        assert float(line[name]) == getattr(focs, name)
    assert {x["source"] for x in lines} == {"run", "paper"}


def test_every_printed_number_is_found_in_the_csv(focsbench, run):
    folder, _ = run
    _, text, _ = focsbench("report", folder, "--table", "1", "--format", "csv")
    data = pd.read_csv(io.StringIO(text))
    printed = {f"{x:.2f}" for name in ("value", "std", "low", "high") for x in data[name].dropna()}
    for style in ("paper", "interval", "std", "none"):
        _, markdown, _ = focsbench("report", folder, "--table", "1", "--uncertainty", style)
        cells = [line for line in markdown.splitlines() if line.startswith("|") and "↓" not in line]
        numbers = re.findall(r"\d+\.\d\d", "\n".join(cells))
        assert len(numbers) > 20
        assert set(numbers) <= printed


def test_ties_with_the_best_are_marked_and_explained(focsbench, run):
    folder, entries = run
    assert entry_of(entries, "focs").p_adjusted > 0.05
    assert entry_of(entries, "mofa").p_adjusted < 0.05
    _, markdown, _ = focsbench("report", folder, "--table", "1")
    line = {x.split("|")[1].strip(): x for x in markdown.splitlines() if x.startswith("|")}
    assert "†" in line["FOCS (proposed)"]
    assert "†" not in line["MoFA"]
    assert "†: not told apart from the best one" in markdown


def test_runs_side_by_side(focsbench, run, tmp_path):
    folder, entries = run
    other = tmp_path / "other"
    shifted = write_run(other, 3.0)
    code, markdown, _ = focsbench("report", folder, other, "--table", "1")
    assert code == 0
    for name, found in (("run", entries), ("other", shifted)):
        line = next(x for x in markdown.splitlines() if f"FOCS (proposed) ({name})" in x)
        assert f"{entry_of(found, 'focs').value:.2f}" in line
        assert entry_of(found, "focs").p_adjusted > 0.05
        assert ("†" in line) == (
            name == "run"
        )  # the best one of the other run is not the best here
    assert sum("(paper)" in x for x in markdown.splitlines() if x.startswith("|")) > 2
    code, _, errors = focsbench("report", folder, folder)
    assert code == 1
    assert "named twice" in errors


def test_bare_results_are_enough(focsbench, run, tmp_path):
    folder, _ = run
    shutil.copy(folder / "results.csv", tmp_path)
    _, of_run, _ = focsbench("report", folder, "--table", "1")
    _, bare, _ = focsbench("report", tmp_path / "results.csv", "--table", "1")
    assert bare == of_run


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--table", "9"], "there is no such table"),
        (["--table", "3"], "no number for it"),
        (["--table", "1", "--only", "table1"], "leave out --table"),
        (["--output", "x.md"], "--output is for --table"),
    ],
)
def test_unusable_requests_are_one_sentence(focsbench, run, arguments, message):
    code, output, errors = focsbench("report", run[0], *arguments)
    assert (code, output) == (1, "")
    assert message in errors
    assert errors.count("\n") == 1


def test_output_file(focsbench, run, tmp_path):
    target = tmp_path / "new" / "one.tex"
    code, output, _ = focsbench(
        "report", run[0], "--table", "1", "--format", "latex", "--output", target
    )
    assert code == 0
    assert str(target) in output
    assert target.read_text().startswith(r"\begin{table*}")


@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no TeX here")
def test_latex_of_all_kinds_compiles(focsbench, run, tmp_path):
    hostile = "50% of_$x^2$ & {#1} ~ \\alpha <é ł η 面 \u200b🙂 [*"
    table = pd.read_csv(run[0] / "results.csv", keep_default_na=False)
    table["method"] = table["method"].replace("mofa", hostile)
    (tmp_path / "odd").mkdir()
    table.to_csv(tmp_path / "odd" / "results.csv", index=False)
    parts = []
    for style in ("paper", "interval"):
        code, latex, errors = focsbench(
            "report", tmp_path / "odd", "--table", "1", "--format", "latex",
            "--uncertainty", style,
        )  # fmt: skip
        assert (code, errors) == (0, "")
        parts.append(latex)
    out = tmp_path / "comparison"
    code, _, _ = focsbench("compare", f"{tmp_path / 'odd'}:focs", "--output", out)
    assert code == 0
    parts.append((out / "comparison.tex").read_text())
    head = "\\documentclass{article}\\usepackage{booktabs,graphicx}\\begin{document}\n"
    (tmp_path / "page.tex").write_text(head + "\n".join(parts) + "\n\\end{document}\n")
    done = subprocess.run(
        ["pdflatex", "-halt-on-error", "-interaction=nonstopmode", "page.tex"],
        cwd=tmp_path, capture_output=True, text=True, errors="replace", timeout=300, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout[-2000:]
    assert "Unicode character" not in done.stdout


@pytest.fixture
def scanned(tmp_path):
    """Results of one method on scans, with its distances, as ``focsbench score`` leaves them."""
    rng = np.random.default_rng(2)
    lines = []
    for person in range(6):
        for challenge in ("multiview_neutral", "selfie"):
            key = f"person-{person}/{challenge}/photo"
            distances = np.abs(rng.normal(0, 1 + 0.1 * person, 500)).astype(np.float32)
            path = tmp_path / "arrays" / f"{key}.npy"
            path.parent.mkdir(parents=True, exist_ok=True)
            np.save(path, distances)
            median = float(np.median(distances))
            lines.append(
                ("ours", "now", challenge, f"person-{person}", key, "median", median, "ok", "")
            )
    pd.DataFrame(lines, columns=COLUMNS).to_csv(tmp_path / "results.csv", index=False)
    return tmp_path


def test_plot_writes_figure_and_data(focsbench, scanned):
    target = scanned / "figures" / "curve.pdf"
    code, output, errors = focsbench(
        "plot", scanned, "--curve", "now", "--subset", "all", "--output", target
    )
    assert (code, errors) == (0, "")
    assert target.read_bytes().startswith(b"%PDF")
    assert sorted(path.name for path in target.parent.iterdir()) == ["curve.csv", "curve.pdf"]
    table = pd.read_csv(target.with_suffix(".csv"))
    assert list(table) == ["subset", "error_mm", "ours", "ours low", "ours high"]
    pool = np.concatenate([np.load(path) for path in (scanned / "arrays").rglob("*.npy")])
    at_one = table[np.isclose(table["error_mm"], 1.0)]
    assert at_one["ours"].item() == pytest.approx(np.mean(pool <= 1.0), abs=1e-6)
    assert (table["ours low"] <= table["ours"] + 1e-9).all()
    assert (table["ours"] <= table["ours high"] + 1e-9).all()
    code, output, _ = focsbench("plot", scanned, "--subset", "all")
    assert code == 0
    assert str(scanned / "plots" / "cumulative_error.png") in output
    with Image.open(scanned / "plots" / "cumulative_error.png") as picture:
        assert picture.width > 1000


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--curve", "yaw"], "no data for it"),
        (["--output", "x.png"], "name one --curve"),
        (["--method", "nobody"], "the run has ours"),
        (["--subset", "a", "--subset", "b", "--subset", "c", "--subset", "d"], "three panels"),
        (["--subset", "nothing"], "no data for a curve"),
    ],
)
def test_plot_refuses_in_one_sentence(focsbench, scanned, arguments, message):
    code, output, errors = focsbench("plot", scanned, *arguments)
    assert (code, output) == (1, "")
    assert message in errors
    assert errors.count("\n") == 1
