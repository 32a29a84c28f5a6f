"""The eta sweep as a report: verdicts on the stated trends, the figure, the numbers."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from reports_support import DrawnFaces

from focsbench.data.encoding import png_bytes
from focsbench.errors import InputError
from focsbench.reports.base import ReportContext
from focsbench.reports.eta_sweep import EtaSweep, read_sweep, sweep_table, trends_markdown
from focsbench.reports.eta_trends import INDICES, PAPER, find_trends, trend_lines

VALUES = (0.0, 0.3, 1.0, 3.0, 10.0)
AGREES = {
    "eta_neighbour": (0.97, 0.95, 0.92, 0.88, 0.8),
    "eta_dist": (0.97, 0.95, 0.92, 0.925, 0.8),
    "eta_area": (0.7, 0.8, 0.92, 0.95, 0.96),
    "eta_presv": (0.7, 0.8, 0.92, 0.92, 0.915),
    "eta_bin": (0.93, 0.92, 0.92, 0.915, 0.91),
}


def summary_of(curves):
    """Made-up numbers: recall as given, precision the other way, the rest in between."""
    rows = []
    for eta, curve in curves.items():
        for value, recall in zip(VALUES, curve, strict=False):
            others = None if recall is None else 0.95 - 0.1 * recall
            indices = {"ACC": recall, "PPV": others, "TPR": recall, "F1": recall}
            rows += [
                {
                    "method": f"{eta}={value:g}", "protocol": "eta_sweep", "subset": subset,
                    "metric": metric, "value": number, "std": 0.02, "n": 40, "done_rate": 1.0,
                }
                for subset in ("unoccluded", "glasses", "scarf", "overall")
                for metric, number in indices.items()
            ]  # fmt: skip
    return pd.DataFrame(rows)


def verdicts(**curves):
    return {trend.eta: trend.verdict for trend in find_trends(summary_of(curves))}


def test_curves_that_go_as_the_paper_says():
    trends = find_trends(summary_of(AGREES))
    assert [trend.eta for trend in trends] == list(PAPER)
    assert {trend.verdict for trend in trends} == {"as the paper says"}
    neighbour, dist = trends[:2]
    assert neighbour.values == VALUES
    assert neighbour.indices["TPR"] == AGREES["eta_neighbour"]
    assert neighbour.change["TPR"] == pytest.approx(-0.17)
    assert neighbour.change["PPV"] == pytest.approx(0.017)
    assert neighbour.spread["TPR"] == pytest.approx(0.17)
    assert neighbour.backward == 0
    assert dist.backward == pytest.approx(0.005)


@pytest.mark.parametrize(
    ("eta", "curve", "verdict"),
    [
        ("eta_area", (0.9, 0.9, 0.9, 0.9, 0.905), "not as the paper says"),
        ("eta_area", (0.9, 0.8, 0.7, 0.6, 0.5), "not as the paper says"),
        ("eta_area", (0.8, 0.95, 0.9, 0.92, 0.96), "only partly"),
        ("eta_dist", (0.5, 0.6, 0.7, 0.8, 0.9), "not as the paper says"),
        ("eta_dist", (0.9, 0.95, 0.7, 0.6, 0.5), "only partly"),
        ("eta_bin", (0.9, 0.9, 0.9, 0.9, 0.86), "not as the paper says"),
        ("eta_bin", (0.9, 0.86, 0.9, 0.9, 0.9), "not as the paper says"),
        ("eta_bin", (0.001, 0.001, 0.001, 0.001, 0.001), "not measured"),
        ("eta_area", (0.001, 0.001, 0.02, 0.03, 0.04), "not measured"),
        ("eta_area", (0.8, None, 0.9, 0.95, 0.96), "not measured"),
        ("eta_area", (0.8,), "not measured"),
    ],
)
def test_every_verdict(eta, curve, verdict):
    assert verdicts(**{eta: curve}) == {eta: verdict}


@given(st.lists(st.floats(0.1, 1.0), min_size=2, max_size=5))
def test_a_mirrored_curve_gets_the_mirrored_judgement(curve):
    """Recall that goes up for one weight is recall that goes down for another."""
    up = find_trends(summary_of({"eta_area": curve}))[0]
    down = find_trends(summary_of({"eta_dist": [1.1 - value for value in curve]}))[0]
    assert up.change["TPR"] == pytest.approx(-down.change["TPR"])
    assert up.backward == pytest.approx(down.backward)
    if abs(up.change["TPR"] - 0.01) > 1e-6 and abs(up.backward - 0.01) > 1e-6:
        assert up.verdict == down.verdict


def test_lines_for_the_terminal():
    lines = trend_lines(find_trends(summary_of({"eta_area": (0.8, None, 0.9)})))
    assert lines == [
        "η3 (area) at 0, 0.3, 1: recall 0.800, none, 0.900; paper: recall up; not measured"
    ]


@pytest.fixture
def context(tmp_path):
    """A finished sweep on drawn faces; the last point of the last weight has no mask."""
    faces = DrawnFaces("ar", ("unoccluded", "glasses", "scarf"), 48)
    folder = tmp_path / "sweep"
    (folder / "masks").mkdir(parents=True)
    points = [
        {"method": f"{eta}={value:g}", "eta": eta, "value": value, "standard": value == 1}
        for eta in PAPER
        for value in VALUES
    ]
    mask = np.zeros((48, 48))
    mask[8:40, 8:40] = 0.5
    mask[8:24, 8:40] = 1
    for point in points[:-1]:
        (folder / "masks" / f"{point['method']}.png").write_bytes(png_bytes(mask))
    content = {
        "autoencoder": "em",
        "iterations": 75,
        "card": "### ar_segmentation, version 1",
        "dataset": "ar",
        "photograph": faces.keys()[2],
        "points": points,
    }
    (folder / "sweep.json").write_text(json.dumps(content))
    return ReportContext(
        results=pd.DataFrame(),
        summary=summary_of(AGREES),
        cards={},
        labels={},
        output=tmp_path / "reports",
        datasets={"ar": faces},
        sweep=folder,
    )


def test_figure_numbers_and_verdicts(context):
    files = EtaSweep().write(context)
    assert [file.name for file in files] == [
        "eta_sweep.png", "eta_sweep.pdf", "eta_sweep.csv", "eta_sweep.md"
    ]  # fmt: skip
    with Image.open(files[0]) as picture:
        assert picture.size == (2070, 1410)
        colours = {colour for _, colour in picture.convert("RGB").getcolors(1 << 24)}
    assert {(192, 0, 0), (213, 94, 0)} <= colours  # standard points; hidden face in the masks
    assert files[1].read_bytes().startswith(b"%PDF")
    table = pd.read_csv(files[2])
    assert len(table) == 5 * 5 * 4 * 4
    assert set(table.loc[table["standard"], "setting"]) == {1.0}
    chosen = table[(table["weight"] == "eta_area") & (table["setting"] == 0.3)]
    recall = chosen[(chosen["subset"] == "scarf") & (chosen["metric"] == "TPR")]
    assert list(recall["value"]) == [0.8]
    text = files[3].read_text()
    assert text.count("| as the paper says") == 5
    assert "0, 0.3, **1**, 3, 10" in text
    assert "75 iterations at each point" in text
    assert "fixed, of the stage em" in text
    assert "ar_segmentation, version 1" in text


def test_the_same_sweep_gives_the_same_bytes(context, tmp_path):
    summary = context.summary[context.summary["method"].str.startswith("eta_area")]
    context = replace(context, summary=summary)
    first = [file.read_bytes() for file in EtaSweep().write(context)]
    again = EtaSweep().write(replace(context, output=tmp_path / "again"))
    assert [file.read_bytes() for file in again] == first


def test_one_weight_and_no_photograph_are_enough(context):
    summary = context.summary[context.summary["method"].str.startswith("eta_area")]
    files = EtaSweep().write(replace(context, summary=summary, datasets={}))
    with Image.open(files[0]) as picture:
        assert picture.size == (1380, 705)
    assert set(pd.read_csv(files[2])["metric"]) == set(INDICES)


def test_runs_without_a_sweep_have_no_such_report(context):
    assert EtaSweep().write(replace(context, sweep=None)) == []
    empty = replace(context, summary=context.summary.iloc[:0])
    assert EtaSweep().write(empty) == []
    assert trends_markdown(empty) == ""


@pytest.mark.parametrize("text", ["", "[]", '{"points": [{}]}', '{"points": []}'])
def test_a_damaged_sweep_is_named(context, text):
    (context.sweep / "sweep.json").write_text(text)
    with pytest.raises(InputError, match=r"sweep\.json: not readable as a sweep"):
        EtaSweep().write(context)


def test_the_standard_of_a_value_with_many_digits_is_found(context):
    sweep = replace(read_sweep(context.sweep), standard={"eta_area": 1.0000001})
    table = sweep_table(context.summary, sweep)
    assert set(table.loc[table["standard"], "weight"]) == {"eta_area"}
