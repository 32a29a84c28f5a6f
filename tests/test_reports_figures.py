"""Curves and galleries: right points, right photographs, same bytes."""

from __future__ import annotations

import io
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import matplotlib as mpl
import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image
from reports_support import CARDS, CHALLENGES, LABELS, fail, make_context, with_pictures

from focsbench.drawing.figures import figure_style, line_styles
from focsbench.errors import InputError
from focsbench.metrics.error_curve import STEP_MM, count_within, curve_grid
from focsbench.reports.base import ABLATIONS, ReportContext
from focsbench.reports.cumulative_error import CumulativeError, subset_curves
from focsbench.reports.failures import failure_groups, reason_of_many
from focsbench.reports.gallery import Gallery, pick_by_fit, pick_by_occluder
from focsbench.reports.gallery_picks import photographs
from focsbench.reports.gallery_tiles import HIDDEN, OUTSIDE, VISIBLE, mask_picture, method_tiles
from focsbench.reports.overview import Overview, failures_markdown
from focsbench.types import UNREADABLE

GRID = curve_grid()


@pytest.fixture
def context(tmp_path: Path) -> ReportContext:
    return make_context(tmp_path)


@given(hnp.arrays(np.float32, st.integers(0, 50), elements=st.floats(0, 9, width=32)))
def test_count_within_agrees_with_counting(distances: np.ndarray):
    counts = count_within(distances)
    # Bin edges and their decimal values may differ in the last bit.
    near = np.abs(distances[:, None].astype(float) / STEP_MM - np.arange(len(GRID))) < 1e-6
    exact = (distances[:, None] <= GRID).sum(axis=0)
    assert (np.abs(counts - exact) <= near.sum(axis=0)).all()
    assert (np.diff(counts) >= 0).all()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1])
def test_count_within_refuses_what_is_no_distance(bad: float):
    with pytest.raises(ValueError, match="finite"):
        count_within(np.array([0.5, bad]))


def test_curves_pool_the_points_of_the_subset(context: ReportContext):
    curves = subset_curves(context)
    assert list(curves) == list(CHALLENGES)
    for subset, challenge in CHALLENGES.items():
        assert list(curves[subset]) == [method for method in LABELS if method not in ABLATIONS]
        files = sorted(context.distances["focs"].rglob(f"{challenge}/*.npy"))
        points = np.concatenate([np.load(file) for file in files])
        share = curves[subset]["focs"].share
        for at in (0.5, 1.0, 3.0):
            assert share[round(at / STEP_MM)] == pytest.approx(np.mean(points <= at), abs=1e-3)


def test_failed_images_leave_the_curve(context: ReportContext):
    item = "subject-0/multiview_occlusions/photo_0"
    (context.distances["focs"] / f"{item}.npy").unlink()
    with pytest.raises(InputError, match=r"photo_0\.npy"):
        subset_curves(context)
    curves = subset_curves(fail(context, method="focs", item=item))
    assert all(np.isfinite(of_subset["focs"].share).all() for of_subset in curves.values())


def test_a_method_without_any_scan_result_has_no_curve(context: ReportContext):
    curves = subset_curves(fail(context, method="mofa", protocol="now"))
    assert all("mofa" not in of_subset for of_subset in curves.values())
    nothing = replace(context, distances={})
    assert CumulativeError().write(nothing) == []


def test_figure_files_are_reproducible_and_hold_their_data(context: ReportContext):
    first = {path.suffix: path.read_bytes() for path in CumulativeError().write(context)}
    again = {path.suffix: path.read_bytes() for path in CumulativeError().write(context)}
    assert set(first) == {".png", ".pdf", ".csv"}
    assert first == again
    assert b"Date" not in first[".pdf"]
    assert b"/FontFile2" in first[".pdf"]  # TrueType, embedded
    assert Image.open(io.BytesIO(first[".png"])).info.keys() <= {"dpi"}
    table = pd.read_csv(io.BytesIO(first[".csv"]))
    for subset, of_subset in subset_curves(context).items():
        rows = table[table["subset"] == subset]
        assert np.allclose(rows["focs"], of_subset["focs"].share, atol=1e-6)


