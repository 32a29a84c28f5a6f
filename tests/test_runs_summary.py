"""Rows on disk and their summary."""

import numpy as np
import pytest

from focsbench.runs.score import read_rows, write_rows
from focsbench.runs.summary import summarise
from focsbench.types import UNREADABLE, ResultRow


def row(subset, item, value, metric="rmse", method="m", protocol="p"):
    status = "ok" if value is not None else "failed"
    reason = "" if value is not None else "too dark, sorry"
    return ResultRow(method, protocol, subset, "s", item, metric, value, status, reason)


def done(subset, value, protocol="p"):
    return row(subset, "pooled", value, "done_rate", protocol=protocol)


def entry(entries, subset, metric="rmse"):
    return next(e for e in entries if (e.subset, e.metric) == (subset, metric))


def test_rows_survive_the_disk_with_all_digits(tmp_path):
    rows = [row("glasses", "a/b", 0.1 + 0.2), row('sc"arf', "c,d", None), done("all", 1 / 3)]
    write_rows(tmp_path / "rows.csv", rows)
    assert read_rows(tmp_path / "rows.csv") == rows


def test_mean_std_and_count_leave_failures_out():
    values = [1.0, 2.5, 4.0]
    rows = [row("glasses", str(i), value) for i, value in enumerate([*values, None])]
    found = entry(summarise([*rows, done("glasses", 0.75)]), "glasses")
    assert found.value == pytest.approx(np.mean(values), abs=1e-15)
    assert found.std == pytest.approx(np.std(values), abs=1e-15)
    assert (found.n, found.done_rate) == (3, 0.75)


def test_done_rate_is_counted_where_the_protocol_does_not():
    found = entry(summarise([row("x", "1", 1.0), row("x", "2", None)]), "x")
    assert (found.n, found.done_rate) == (1, 0.5)


def test_nothing_measured_is_no_value():
    found = entry(summarise([row("x", "1", None), done("x", 0.0)]), "x")
    assert (found.value, found.std, found.n, found.done_rate) == (None, None, 0, 0.0)


def test_pooled_rows_win_over_images():
    rows = [
        row("all", "1", 1.0, "median"),
        row("all", "2", 9.0, "median"),
        row("all", "pooled", 3.0, "median"),
        row("all", "pooled", 5000.0, "n"),
        done("all", 1.0),
    ]
    found = entry(summarise(rows), "all", "median")
    assert (found.value, found.std, found.n, found.done_rate) == (3.0, None, 5000, 1.0)


def test_overall_is_the_unweighted_mean_of_subsets_with_std_over_images():
    easy, hard = [1.0, 1.0, 1.0], [5.0]
    rows = [row("easy", str(i), value) for i, value in enumerate(easy)]
    rows += [row("hard", "9", value) for value in hard]
    entries = summarise([*rows, done("easy", 1.0), done("hard", 1.0), done("overall", 1.0)])
    found = entry(entries, "overall")
    assert found.value == 3.0
    assert found.std == pytest.approx(np.std(easy + hard), abs=1e-15)
    assert found.n == 4


def test_overall_has_no_value_if_a_subset_has_none():
    rows = [row("easy", "1", 1.0), row("hard", "2", None), done("overall", 0.5)]
    found = entry(summarise(rows), "overall")
    assert (found.value, found.std, found.n, found.done_rate) == (None, None, 1, 0.5)


def test_rates_and_counts_are_those_of_the_metric():
    """A second measure that fails more often has a rate of its own, and the pair its own count."""
    rows = [row("x", str(item), 1.0) for item in range(4)] + [done("x", 1.0), done("overall", 1.0)]
    rows += [row("x", str(item), 2.0 if item else None, "rmse_common") for item in range(4)]
    pooled = {"median": 1.0, "n": 40.0, "median_paired": 1.5, "n_paired": 10.0}
    rows += [row("x", "pooled", value, metric) for metric, value in pooled.items()]
    entries = summarise(rows)
    for subset in ("x", "overall"):
        common = entry(entries, subset, "rmse_common")
        assert (common.n, common.done_rate) == (3, 0.75)
        assert entry(entries, subset).done_rate == 1.0
    assert entry(entries, "x", "median").n == 40
    assert entry(entries, "x", "median_paired").n == 10


def test_an_unreadable_image_lowers_the_rate_and_nothing_else():
    rows = [row("easy", "1", 1.0), row("hard", "2", 4.0), row(UNREADABLE, "3", None)]
    found = entry(summarise([*rows, done("overall", 2 / 3)]), "overall")
    assert (found.value, found.n, found.done_rate) == (2.5, 2, pytest.approx(2 / 3))
    nothing = summarise([row(UNREADABLE, "3", None), done("overall", 0.0)])
    assert (entry(nothing, "overall").value, entry(nothing, "overall").done_rate) == (None, 0.0)


def test_no_overall_for_protocols_that_do_not_count_it():
    entries = summarise([row("easy", "1", 1.0), row("hard", "2", 2.0)])
    assert {e.subset for e in entries} == {"easy", "hard"}
