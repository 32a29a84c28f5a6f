"""``focsbench compare``: differences, intervals and tests against scipy and by hand."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from claims_support import around, evidence, rows
from scipy import stats

from focsbench.reports.comparison import (
    Contender,
    adjust,
    compare,
    main_numbers,
    numbers_of,
)
from focsbench.reports.comparison_table import (
    COLUMNS,
    comparison_csv,
    comparison_table,
    sentence,
)
from focsbench.reports.evidence import Number
from focsbench.reports.table_writers import latex_table, markdown_table

RMSE = Number("p", "s", "rmse")
F1 = Number("p", "s", "F1")


def contender(run, method):
    return Contender(method, method, (run,))


def one(run, number=RMSE, first="a", second="b"):
    (found,) = adjust(compare([(contender(run, first), contender(run, second))], [number]))
    return found


def shifted(metric, shift, count=12):
    base = around(5.0, 0.4, count)
    noise = np.random.default_rng(3).normal(0, 0.05, count)
    mine = rows("a", list(np.array(base) + shift + noise), metric=metric)
    return evidence(mine, rows("b", base, metric=metric))


def test_difference_and_p_are_those_of_scipy():
    run = shifted("rmse", -0.1)
    found = one(run)
    a, b = (run.results.loc[run.results["method"] == m, "value"].to_numpy() for m in "ab")
    assert found.values == pytest.approx((a.mean(), b.mean()))
    assert found.difference == pytest.approx((a - b).mean())
    assert found.relative == pytest.approx((a - b).mean() / b.mean())
    exact = stats.permutation_test(
        (a, b), lambda x, y, axis: (x - y).mean(axis=axis), permutation_type="samples",
        vectorized=True, n_resamples=10_000,
    )  # fmt: skip
    assert found.p == pytest.approx(exact.pvalue, rel=1e-12)
    assert found.p_adjusted == found.p
    assert (found.subjects, found.items) == (12, 12)
    assert found.interval is not None
    assert found.difference in found.interval


@pytest.mark.parametrize(
    ("metric", "shift", "verdict"),
    [
        ("rmse", -0.5, "a better"),
        ("rmse", 0.5, "b better"),
        ("F1", 0.5, "a better"),
        ("strangeness", 0.5, "a higher"),
        ("rmse", 0.0, "undecided"),
    ],
)
def test_verdict_knows_the_better_side(metric, shift, verdict):
    assert one(shifted(metric, shift), Number("p", "s", metric)).verdict == verdict


def test_only_items_that_both_have_are_compared():
    first = rows("a", [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, np.nan, 90.0], metric="rmse")
    second = rows("b", [2.0, 3.0, 4.0, 5.0, 6.0, 7.0, -50.0, np.nan], metric="rmse")
    found = one(evidence(first, second))
    assert (found.difference, found.items) == (-1.0, 6)
    assert found.p == pytest.approx(2 / 2**6)


def test_few_subjects_and_missing_numbers_are_said():
    run = evidence(rows("a", [1.0, 2.0], metric="rmse"), rows("b", [2.0, 3.0], metric="rmse"))
    assert one(run).verdict == "no test: 2 subjects"
    assert one(run, F1).verdict == "not compared: the run has no p F1 of a"
    assert one(run).interval is None


def test_images_of_a_person_are_exchanged_together():
    """Twenty images of five persons: at best 1 in 16, not 1 in 524,288."""
    values = np.repeat(np.arange(5.0), 4)
    frames = []
    for method, shift in (("a", -1.0), ("b", 0.0)):
        frame = rows(method, list(values + shift), metric="rmse")
        frame["subject"] = [f"person-{place // 4}" for place in range(20)]
        frames.append(frame)
    found = one(evidence(*frames))
    assert found.p == 2 / 2**5
    assert (found.subjects, found.items) == (5, 20)


def test_p_values_are_adjusted_over_the_table_or_over_methods():
    run = evidence(
        *(
            rows(method, list(np.array(around(5.0, 0.4, 10)) + shift * np.arange(10)), metric=m)
            for method, shift in (("a", 0.0), ("b", 0.02), ("c", 0.1), ("d", -0.01))
            for m in ("rmse", "F1")
        )
    )
    pairs = [(contender(run, "a"), contender(run, other)) for other in "bcd"]
    found = compare(pairs, [RMSE, F1])
    ps = [each.p for each in found]
    table = stats.false_discovery_control(ps)
    assert [each.p_adjusted for each in adjust(found)] == pytest.approx(table)
    by_number = [each.p_adjusted for each in adjust(found, by_number=True)]
    assert by_number[::2] == pytest.approx(stats.false_discovery_control(ps[::2]))
    assert by_number[1::2] == pytest.approx(stats.false_discovery_control(ps[1::2]))


def test_seeds_on_other_people_add_up_and_on_the_same_people_do_not():
    def runs(data):
        return tuple(
            evidence(
                rows("a", around(5.0 + seed, 0.3, 8, seed), metric="rmse"),
                rows("b", around(5.2 + seed, 0.3, 8, seed + 9), metric="rmse"),
                data=data[seed],
            )
            for seed in range(2)
        )

    for data, people in ((("x", "y"), 16), (("x", "x"), 8), (("", ""), 16)):
        both = runs(data)
        pair = (Contender("a", "a", both), Contender("b", "b", both))
        (found,) = adjust(compare([pair], [RMSE]))
        assert found.difference == pytest.approx(-0.2)
        assert found.by_run == pytest.approx((-0.2, -0.2))
        assert found.spread == pytest.approx(0.0, abs=1e-12)
        assert found.values == pytest.approx((5.5, 5.7))
        assert found.subjects == people
        assert found.p is not None


def test_numbers_of_a_run_and_the_main_ones():
    done = rows("a", [1.0], subset="overall", metric="done_rate").assign(item="pooled")
    run = evidence(
        rows("a", [1.0, 2.0], subset="x", metric="rmse"),
        rows("a", [1.0, 2.0], subset="x", metric="rmse_common"),
        done,
        rows("a", [3.0], protocol="now", metric="median_paired"),
        rows("a", [3.0], protocol="q", metric="strangeness"),
        rows("c", [3.0], protocol="r", metric="rmse"),
    )
    numbers = numbers_of([run], ["a"])
    assert [str(number) for number in numbers] == [
        "p/x/rmse", "p/x/rmse_common", "p/overall/rmse", "p/overall/rmse_common", "q/s/strangeness",
    ]  # fmt: skip
    assert [str(number) for number in main_numbers(numbers)] == [
        "p/x/rmse", "p/overall/rmse", "q/s/strangeness",
    ]  # fmt: skip


def test_an_unreadable_image_does_not_hide_the_others():
    """Nobody knows its subset, so it is in none, and no subset lacks an image because of it."""
    readable = [*shifted("rmse", -0.5).results.to_dict("records")]
    bad = [{**one, "subset": "unreadable", "subject": "", "item": "bad", "value": None,
            "status": "failed"} for one in readable[:1]]  # fmt: skip
    bad += [{**one, "method": "b"} for one in bad]
    rate = [{**one, "subset": "overall", "item": "pooled", "metric": "done_rate", "value": 0.9}
            for one in readable[:1]]  # fmt: skip
    run = evidence(pd.DataFrame([*readable, *bad, *rate]))
    numbers = numbers_of([run], ["a", "b"])
    assert numbers == [RMSE, Number("p", "overall", "rmse")]
    assert one(run, numbers[1]) == replace(one(run), number=numbers[1])


def test_table_and_csv_have_the_numbers_and_survive_hostile_names():
    run = shifted("rmse", -0.5)
    hostile = r"50%_a&b|<i>$x^2$#{~}\ "
    first = Contender(hostile, "a", (run,))
    found = adjust(compare([(first, contender(run, "b"))], [RMSE, F1]))
    table = comparison_table(found)
    markdown, latex = markdown_table(table), latex_table(table)
    value = f"{found[0].values[0]:.3f}"
    assert f"**{value}**" in markdown
    assert rf"\textbf{{{value}}}" in latex
    assert hostile not in markdown
    assert hostile not in latex
    assert "not compared: the run has no p F1 of a" in markdown
    assert sentence(found).endswith(
        "is better than b in 1 of 1 numbers, worse in 0, undecided in 0."
    )
    lines = comparison_csv(found).splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert len(lines) == 3
    assert repr(found[0].difference) in lines[1]


@pytest.fixture
def results(tmp_path):
    """Two folders as ``focsbench score`` leaves them."""
    for name, shift in (("one", 0.0), ("two", 0.6)):
        (tmp_path / name).mkdir()
        values = [f"{v + shift!r}" for v in map(float, around(5.0, 0.4, 9))]
        frame = rows("focs", [0.0] * 9, protocol="ar_rmse", metric="rmse")
        frame["value"] = values
        frame.to_csv(tmp_path / name / "results.csv", index=False)
        (tmp_path / name / "summary.json").write_text(json.dumps([]))
    return tmp_path


def test_command_compares_two_results(focsbench, results):
    out = results / "out"
    code, output, errors = focsbench(
        "compare", results / "one", results / "two" / "results.csv", "--output", out
    )
    assert (code, errors) == (0, "")
    assert "one: focs is better than two: focs in 1 of 1 numbers" in output
    assert "one: focs better" in output
    table = pd.read_csv(out / "comparison.csv")
    assert table["difference"].item() == pytest.approx(-0.6)
    assert table["p"].item() == pytest.approx(2 / 2**9)
    assert table["verdict"].item() == "one: focs better"
    assert {path.name for path in out.iterdir()} == {
        f"comparison.{x}" for x in ("md", "tex", "csv")
    }


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["nothing"], "neither a path nor"),
        (["{one}:mofa", "{two}"], "no method of"),
        (["{one}"], "name a second method"),
        (["{one}", "{one}"], "compared with itself"),
        (["{one}", "{empty}"], "neither a run nor results"),
        (["{one}", "{two}", "--metric", "F1"], "--metric F1: the results have rmse"),
        (["{one}", "{two}", "--dataset", "x"], "name --protocol"),
    ],
)
def test_command_refuses_in_one_sentence(focsbench, results, names, message):
    (results / "empty").mkdir()
    places = {name: str(results / name) for name in ("one", "two", "empty")}
    arguments = [name.format(**places) for name in names]
    code, output, errors = focsbench("compare", *arguments, "--run", results / "no-run")
    assert (code, output) == (1, "")
    assert message in errors
    assert errors.count("\n") == 1
