"""The page: one file, right numbers, safe against names from outside, small enough."""

from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from reports_support import (
    LABELS,
    QUALITY,
    DrawnScans,
    fail,
    make_context,
    with_pictures,
    with_scans,
)

from focsbench.drawing.scan_views import RANGE_MM
from focsbench.errors import InputError
from focsbench.geometry.clustering import cluster_to
from focsbench.metrics.error_curve import ErrorCurve, curve_grid
from focsbench.now.pairing import PAIRS_FILE
from focsbench.reports.base import ABLATIONS, ReportContext
from focsbench.reports.cumulative_error import subset_curves
from focsbench.reports.error_maps import ErrorMaps
from focsbench.reports.html import curves
from focsbench.reports.html.encoding import script_json
from focsbench.reports.html.maps import MOST_VERTICES
from focsbench.reports.html.report import Html, render_page
from focsbench.reports.html.tables import page_table
from focsbench.reports.leaderboard import SPEC as LEADERBOARD
from focsbench.reports.scan_errors import error_maps, pick_persons

COMPARED = [method for method in LABELS if method not in ABLATIONS]


class Page(HTMLParser):
    """What a page consists of: texts of cells, addresses, scripts, alternative texts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.addresses: list[str] = []
        self.pictures: list[dict[str, str | None]] = []
        self.ids: list[str] = []
        self.stack: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        fields = dict(attributes)
        self.addresses += [v for k, v in fields.items() if k in ("src", "href", "action", "poster")]
        self.ids += [fields["id"]] if "id" in fields else []
        if tag == "img":
            self.pictures.append(fields)


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ReportContext:
    root = tmp_path_factory.mktemp("run")
    made = with_scans(with_pictures(make_context(root), root, size=48))
    return replace(
        made,
        config={"seed": 0, "method": {"preset": "smoke", "sizes": [1, 2]}},
        environment={"python": "3.11", "packages": {"numpy": "2.4"}},
    )


@pytest.fixture(scope="module")
def text(context: ReportContext) -> str:
    return render_page(context)


@pytest.fixture(scope="module")
def data(text: str) -> dict:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    return json.loads(found[1])


def test_the_page_is_one_file_that_refers_to_no_other(text: str, context: ReportContext):
    page = Page(text)
    assert all(address.startswith(("#", "data:")) for address in page.addresses)
    assert not re.search(r"@import|url\((?!data:)", text.partition("</style>")[0])
    assert len(page.ids) == len(set(page.ids))
    targets = {address[1:] for address in page.addresses if address.startswith("#")}
    assert targets <= set(page.ids)
    assert page.pictures
    assert all(picture["alt"] for picture in page.pictures)
    files = Html().write(context)
    assert [file.name for file in files] == ["report.html"]
    assert files[0].read_bytes() == text.rstrip("\n").encode() + b"\n"  # twice the same


def test_a_page_of_a_run_with_nothing_says_so(tmp_path: Path):
    made = make_context(tmp_path)
    empty = replace(made, results=made.results[:0], summary=made.summary[:0], distances={})
    text = render_page(empty)
    assert "None: every image has a value" in text
    assert 'id="leaderboard"' not in text
    assert "Plotly" not in text.partition("<main>")[2].partition('id="data"')[0]


def test_the_leaderboard_has_the_numbers_of_the_summary(context: ReportContext):
    table = page_table(LEADERBOARD, context)
    assert table is not None
    assert [row.label for row in table.rows if row.kind != "count"] == [
        LABELS[m] for m in sorted(LABELS, key=lambda m: m in context.references)
    ]
    assert set(table.kinds) == {"compared", "ablation", "bound"}
    summary = context.summary.set_index(["method", "protocol", "subset", "metric"])["value"]
    place = [column for column, _ in table.columns].index("CelebA occluded ↓")
    for row in table.rows:
        method = next((m for m in LABELS if LABELS[m] == row.label), None)
        if method is not None:
            value = summary[method, "celeba_rmse", "occluded", "rmse"]
            assert row.cells[place].value == pytest.approx(value, abs=0.005)


def test_intervals_stand_behind_the_numbers(context: ReportContext):
    known = context.summary.assign(low=context.summary["value"] - 1, high=context.summary["value"])
    text = render_page(replace(context, summary=known, datasets={}, predictions={}))
    table = page_table(LEADERBOARD, replace(context, summary=known), "interval")
    assert table is not None
    assert table.intervals
    for row in table.rows:
        for cell in row.cells:
            if cell.interval:
                assert cell.interval == f"[{cell.value - 1:.2f}, {cell.value:.2f}]"
    assert '<small class="interval">[' in text
    assert page_table(LEADERBOARD, context).intervals is False


def test_missing_cells_sort_last_and_columns_without_numbers_go(context: ReportContext):
    less = context.summary[context.summary["protocol"] != "ar_segmentation"]
    table = page_table(LEADERBOARD, replace(context, summary=less), "interval")
    assert table is not None
    assert not any("AR glasses" in column for column, _ in table.columns)
    mofa = next(row for row in table.rows if row.label == "MoFA")
    masks = [cell for cell in mofa.cells if cell.group == "F1 of masks"]
    assert masks
    assert all(cell.value is None for cell in masks)


def test_curves_are_those_of_the_figure(data: dict, context: ReportContext):
    drawn = subset_curves(context)
    panels = {panel["title"]: panel for panel in data["curves"]["panels"]}
    assert list(panels) == ["Unoccluded", "Occluded"]
    for subset in ("unoccluded", "occluded"):
        series = {line["name"]: line for line in panels[subset.capitalize()]["series"]}
        assert list(series) == COMPARED
        for method, line in series.items():
            grid = np.arange(len(line["values"])) * data["curves"]["step"]
            expected = np.interp(grid, curve_grid(), 100 * drawn[subset][method].share)
            np.testing.assert_allclose(line["values"], expected, atol=0.006)
            assert (line["low"], line["high"]) == ([], [])  # three persons give no band
    looks = {(line["color"], line["dash"], line["width"]) for line in series.values()}
    assert len(looks) == len(series)


def test_bands_are_those_of_the_curves(context: ReportContext, monkeypatch: pytest.MonkeyPatch):
    share = np.linspace(0, 1, 701)
    banded = {"occluded": {"focs": ErrorCurve(share, share**2, np.sqrt(share))}}
    monkeypatch.setattr(curves, "subset_curves", lambda _context: banded)
    found = curves.curve_data(context)
    assert found is not None
    (series,) = found["panels"][0]["series"]
    np.testing.assert_allclose(series["low"], 100 * share[::2] ** 2, atol=0.006)
    np.testing.assert_allclose(series["high"], 100 * np.sqrt(share[::2]), atol=0.006)
    assert found["focus"] == "focs"


def _array(text: str, kind: str) -> np.ndarray:
    return np.frombuffer(base64.b64decode(text), kind)


def test_maps_hold_the_mean_error_of_the_person(data: dict, context: ReportContext):
    maps = data["maps"]
    assert maps["range"] == RANGE_MM
    assert len(maps["persons"]) == 3
    person = next(p for p in maps["persons"] if p["subject"] == "subject-1")
    points = _array(person["vertices"], "<i2").reshape(-1, 3) * maps["unit"]
    triangles = _array(person["triangles"], "<u2").reshape(-1, 3)
    assert len(points) == 2000  # small enough to stay whole
    assert triangles.max() < len(points)
    # In the axes of the face: right, up, out of it.
    assert (np.ptp(points, axis=0) > [85, 100, 20]).all()
    assert points[np.argmax(points[:, 2]), 2] == points[:, 2].max()
    for subset, pattern in (("all", "*"), ("occluded", "multiview_occlusions")):
        files = sorted(context.distances["focs"].glob(f"subject-1/{pattern}/*.npy"))
        expected = np.mean([np.load(file) for file in files], axis=0)
        shown = person["maps"]["focs"]["subsets"][subset]
        errors = _array(shown["errors"], "<u2") * maps["unitError"]
        np.testing.assert_allclose(errors, expected, atol=0.0006)
        assert shown["mean"] == pytest.approx(expected.mean(), abs=0.001)
        assert shown["images"] == len(files)


def test_persons_are_chosen_by_rule(context: ReportContext):
    persons = pick_persons(context)
    medians = {
        f"subject-{i}": np.mean(
            [np.median(np.load(f)) for f in context.distances["focs"].glob(f"subject-{i}/*/*.npy")]
        )
        for i in range(3)
    }
    ranked = sorted(medians, key=medians.__getitem__)
    assert [person.subject for person in persons] == [ranked[2], ranked[1], ranked[0]]
    assert [person.rule.split()[0] for person in persons] == ["worst", "median", "best"]
    without = replace(context, distances={"mofa": context.distances["mofa"]})
    assert all(person.rule.endswith("of MoFA") for person in pick_persons(without))


def test_a_failed_photograph_leaves_the_map(context: ReportContext):
    item = "subject-1/multiview_occlusions/photo_1"
    failed = fail(context, method="focs", item=item)
    person = next(p for p in pick_persons(failed) if p.subject == "subject-1")
    maps = error_maps(failed, person, "focs")
    assert set(maps) == {"all", "unoccluded"}
    assert maps["all"].images == 1
    everything = fail(context, method="mofa", protocol="now", subject="subject-1")
    assert error_maps(everything, person, "mofa") == {}
    few = {method: LABELS[method] for method in ("mofa", "focs")}
    assert "failed" in render_page(replace(everything, predictions={}, labels=few))


def test_distances_of_another_scan_are_refused(context: ReportContext):
    other = replace(context, datasets={"now": DrawnScans(30, 50)})
    with pytest.raises(InputError, match=r"2000 distances where 1500 belong"):
        error_maps(other, pick_persons(other)[0], "focs")


def test_printed_error_maps(context: ReportContext, tmp_path: Path):
    few = {method: LABELS[method] for method in ("mofa", "focs")}
    made = replace(context, output=tmp_path, labels=few)
    first = {path.name: path.read_bytes() for path in ErrorMaps().write(made)}
    assert set(first) == {"error_maps.png", "error_maps.pdf", "error_maps.md"}
    assert first == {path.name: path.read_bytes() for path in ErrorMaps().write(made)}
    picture = np.asarray(Image.open(io.BytesIO(first["error_maps.png"])).convert("RGB"))
    assert (picture < 200).any(axis=2).mean() > 0.2
    assert b"subject-" in first["error_maps.md"]
    assert ErrorMaps().write(replace(made, datasets={})) == []


def test_gallery_has_every_picture_once(data: dict, context: ReportContext):
    gallery = data["gallery"]
    titles = [photo["title"] for photo in gallery["photos"]]
    assert len(titles) == len(set(titles))
    assert gallery["photos"][0]["rule"] == "worst RMSE of FOCS"
    names = {"photo", "truth", *(f"{k}:{m}" for k in ("overlay", "mask") for m in COMPARED)}
    for photo in gallery["photos"]:
        assert set(photo["pictures"]) == names
        assert photo["pictures"]["mask:mofa"] == "no mask"
    truth = gallery["photos"][0]["pictures"]["truth"]
    mask = Image.open(io.BytesIO(base64.b64decode(truth.partition(",")[2])))
    assert mask.size == (48, 48)
    assert set(np.unique(np.asarray(mask))) <= {0, 255}  # lossless


def test_names_from_outside_stay_text(tmp_path: Path, context: ReportContext):
    evil = "</script><script>alert(1)</script><img src=x onerror=alert(2)>&\"'"
    labels = {**LABELS, "mofa": evil}
    cards = {"now": f"### {evil}\n\n- {evil}: {evil}"}
    made = replace(context, datasets={}, labels=labels, run=evil, cards=cards)
    hostile = fail(made, reason=evil, method="mofa", protocol="ar_rmse")
    text = render_page(hostile)
    assert "<script>alert" not in text
    assert "<img src=x" not in text
    assert json.loads(str(script_json({"a": evil}))) == {"a": evil}


def test_provenance_and_failures_are_printed(context: ReportContext):
    bare = replace(context, predictions={}, datasets={})
    text = render_page(fail(bare, method="mofa", protocol="ar_rmse", item="ar-scarf-0"))
    for expected in ("method.preset", "packages.numpy", "1, 2", "no face found", "ar-scarf-0"):
        assert expected in text


def test_no_page_holds_what_is_not_json():
    with pytest.raises(ValueError, match="JSON"):
        script_json({"a": float("nan")})


@pytest.mark.parametrize("most", [1, 40, 500])
def test_clustering_keeps_the_mean(most: int):
    mesh = DrawnScans().scan("subject-0")
    coarse = cluster_to(mesh.vertices, mesh.triangles, most)
    assert 0.3 * most < len(coarse.vertices) <= most
    values = np.random.default_rng(0).uniform(0, 4, 2000)
    counts = np.bincount(coarse.cluster)
    assert (coarse.average(values) @ counts) / 2000 == pytest.approx(values.mean())
    for number in (0, len(counts) - 1):  # naive oracle
        members = coarse.cluster == number
        assert coarse.average(values)[number] == pytest.approx(values[members].mean())
        np.testing.assert_allclose(
            coarse.vertices[number], mesh.vertices[members].mean(axis=0), atol=1e-9
        )
    corners = coarse.triangles
    assert (corners[:, 0] != corners[:, 1]).all()
    assert len(np.unique(np.sort(corners, axis=1), axis=0)) == len(corners)
    whole = cluster_to(mesh.vertices, mesh.triangles, 2000)
    np.testing.assert_array_equal(whole.triangles, mesh.triangles)


def test_ten_methods_and_forty_maps_at_full_size_stay_below_20_mb(tmp_path: Path):
    """Scans as large as those of NoW after the crop, photographs of 224 pixels."""
    context = with_pictures(make_context(tmp_path), tmp_path, size=224)
    methods = [f"method{i}" for i in range(9)] + ["focs"]
    subjects = [f"subject-{i}" for i in range(4)]
    scans, rows = DrawnScans(200, 230), []
    rng = np.random.default_rng(0)
    for method in methods:
        folder = tmp_path / "scans" / method
        for subject in subjects:
            item = f"{subject}/multiview_neutral/photo"
            path = folder / f"{item}.npy"
            path.parent.mkdir(parents=True)
            np.save(path, rng.gamma(2, 0.7, 46000).astype(np.float32))
            row = (method, "now", "multiview_neutral", subject, item, "median", rng.uniform(), "ok")
            rows.append((*row, ""))
        pairs = context.distances["focs"] / PAIRS_FILE
        (folder / PAIRS_FILE).write_bytes(pairs.read_bytes().splitlines(keepends=True)[0])
    kept = context.results[context.results["protocol"] != "now"]
    source = dict(zip(methods, QUALITY, strict=False))
    full = replace(
        context,
        labels={method: f"Method {method}" for method in methods},
        results=pd.concat([kept, pd.DataFrame(rows, columns=list(kept))], ignore_index=True),
        distances={method: tmp_path / "scans" / method for method in methods},
        predictions={
            name: {method: folders[own] for method, own in source.items()}
            for name, folders in context.predictions.items()
        },
        datasets={**context.datasets, "now": scans},
    )
    text = render_page(full)
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.S)
    persons = json.loads(found[1])["maps"]["persons"]
    assert sum(len(person["maps"]) for person in persons) == 40
    assert all(len(base64.b64decode(p["vertices"])) <= 6 * MOST_VERTICES for p in persons)
    assert len(text.encode()) < 20e6