def test_figures_depend_on_no_global_state(context: ReportContext):
    expected = CumulativeError().write(context)[0].read_bytes()
    with mpl.rc_context({"lines.linewidth": 9.0, "font.size": 30}):
        assert CumulativeError().write(context)[0].read_bytes() == expected
        assert mpl.rcParams["font.size"] == 30


def test_reports_leave_pyplot_alone():
    code = "import sys, focsbench.reports.overview; sys.exit('matplotlib.pyplot' in sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_styles_tell_many_methods_apart(context: ReportContext):
    methods = [f"method{index}" for index in range(12)] + ["focs", "ground_truth"]
    with figure_style():
        styles = line_styles(methods, context.references, context.focus)
    keys = {
        (style["color"], str(style["linestyle"]), style["linewidth"]) for style in styles.values()
    }
    assert len(keys) == len(methods)
    assert styles["focs"]["linewidth"] == max(style["linewidth"] for style in styles.values())
    assert styles["ground_truth"]["color"] == "black"


def test_fit_picks_are_worst_median_best_of_the_focus(context: ReportContext):
    rows = context.results
    rows = rows[(rows["method"] == "focs") & (rows["protocol"] == "celeba_rmse")]
    ranked = list(rows[rows["metric"] == "rmse"].sort_values("value")["item"])
    picks = pick_by_fit(context)
    assert [pick.key for pick in picks] == [ranked[-1], ranked[3], ranked[0]]
    assert picks[0].rule == "worst RMSE of FOCS"
    without = {method: label for method, label in LABELS.items() if method != "focs"}
    others = pick_by_fit(replace(context, labels=without))
    assert others[0].rule == "worst RMSE of Pretrained"


def test_occluder_picks_follow_the_seed(context: ReportContext):
    picks = pick_by_occluder(context)
    assert [pick.rule.split(",")[0] for pick in picks] == ["occluded", "glasses", "scarf"]
    assert picks == pick_by_occluder(context)
    shuffled = replace(context, results=context.results.sample(frac=1, random_state=1))
    assert picks == pick_by_occluder(shuffled)
    others = {tuple(pick_by_occluder(replace(context, seed=seed))) for seed in range(8)}
    assert len(others) > 1


def test_photographs_that_cannot_be_read_are_not_picked(context: ReportContext, tmp_path: Path):
    full = with_pictures(context, tmp_path, size=16)
    rows = full.results[full.results["protocol"] == "celeba_rmse"]
    lost = rows[rows["item"] == rows["item"].iloc[0]].assign(item="lost", subset=UNREADABLE)
    segmentation = lost.assign(protocol="celeba_segmentation")
    results = pd.concat([full.results, lost, segmentation], ignore_index=True)
    broken = replace(full, results=results)
    assert pick_by_occluder(broken) == pick_by_occluder(full)
    assert photographs(broken, "celeba").equals(photographs(full, "celeba"))


def test_mask_picture_colours():
    region = np.array([[True, True, False]])
    visible = np.array([[True, False, True]])
    assert mask_picture(region, visible).tolist() == [[list(VISIBLE), list(HIDDEN), list(OUTSIDE)]]


def test_composite_keeps_the_photograph_where_the_face_is_hidden(
    context: ReportContext, tmp_path: Path
):
    full = with_pictures(context, tmp_path, size=16)
    sample = full.datasets["ar"][5]
    assert sample.subset == "glasses"
    render, composite, mask = method_tiles(sample, full.predictions["ar"]["focs"]).pictures
    photo = np.rint(sample.image * 255).astype(np.uint8)
    visible = (mask == VISIBLE).all(axis=-1)
    assert 0 < visible.sum() < visible.size
    assert (composite[visible] == render[visible]).all()
    assert (composite[~visible] == photo[~visible]).all()
    folder = full.predictions["ar"]["mofa"]
    assert method_tiles(sample, folder).pictures[2] == "no mask"


def test_masks_are_shown_without_renders(context: ReportContext, tmp_path: Path):
    full = with_pictures(context, tmp_path, size=16)
    folder = full.predictions["ar"]["focs"]
    manifest = folder / "manifest.json"
    manifest.write_text(manifest.read_text().replace('"render",', ""))
    render, composite, mask = method_tiles(full.datasets["ar"][5], folder).pictures
    assert (render, composite) == ("no render", "no render")
    assert isinstance(mask, np.ndarray)


