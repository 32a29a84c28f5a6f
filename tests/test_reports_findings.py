"""Findings say what was compared, by how much, and how sure that is."""

from __future__ import annotations

import io
import re
from pathlib import Path

import pandas as pd
import pytest
from claims_support import around, check, evidence, rows
from reports_support import make_context

from focsbench.reports.claims import Claim, load_claims
from focsbench.reports.claims_page import claims_page, claims_text
from focsbench.reports.claims_table import claims_csv
from focsbench.reports.evidence import Evidence, evidence_of
from focsbench.reports.findings import (
    Findings,
    findings_markdown,
    headline,
    verdict_text,
)
from focsbench.reports.judging import Finding, judge

CLAIMS = (
    Claim("yes", "It is above.", "Table 1", checks=(check("above", 0.0),)),
    Claim("no", "It is below.", note="text_only", checks=(check("below", 0.0),)),
    Claim("open", "It is close.", checks=(check("at_most", 0.105),)),
    Claim("unknown", "A third.", checks=(check("above", 0.0, "c"),)),
    Claim("never", "A picture.", untestable="qualitative"),
    Claim("many", "All of these.", checks=(check("above", 0.0),) * 2 + (check("below", 0.0),) * 9),
)


def run(mean: float = 1.1) -> Evidence:
    return evidence(rows("a", around(mean, 0.05)), rows("b", around(1.0, 0.05, seed=1)))


def findings(*runs: Evidence) -> list[Finding]:
    return judge(list(runs) or [run()], CLAIMS)


def items(text: str) -> dict[str, str]:
    found = (
        re.match(r"\W*([\w ,]+?)\W*: \*\*([\w-]+)\*\*", item) for item in text.split("\n- ")[1:]
    )
    return {match[2]: match[1] for match in found if match}


def test_findings_of_a_run(tmp_path: Path):
    context = make_context(tmp_path)
    page, table = Findings().write(context)
    text = page.read_text(encoding="utf-8")
    assert findings_markdown(judge([evidence_of(context)]), context.labels) in text
    found = items(text)
    assert list(found) == [claim.id for claim in load_claims()]
    # MoFA of the made-up run is worse than FOCS, which is close to supervised MoFA
    assert found["occluded-fit"] == "reproduced, not clear"  # four persons have no interval
    assert found["shape-near-supervised"].startswith("reproduced")
    assert found["C1"] == "not testable here"
    assert found["C11-bin"] == "not measured"
    frame = pd.read_csv(table)
    assert set(frame["claim"]) == set(found)
    measured = frame[frame["claim"] == "occluded-fit"].iloc[0]
    means = context.summary.query("protocol == 'celeba_rmse' and subset == 'occluded'")
    mofa, focs = (
        means.query("metric == 'rmse' and method == @name")["value"].item()
        for name in ("mofa", "focs")
    )
    assert measured["margin"] == pytest.approx(mofa / focs - 1, rel=1e-5)


def test_headline_counts_and_names():
    assert headline(findings()) == (
        "2 of 6 claims reproduced, 1 of them clear of their intervals; not reproduced: no, many; "
        "not measured: unknown; not testable here: never."
    )
    (finding,) = judge([run()], CLAIMS[1:2])
    assert headline([finding]) == "0 of 1 claims reproduced; not reproduced: no."


def test_an_open_verdict_says_so():
    texts = {finding.claim.id: verdict_text(finding) for finding in findings()}
    assert texts == {
        "yes": "reproduced",
        "no": "not reproduced",
        "open": "reproduced, not clear",
        "unknown": "not measured",
        "never": "not testable here",
        "many": "not reproduced",
    }


def test_items_carry_numbers_names_and_escapes():
    text = findings_markdown(findings(), {"a": "Method A"})
    assert "- reproduced: **yes** (Table 1) It is above." in text
    assert re.search(
        r"p/s/v of Method A against b: 1\.100, 1\.000; "
        r"margin \+10\.0 % \\\[\+\d\.\d %, \+1\d\.\d %\], needed > 0 %",
        text,
    )
    assert "- **not reproduced**: **no**" in text
    assert "note: text\\_only" in text
    assert "missing: the run has no row c" in text
    assert "- **not testable here**: **never** A picture.\n  - qualitative" in text


def test_long_claims_show_what_fails_and_count_the_rest():
    text = findings_markdown(findings()[-1:], {})
    assert "2 of 11 checks hold" in text
    assert text.count("fails: ") == 6
    assert "and 3 more" in text


def test_page_of_several_runs_shows_each():
    page = claims_page(findings(run(), run(0.9)), {}, ["one: seed 0", "two: seed 1"])
    assert re.search(r"\| yes +\| [\w ,]+ +\| reproduced +\| not reproduced +\|", page)
    assert "reproduced in 1 of 2 runs" in page
    assert "## Run by run" not in claims_page(findings(), {}, ["one: seed 0"])


def test_terminal_text_has_two_lines_per_claim():
    lines = claims_text(findings()).splitlines()
    assert len(lines) == 2 * len(CLAIMS)
    assert re.match(r"yes +reproduced +\+10\.0 % \[.*\], needed > 0 %", lines[0])
    assert lines[1] == "    It is above."
    assert lines[9] == "    qualitative"
    assert "2/11 hold; " in lines[10]


def test_table_has_every_check_of_every_run():
    found = findings(run(), run(0.9))
    frame = pd.read_csv(io.StringIO(claims_csv(found, ["one", "two"])))
    checks = sum(max(len(claim.checks), 1) for claim in CLAIMS)
    assert len(frame) == 3 * checks
    yes = frame[frame["claim"] == "yes"].set_index("run")
    assert yes["verdict"].to_dict()["one"] == "reproduced"
    assert yes["holds"].tolist()[:2] == ["yes", "no"]
    assert yes.loc["all", "margin"] == pytest.approx(
        yes.loc[["one", "two"], "margin"].mean(), rel=1e-4, abs=1e-6
    )
    alone = pd.read_csv(io.StringIO(claims_csv(findings(), ["one"])))
    assert len(alone) == checks
