"""Verdicts follow from the numbers, and intervals from the persons behind them."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from claims_support import NUMBER, around, check, evidence, rows
from hypothesis import given
from hypothesis import strategies as st
from reports_support import COLUMNS, write_distances

from focsbench.errors import InputError
from focsbench.reports.claims import Check, Claim
from focsbench.reports.evidence import Evidence, NotMeasured, Number
from focsbench.reports.judging import Finding, judge


def judged(run: Evidence | list[Evidence], *checks: Check, share: float = 1.0) -> Finding:
    claim = Claim("id", "text", checks=checks, share=share)
    (finding,) = judge(run if isinstance(run, list) else [run], [claim])
    return finding


def two(a: float, b: float, spread: float = 1e-6) -> Evidence:
    return evidence(rows("a", around(a, spread)), rows("b", around(b, spread, seed=1)))


@pytest.mark.parametrize(
    ("bound", "limit", "value", "verdict"),
    [
        ("at_least", 0.25, 1.26, "reproduced"),
        ("at_least", 0.25, 1.24, "not reproduced"),
        ("above", 0.0, 0.999, "not reproduced"),
        ("above", 0.0, 1.001, "reproduced"),
        ("at_most", -0.25, 0.74, "reproduced"),
        ("at_most", -0.25, 0.76, "not reproduced"),
        ("below", 0.0, 1.001, "not reproduced"),
        ("below", 0.0, 0.999, "reproduced"),
    ],
)
def test_verdict_of_a_relative_difference(bound: str, limit: float, value: float, verdict: str):
    finding = judged(two(value, 1.0), check(bound, limit))
    assert (finding.verdict, finding.is_clear) == (verdict, True)
    assert finding.checks[0].joint.margin == pytest.approx(value - 1)


@pytest.mark.parametrize("bound", ["above", "below"])
def test_equal_numbers_are_neither_above_nor_below(bound: str):
    run = evidence(rows("a", [0.5] * 6), rows("b", [0.5] * 6))
    assert judged(run, check(bound, 0.0)).verdict == "not reproduced"
    assert judged(run, check({"above": "at_least", "below": "at_most"}[bound], 0.0)).verdict == (
        "reproduced"
    )


@pytest.mark.parametrize(("value", "verdict"), [(0.2, "reproduced"), (0.3, "not reproduced")])
def test_verdict_of_a_number_itself(value: float, verdict: str):
    finding = judged(two(value, 1.0), check("at_most", 0.25, reference=None))
    assert finding.verdict == verdict
    assert finding.checks[0].joint.margin == pytest.approx(value)


def test_a_verdict_is_clear_only_if_the_interval_leaves_no_choice():
    assert judged(two(1.02, 1.0, 0.2), check("above", 0.0)).is_clear is False
    assert judged(two(1.02, 1.0, 0.001), check("above", 0.0)).is_clear is True
    failing = judged(two(0.98, 1.0, 0.2), check("above", 0.0))
    assert (failing.verdict, failing.is_clear) == ("not reproduced", False)


def test_no_difference_is_read_off_the_interval():
    nothing = check("no_difference", 0.0)
    assert judged(two(1.01, 1.0, 0.2), nothing).verdict == "reproduced"
    assert judged(two(1.01, 1.0, 0.001), nothing).verdict == "not reproduced"
    few = evidence(rows("a", [1.0, 2.0]), rows("b", [1.0, 2.0]))
    finding = judged(few, nothing)
    assert finding.verdict == "not measured"
    assert "too few subjects" in finding.checks[0].joint.reason


@pytest.mark.parametrize(
    ("run", "reason"),
    [
        (evidence(rows("a", [1.0])), "the run has no row b"),
        (evidence(rows("a", [1.0]), rows("b", [1.0], "q")), "no p v of b"),
        (evidence(rows("a", [1.0], "q"), rows("b", [1.0], "q")), "no results of p"),
        (evidence(rows("a", [1.0]), rows("b", [np.nan])), "no image of b has p/s/v"),
        (evidence(rows("a", [1.0, np.nan]), rows("b", [np.nan, 1.0])), "both methods have"),
        (evidence(rows("a", [1.0]), rows("b", [0.0])), "is 0"),
    ],
)
def test_missing_numbers_are_no_verdict(run: Evidence, reason: str):
    finding = judged(run, check("above", 0.0))
    assert finding.verdict == "not measured"
    assert finding.checks[0].joint.margin is None
    assert reason in finding.checks[0].joint.reason


def test_claims_without_checks_are_not_testable():
    (finding,) = judge([two(1, 1)], [Claim("id", "text", untestable="gated data")])
    assert (finding.verdict, finding.runs) == ("not testable here", ("not testable here",))


def test_a_share_of_the_checks_may_be_enough():
    holds, fails, missing = check("above", 0.0), check("below", 0.0), check("above", 0.0, "none")
    run = two(1.1, 1.0)
    for checks, share, verdict in [
        ((holds, fails), 1.0, "not reproduced"),
        ((holds, fails), 0.5, "reproduced"),
        ((holds, holds, fails, missing), 0.5, "reproduced"),
        ((holds, missing), 1.0, "not measured"),
        ((fails, missing), 1.0, "not reproduced"),
        ((fails, missing), 0.5, "not measured"),
    ]:
        assert judged(run, *checks, share=share).verdict == verdict


def test_methods_are_compared_on_the_images_that_both_have():
    a, b = around(1.0, 0.2, 12), around(1.5, 0.2, 12, seed=1)
    a[0], b[1] = np.nan, np.nan
    outcome = judged(evidence(rows("a", a), rows("b", b)), check("below", 0.0)).checks[0].joint
    common = np.mean(a[2:]), np.mean(b[2:])
    assert outcome.images == 10
    assert outcome.values == pytest.approx(common)
    assert outcome.margin == pytest.approx(common[0] / common[1] - 1)


def test_overall_is_the_mean_of_the_subset_means():
    run = evidence(
        rows("a", [1.0] * 8), rows("a", [4.0] * 2, subset="t"), rows("b", [1.0] * 8),
        rows("b", [np.nan] * 2, subset="t"),
    )  # fmt: skip
    number = Number("p", "overall", "v")
    assert run.measure("a", number).value == pytest.approx(2.5)
    with pytest.raises(NotMeasured, match="a subset of p/overall/v has no image of b"):
        run.measure("b", number)


def test_hands_are_told_from_other_occluders():
    frame = rows("a", [1.0, 2.0, 4.0, 8.0])
    kinds = {"s-0": (), "s-1": ("hand",), "s-2": ("glasses", "hand"), "s-3": ("scarf",)}
    run = evidence(frame, occluders=kinds)
    assert run.measure("a", Number("p", "hand", "v")).value == 3.0
    assert run.measure("a", Number("p", "other_occluders", "v")).value == 8.0
    with pytest.raises(NotMeasured, match="do not say what occludes"):
        evidence(frame).measure("a", Number("p", "hand", "v"))


def test_one_method_on_two_kinds_of_photographs():
    run = evidence(rows("a", around(1.0)), rows("a", around(1.2), subset="t"))
    one = replace(check("at_most", 0.1, "a", Number("p", "t", "v")), reference_number=NUMBER)
    outcome = judged(run, one).checks[0].joint
    assert outcome.margin == pytest.approx(0.2)
    assert outcome.interval is not None
    # the same persons, so the interval of the ratio is far narrower than that of a mean alone
    assert outcome.interval.high - outcome.interval.low < 0.02


def sweep(*points: tuple[str, float]) -> Evidence:
    frames = [rows(name, around(mean), "eta_sweep", metric="TPR") for name, mean in points]
    return evidence(*frames)


def swept(kind: str, bound: str, limit: float) -> Check:
    number = Number("eta_sweep", "overall", "TPR")
    return Check(kind, "eta_area", None, number, number, bound, limit)  # type: ignore[arg-type]


def test_change_over_a_sweep_goes_by_the_value_and_not_the_text():
    run = sweep(("eta_area=10", 0.9), ("eta_area=9", 0.5), ("eta_area=0.5", 0.7), ("eta_bin=1", 0))
    outcome = judged(run, swept("change", "at_least", 0.01)).checks[0].joint
    assert outcome.values == pytest.approx((0.7, 0.5, 0.9))
    assert outcome.margin == pytest.approx(0.2)
    assert outcome.interval is not None
    assert 0.2 in outcome.interval
    assert outcome.holds is True


def test_range_over_a_sweep():
    run = sweep(("eta_area=1", 0.9), ("eta_area=3", 0.5), ("eta_area=9", 0.7))
    finding = judged(run, swept("range", "at_most", 0.03))
    assert finding.checks[0].joint.margin == pytest.approx(0.4)
    assert finding.verdict == "not reproduced"
    alone = judged(sweep(("eta_area=1", 0.9)), swept("range", "at_most", 0.03))
    assert alone.checks[0].joint.reason == "the run has no sweep of eta_area"


@pytest.fixture
def scans(tmp_path: Path) -> Evidence:
    folders, found, _ = write_distances(tmp_path)
    return Evidence(pd.DataFrame(found, columns=COLUMNS), folders)


def test_pooled_numbers_come_from_the_distances(scans: Evidence):
    pool = [np.load(path) for path in sorted(scans.distances["mofa"].rglob("*.npy"))]
    whole = np.concatenate(pool).astype(float)
    for metric in ("median", "mean"):
        measured = scans.measure("mofa", Number("now", "all", metric))
        assert measured.value == pytest.approx(getattr(np, metric)(whole), rel=1e-6)
        assert measured.images == 6
        assert measured.statistic is not None
        everybody = measured.statistic(np.ones((1, len(measured.subjects))))
        assert everybody == pytest.approx([measured.value], abs=0.002)
    occluded = scans.measure("mofa", Number("now", "occluded", "median"))
    assert occluded.images == 3


def test_pooled_rows_serve_where_there_are_no_distances():
    frame = rows("a", [1.3], "now", "occluded", "median").assign(item="pooled")
    other = rows("b", [1.0], "now", "occluded", "median").assign(item="pooled")
    number = Number("now", "occluded", "median")
    finding = judged(evidence(frame, other), check("above", 0.0, "b", number))
    outcome = finding.checks[0].joint
    assert outcome.margin == pytest.approx(0.3)
    assert (outcome.interval, finding.is_clear) == (None, False)


@pytest.mark.parametrize("content", [b"no array", b""])
def test_damaged_distances_name_the_file(scans: Evidence, content: bytes):
    path = next(scans.distances["mofa"].rglob("*.npy"))
    path.write_bytes(content)
    with pytest.raises(InputError, match=path.name):
        scans.measure("mofa", Number("now", "all", "median"))


def test_several_runs_give_a_verdict_each_and_one_of_the_mean():
    runs = [two(1.3, 1.0, 0.01), two(0.9, 1.0, 0.01)]
    finding = judged(runs, check("above", 0.0))
    assert finding.runs == ("reproduced", "not reproduced")
    assert finding.verdict == "reproduced"
    joint = finding.checks[0].joint
    assert joint.margin == pytest.approx(0.1)
    assert joint.values == pytest.approx((1.1, 1.0))


def test_runs_on_the_same_people_do_not_narrow_the_interval():
    run = two(1.1, 1.0, 0.3)
    (alone,) = judged(run, check("above", 0.0)).checks
    same = [replace(run, data="photographs")] * 2
    other = [replace(run, data="some"), replace(run, data="others")]
    widths = []
    for runs in ([run], same, other):
        interval = judged(runs, check("above", 0.0)).checks[0].joint.interval
        assert interval is not None
        widths.append(interval.high - interval.low)
    assert widths[1] == pytest.approx(widths[0])
    assert widths[2] == pytest.approx(widths[0] / np.sqrt(2), rel=0.1)
    assert alone.joint.interval is not None


def test_a_run_without_the_row_leaves_the_others():
    finding = judged([two(1.1, 1.0), evidence(rows("a", [1.0]))], check("above", 0.0))
    assert finding.runs == ("reproduced", "not measured")
    assert finding.verdict == "reproduced"


def test_judging_twice_gives_the_same_intervals():
    first, second = (judged(two(1.1, 1.0, 0.3), check("above", 0.0)) for _ in range(2))
    assert first == second


@given(st.floats(0.5, 2), st.floats(0.5, 2), st.floats(0.01, 0.3), st.integers(0, 50))
def test_margin_is_inside_its_interval_and_decides(a: float, b: float, spread: float, seed: int):
    run = evidence(
        rows("a", around(a, spread, 20, seed)), rows("b", around(b, spread, 20, seed + 1))
    )
    above, below = judged(run, check("at_least", 0.0)), judged(run, check("below", 0.0))
    (outcome,) = (each.joint for each in above.checks)
    assert outcome.margin is not None
    assert outcome.interval is not None
    assert outcome.margin in outcome.interval
    assert (above.verdict == "reproduced") is (outcome.margin >= 0)
    assert above.verdict != below.verdict
    assert above.is_clear is below.is_clear
    assert above.is_clear is (0.0 not in outcome.interval)