def test_broken_predictions_are_said_in_the_gallery(context: ReportContext, tmp_path: Path):
    full = with_pictures(context, tmp_path, size=16)
    sample = full.datasets["ar"][0]
    folder = full.predictions["ar"]["focs"]
    (folder / f"{sample.key}_render.png").unlink()
    assert method_tiles(sample, folder).pictures == ("failed",) * 3


def test_galleries_are_reproducible(context: ReportContext, tmp_path: Path):
    full = with_pictures(context, tmp_path, size=16)
    files = Gallery().write(full)
    assert [file.name for file in files] == ["gallery.png", "gallery_occluders.png"]
    first = [file.read_bytes() for file in files]
    assert first == [file.read_bytes() for file in Gallery().write(full)]
    with Image.open(files[0]) as page:
        assert page.mode == "RGB"
        assert page.info["dpi"] == pytest.approx((300, 300), abs=0.1)
    assert Gallery().write(context) == []


def test_overview_shows_everything_once(context: ReportContext, tmp_path: Path):
    full = fail(with_pictures(context, tmp_path, size=16), method="mofa", item="ar-scarf-1")
    report, *files = Overview().write(full)
    text = report.read_text()
    assert report.name == "report.md"
    assert len(files) == len({file.name for file in files})
    assert {"table5.md", "supplement_table1.tex", "figure4.png", "findings.md"} <= {
        file.name for file in files
    }
    for file in files:
        assert file.is_file()
        assert f"]({file.name})" in text
    for card in CARDS.values():
        assert text.count(card) == 1
    assert "| MoFA" in text.split("## Failures")[1]
    assert "no face found" in text.split("## Failures")[1]


def test_equal_reasons_of_many_images_are_counted_together(context: ReportContext):
    dark = "{item}: the method failed on this image: {item}.jpg: too\ndark"
    broken = fail(context, dark, method="mofa", protocol="ar_rmse")
    broken = fail(broken, "/ar/{item}.png: too small", method="focs", protocol="ar_rmse")
    pooled = broken.results.iloc[[0]].assign(item="pooled", status="failed", reason="no image")
    broken = replace(broken, results=pd.concat([broken.results, pooled], ignore_index=True))
    groups = {(group.method, group.reason): group for group in failure_groups(broken)}
    reason = "IMAGE: the method failed on this image: IMAGE.jpg: too dark"
    assert set(groups) == {("MoFA", reason), ("FOCS", "/ar/IMAGE.png: too small")}
    assert groups["MoFA", reason].items == 12
    assert groups["MoFA", reason].example == "ar-unoccluded-0"
    assert failures_markdown(broken).count("\n") == 3


@pytest.mark.parametrize(
    ("item", "reason", "expected"),
    [
        ("7", "/d/img/7.jpg: no image", "/d/img/IMAGE.jpg: no image"),
        ("7", "/d/masks/0/00007_skin.png: gone", "/d/masks/0/IMAGE_skin.png: gone"),
        ("7", "/d/masks: no part masks for image 7; unpack", "/d/masks: no part masks for image "
         "IMAGE; unpack"),
        ("7", "lists.csv: no landmarks for '7.jpg'; detect", "lists.csv: no landmarks for "
         "'IMAGE.jpg'; detect"),
        ("m-1-11", "/ar/M-001-11.bmp: empty", "/ar/IMAGE.bmp: empty"),
        ("a/b/c", "a/b/c.ply: no mesh", "IMAGE.ply: no mesh"),
        ("7", "17: 7 of 17 values, 7.5 at most", "17: 7 of 17 values, 7.5 at most"),
        ("face", "face: no face in the face", "IMAGE: no face in the face"),
        (r"a\1(", r"a\1(: odd", "IMAGE: odd"),
        ("pooled", "nothing", "nothing"),
    ],
)  # fmt: skip
def test_names_of_images_are_taken_out_of_reasons(item: str, reason: str, expected: str):
    assert reason_of_many(reason, item) == expected


def test_overview_of_an_empty_run(context: ReportContext):
    empty = replace(
        context, results=context.results.iloc[:0], summary=context.summary.iloc[:0], distances={}
    )
    report, *files = Overview().write(empty)
    assert [file.name for file in files] == ["findings.md", "findings.csv"]
    assert "0 of " in report.read_text()
