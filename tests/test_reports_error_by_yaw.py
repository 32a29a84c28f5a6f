"""Error by yaw: right photographs in right bins, same bytes, and what is left out."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from reports_support import CHALLENGES, COLUMNS, LABELS, QUALITY, fail, make_context

from focsbench.now.pairing import PAIRS_FILE, YAW_COLUMNS, YAW_FILE
from focsbench.reports.base import ABLATIONS, REFERENCES, ReportContext
from focsbench.reports.error_by_yaw import ErrorByYaw, error_by_yaw, nearest_bin
from focsbench.reports.overview import Overview
from focsbench.reports.table3 import Table3

COMPARED = [method for method in LABELS if method not in REFERENCES | ABLATIONS]
# Yaw of the photographs of every challenge; the last one is unknown.
YAW = {"multiview_neutral": [-31.0, -4.9, 4.9, ""], "multiview_occlusions": [14.99, 15.0, 38, ""]}


def item(challenge: str, number: int) -> str:
    return f"subject-{number}/{challenge}/photo_{number}"


def value(method: str, challenge: str, number: int) -> float:
    return QUALITY[method] * (1 + 0.1 * number + 0.5 * (challenge == "multiview_occlusions"))


@pytest.fixture
def context(tmp_path: Path) -> ReportContext:
    context = make_context(tmp_path)
    rows = [
        (method, "now", challenge, f"subject-{number}", item(challenge, number), "mean",
         value(method, challenge, number), "ok", "")
        for method in LABELS
        for challenge in YAW
        for number in range(4)
    ]  # fmt: skip
    lines = [
        f"{item(challenge, number)},{yaw},{yaw},{yaw},"
        for challenge, yaws in YAW.items()
        for number, yaw in enumerate(yaws)
    ]
    for folder in context.distances.values():
        (folder / YAW_FILE).write_text("\n".join([",".join(YAW_COLUMNS), *lines]) + "\n")
    results = pd.concat([context.results, pd.DataFrame(rows, columns=COLUMNS)], ignore_index=True)
    return replace(context, results=results)


def test_bins(context: ReportContext):
    points = error_by_yaw(context).set_index(["method", "subset", "yaw"])
    assert list(points.index.unique("method")) == COMPARED
    for method in COMPARED:
        mine = points.loc[method]
        neutral, hidden = mine.loc["neutral"], mine.loc["occluded"]
        assert list(neutral.index) == [-30, 0]
        assert list(neutral["images"]) == [1, 2]
        pair = [value(method, "multiview_neutral", number) for number in (1, 2)]
        assert neutral.loc[0, "mean"] == pytest.approx(np.mean(pair))
        assert neutral.loc[0, "std"] == pytest.approx(np.std(pair))
        assert neutral.loc[-30, "std"] == 0
        assert list(hidden.index) == [10, 20, 40]
        assert list(hidden["images"]) == [1, 1, 1]
        expected = [value(method, "multiview_occlusions", number) for number in range(3)]
        assert list(hidden["mean"]) == pytest.approx(expected)


@given(st.floats(-90, 90))
def test_the_nearest_bin(degrees: float):
    [left, right] = nearest_bin(np.array([-degrees, degrees]))
    assert left == -right
    assert right % 10 == 0
    assert abs(right - degrees) <= 5


def test_golden_bins():
    degrees = np.array([0.0, -0.0, 4.99, 5.0, -5.0, 14.9, 15.0, -25.0, 90.0, np.nan])
    expected = [0, 0, 0, 10, -10, 10, 20, -30, 90, np.nan]
    assert nearest_bin(degrees) == pytest.approx(expected, nan_ok=True)
    assert not np.signbit(nearest_bin(degrees)[:2]).any()


def test_failed_photographs_and_methods_leave_the_figure(context: ReportContext):
    gone = fail(context, method="focs", item=item("multiview_neutral", 1))
    points = error_by_yaw(gone).set_index(["method", "subset", "yaw"])
    assert points.loc[("focs", "neutral", 0), "images"] == 1
    assert points.loc[("mofa", "neutral", 0), "images"] == 2
    gone = fail(context, method="mofa", protocol="now")
    assert "mofa" not in set(error_by_yaw(gone)["method"])
    [png, *_] = ErrorByYaw().write(gone)
    with Image.open(png) as picture:
        assert picture.size[0] > 1000


def test_nothing_without_poses_or_results(context: ReportContext):
    assert ErrorByYaw().write(replace(context, distances={})) == []
    assert ErrorByYaw().write(fail(context, protocol="now")) == []
    assert ErrorByYaw().write(replace(context, results=context.results.iloc[:0])) == []
    for folder in context.distances.values():
        (folder / YAW_FILE).unlink()
    assert ErrorByYaw().write(context) == []


def test_one_method_and_a_single_pose_can_be_drawn(context: ReportContext):
    alone = replace(context, labels={"focs": "FOCS"})
    for folder in context.distances.values():
        line = f"{item('multiview_neutral', 0)},7,0,0,"
        (folder / YAW_FILE).write_text(",".join(YAW_COLUMNS) + f"\n{line}\n")
    assert error_by_yaw(alone)["yaw"].tolist() == [10]
    assert len(ErrorByYaw().write(alone)) == 3


def test_files_are_reproducible_and_hold_their_data(context: ReportContext):
    first = {path.suffix: path.read_bytes() for path in ErrorByYaw().write(context)}
    assert list(first) == [".png", ".pdf", ".csv"]
    with mpl.rc_context({"lines.linewidth": 9.0, "font.size": 30}):
        again = {path.suffix: path.read_bytes() for path in ErrorByYaw().write(context)}
    assert first == again
    shuffled = replace(context, results=context.results.sample(frac=1, random_state=1))
    assert ErrorByYaw().write(shuffled)[2].read_bytes() == first[".csv"]
    assert b"Date" not in first[".pdf"]
    table = pd.read_csv(io.BytesIO(first[".csv"]))
    pd.testing.assert_frame_equal(table, error_by_yaw(context), atol=1e-6)


def test_the_overview_shows_it_and_the_pairs(context: ReportContext):
    report, *files = Overview().write(context)
    text = report.read_text()
    for name in ("error_by_yaw.png", "table3_pairs.csv"):
        assert name in {file.name for file in files}
        assert f"]({name})" in text


def test_table3_publishes_its_pairs(context: ReportContext):
    *_, pairs = Table3().write(context)
    assert pairs.name == "table3_pairs.csv"
    assert pairs.read_bytes() == (context.distances["focs"] / PAIRS_FILE).read_bytes()
    names = [file.name for file in Table3().write(replace(context, distances={}))]
    assert names == ["table3.md", "table3.tex", "table3.csv"]
    assert "nearest yaw: table3\\_pairs.csv" in (context.output / "table3.md").read_text()
    assert set(CHALLENGES.values()) == set(YAW)
