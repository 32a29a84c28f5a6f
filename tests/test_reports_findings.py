"""Verdicts follow from the numbers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from reports_support import CHALLENGES, LABELS, make_context

from focsbench.reports.claims import BOUNDS, Claim, evaluate, load_claims, parse_claim
from focsbench.reports.findings import Findings, findings_markdown, headline

NUMBER = ("p", "s", "v")


def summary(**values: float | None) -> pd.DataFrame:
    return pd.DataFrame(
        [
            {"method": method, "protocol": "p", "subset": "s", "metric": "v", "value": value,
             "std": None, "n": 3, "done_rate": 1.0}
            for method, value in values.items()
        ]
    )  # fmt: skip


def claim(bound: str, limit: float, reference: str | None = "b") -> Claim:
    return Claim("id", "text", "a", reference, NUMBER, bound, limit)


@pytest.mark.parametrize(
    ("bound", "limit", "value", "verdict"),
    [
        ("at_least", 0.25, 1.25, "held"),
        ("at_least", 0.25, 1.24, "did not hold"),
        ("above", 0.0, 1.0, "did not hold"),
        ("above", 0.0, 1.001, "held"),
        ("at_most", -0.25, 0.75, "held"),
        ("at_most", -0.25, 0.76, "did not hold"),
        ("below", 0.0, 1.0, "did not hold"),
        ("below", 0.0, 0.999, "held"),
    ],
)
def test_verdict_of_relative_claims(bound: str, limit: float, value: float, verdict: str):
    (finding,) = evaluate(summary(a=value, b=1.0), (claim(bound, limit),))
    assert finding.verdict == verdict
    assert finding.margin == pytest.approx(value - 1)


@pytest.mark.parametrize(("value", "verdict"), [(0.2, "held"), (0.3, "did not hold")])
def test_verdict_of_absolute_claims(value: float, verdict: str):
    (finding,) = evaluate(summary(a=value), (claim("at_most", 0.25, reference=None),))
    assert (finding.margin, finding.verdict) == (value, verdict)


@pytest.mark.parametrize("values", [{"a": 1.0}, {"b": 1.0}, {"a": None, "b": 1.0}, {}])
def test_missing_numbers_are_no_verdict(values: dict[str, float | None]):
    frame = summary(**values) if values else summary(a=1.0).iloc[:0]
    (finding,) = evaluate(frame, (claim("above", 0.0),))
    assert (finding.margin, finding.verdict) == (None, "not measured")


def test_a_reference_of_zero_gives_no_margin():
    (finding,) = evaluate(summary(a=1.0, b=0.0), (claim("above", 0.0),))
    assert finding.verdict == "not measured"


def test_claims_have_exactly_one_bound():
    fields = {"id": "x", "text": "t", "measured": "a", "number": "p/s/v"}
    assert parse_claim({**fields, "above": 1.0}).limit == 1.0
    for bounds in ({}, {"above": 0.0, "below": 1.0}):
        with pytest.raises(ValueError, match="exactly one"):
            parse_claim({**fields, **bounds})


def test_shipped_claims_name_known_methods_and_subsets():
    claims = load_claims()
    assert len({claim.id for claim in claims}) == len(claims)
    subsets = {"unoccluded", "occluded", "overall", "all", "glasses", "scarf", *CHALLENGES.values()}
    for one in claims:
        assert {key[0] for key in one.summary_keys()} <= set(LABELS)
        assert one.number[1] in subsets
        assert one.bound in BOUNDS


def test_findings_of_a_run(tmp_path: Path):
    context = make_context(tmp_path)
    (path,) = Findings().write(context)
    text = path.read_text()
    findings = evaluate(context.summary)
    assert headline(findings) in text
    items = text.split("\n- ")[1:]
    assert len(items) == len(load_claims())
    for item, finding in zip(items, findings, strict=True):
        assert item.lstrip("*").startswith(finding.verdict)
        assert finding.claim.text in item
        for entry in finding.entries:
            assert f"{entry.value:.3f}" in item


def test_headline_names_what_did_not_hold():
    claims = (
        replace(claim("above", 0.0), id="yes"),
        replace(claim("below", 0.0), id="no"),
        replace(claim("above", 0.0, reference="c"), id="unknown"),
    )
    findings = evaluate(summary(a=2.0, b=1.0), claims)
    assert headline(findings) == ("1 of 3 claims held; did not hold: no; not measured: unknown.")


def test_partly_done_numbers_say_so(tmp_path: Path):
    context = make_context(tmp_path)
    frame = summary(a=2.0, b=1.0)
    frame.loc[0, "done_rate"] = 0.5
    text = findings_markdown(evaluate(frame, (claim("above", 0.0),)), context)
    assert "a 2.000 (50.0 % done), b 1.000; margin +100.0 %, needed > 0 %" in text
