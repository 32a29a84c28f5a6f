"""Galleries of the paper: photographs by rule and not by result, pictures where they belong."""

from __future__ import annotations

import io
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from reports_support import COLUMNS, LABELS, make_context, with_pictures

from focsbench.now.pairing import YAW_COLUMNS, YAW_FILE
from focsbench.reports import gallery_picks
from focsbench.reports.base import ReportContext
from focsbench.reports.gallery_axis import (
    GAP,
    GROUP_GAP,
    TEXT_SIZE,
    TILE,
    Axis,
    Label,
    font,
    wrapped,
)
from focsbench.reports.gallery_page import Block, Grid, page_png
from focsbench.reports.gallery_picks import (
    Draw,
    Pick,
    Picks,
    behind_hands,
    drawn,
    largest_yaw,
    most_one_sided_light,
    photographs,
)
from focsbench.reports.gallery_spec import GallerySpec, Panel, read_caption, write_gallery
from focsbench.reports.gallery_tiles import HIDDEN, OUTSIDE, VISIBLE, method_pictures
from focsbench.reports.overview import PARTS
from focsbench.reports.paper_galleries import (
    GALLERIES,
    Figure3,
    Figure4,
    PaperGallery,
    SupplementFigure8,
)
from focsbench.reports.paper_items import ITEMS, items_markdown
from focsbench.reports.side_light import side_light
from focsbench.types import Sample

RULE = drawn("name", Draw("celeba", "occluded", 2), Draw("ar", "scarf", 1))


@pytest.fixture(scope="module")
def context(tmp_path_factory: pytest.TempPathFactory) -> ReportContext:
    root = tmp_path_factory.mktemp("run")
    return with_pictures(make_context(root), root, size=16)


def keys(picks: Picks) -> list[str]:
    return [pick.key for pick in picks.items]


def picture(page: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(page)) as image:
        return np.asarray(image)


# ---------------------------------------------------------------- which photographs


def test_draws_obey_their_description(context: ReportContext):
    picks = RULE(context)
    assert [pick.group for pick in picks.items] == ["CelebA-HQ", "CelebA-HQ", "AR scarf"]
    assert all(key.startswith("celeba-occluded-") for key in keys(picks)[:2])
    assert len(set(keys(picks))) == 3
    assert picks.rule == (
        "Drawn at random (seed 0) from the occluded photographs of CelebA-HQ and the photographs "
        "with a scarf of AR, whatever the results."
    )


def test_draws_do_not_look_at_results(context: ReportContext):
    results = context.results.sample(frac=1, random_state=1)
    values = np.random.default_rng(0).permutation(results["value"].to_numpy())
    assert RULE(replace(context, results=results.assign(value=values))) == RULE(context)


def test_draws_follow_seed_and_name(context: ReportContext):
    by_seed = {tuple(keys(RULE(replace(context, seed=seed)))) for seed in range(8)}
    by_name = {
        tuple(keys(drawn(f"gallery{number}", Draw("celeba", None, 3))(context)))
        for number in range(8)
    }
    assert len(by_seed) > 2
    assert len(by_name) > 2


def test_a_person_is_drawn_once(context: ReportContext):
    everything = drawn("all", Draw("celeba", None, 100))(context)
    # The four persons of the made-up run have a photograph of each kind.
    assert len(photographs(context, "celeba")) == 8
    subjects = photographs(context, "celeba").set_index("item")["subject"]
    assert sorted(subjects[keys(everything)]) == [f"subject-{number}" for number in range(4)]


def test_nothing_is_drawn_from_what_the_run_does_not_have(context: ReportContext):
    assert RULE(replace(context, datasets={})).items == ()
    only_now = context.results[context.results["protocol"] == "now"]
    assert RULE(replace(context, results=only_now)).items == ()
    assert most_one_sided_light(3)(replace(context, datasets={})).items == ()


def test_largest_yaw_of_either_sign_one_per_person(context: ReportContext, tmp_path: Path):
    yaw = {"a/0": 10.0, "a/1": -40.0, "b/0": 39.0, "b/1": -12.0, "c/0": 38.0, "d/0": None}
    rows = [
        ("focs", "now", "multiview_occlusions", key[0], key, "mean", 1.0, "ok", "") for key in yaw
    ]
    rows.append(("focs", "now", "multiview_neutral", "e", "e/0", "mean", 1.0, "ok", ""))
    lines = [",".join(YAW_COLUMNS), *(f"{k},{v or ''},,," for k, v in yaw.items()), "e/0,50,,,"]
    (tmp_path / YAW_FILE).write_text("\n".join(lines) + "\n")
    now = replace(
        context,
        results=pd.DataFrame(rows, columns=COLUMNS),
        distances={"focs": tmp_path},
        datasets={"now": context.datasets["celeba"]},
    )
    assert keys(largest_yaw(9)(now)) == ["a/1", "b/0", "c/0"]
    assert keys(largest_yaw(2)(now)) == ["a/1", "b/0"]


def test_hands_are_drawn_where_known_and_else_the_detector_decides(
    context: ReportContext, monkeypatch: pytest.MonkeyPatch
):
    rule = behind_hands("name", 3, detector="skin_mask")
    lowest = rule(context)
    rows = context.results[
        (context.results["method"] == "skin_mask")
        & (context.results["protocol"] == "celeba_segmentation")
        & (context.results["metric"] == "PPV")
        & (context.results["subset"] == "occluded")
    ]
    assert keys(lowest) == list(rows.sort_values("value")["item"][:3])
    assert "the mask of Skin mask has the lowest precision" in lowest.rule
    kinds = {"celeba-occluded-1": ("hand",), "celeba-occluded-2": ("glasses", "hand")}
    monkeypatch.setattr(gallery_picks, "occluders", lambda _context: kinds)
    assert keys(rule(context)) == ["celeba-occluded-1"]
    assert "whatever the results" in rule(context).rule


# ---------------------------------------------------------------- light


def half_lit(ratio: float, size: int = 40) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    image = np.full((size, size, 3), 0.8, dtype=np.float32)
    image[:, : size // 2] *= ratio
    landmarks = np.zeros((68, 2), dtype=np.float32)
    landmarks[27], landmarks[8] = (size / 2 - 0.5, 5), (size / 2 - 0.5, size - 5)
    return image, landmarks, np.ones((size, size), dtype=bool)


@given(st.floats(0.05, 1.0), st.booleans())
def test_side_light_is_the_ratio_of_the_sides_in_octaves(ratio: float, is_mirrored: bool):
    image, landmarks, visible = half_lit(ratio)
    image = image[:, ::-1] if is_mirrored else image
    assert side_light(image, landmarks, visible) == pytest.approx(abs(np.log2(ratio)), abs=1e-5)


def test_side_light_needs_both_sides_and_only_the_visible_face():
    image, landmarks, visible = half_lit(0.5)
    hidden = visible.copy()
    hidden[:, :18] = False  # 2 of 22 columns are left of the line: 9 %
    assert side_light(image, landmarks, hidden) is None
    assert side_light(image, landmarks, np.zeros_like(visible)) is None
    image[:10] = 0  # dark background above the face
    visible[:10] = False
    assert side_light(image, landmarks, visible) == pytest.approx(1)


def test_least_even_light_first(context: ReportContext):
    class Lit:
        name, size = "celeba", 40

        def keys(self) -> list[str]:
            return [f"celeba-unoccluded-{number}" for number in range(4)]

        def __getitem__(self, index: int) -> Sample:
            image, landmarks, visible = half_lit((0.9, 0.3, 1.0, 0.6)[index])
            return Sample(self.keys()[index], "s", "unoccluded", image, landmarks, visible)

    picks = most_one_sided_light(3)(replace(context, datasets={"celeba": Lit()}))
    assert keys(picks) == [f"celeba-unoccluded-{number}" for number in (1, 3, 0)]


# ---------------------------------------------------------------- the page


@given(st.lists(st.sampled_from(["", "a", "b"]), min_size=1, max_size=8))
def test_places_keep_their_distance(groups: list[str]):
    axis = Axis(tuple(Label("name", group) for group in groups))
    steps = np.diff(axis.places()) - TILE
    same = [a == b for a, b in pairwise(groups)]
    assert list(steps) == [GAP if is_same else GROUP_GAP for is_same in same]
    assert axis.strip().size == (axis.length(), axis.depth())


@given(st.lists(st.text("abcdefgh", min_size=1, max_size=9), max_size=8))
def test_wrapping_keeps_the_words_and_the_width(words: list[str]):
    lines = wrapped(" ".join(words), TILE)
    assert " ".join(lines).split() == words
    for line in lines:
        assert font(TEXT_SIZE, False).getlength(line) <= TILE or " " not in line


def colour(number: int) -> np.ndarray:
    return np.full((8, 8, 3), (255 - number, 10, 10 + number), dtype=np.uint8)


def test_every_tile_is_on_the_page_once_and_whole():
    tiles = tuple(tuple(colour(4 * row + column) for column in range(3)) for row in range(2))
    rows = Axis((Label("", "above"), Label("mask", "below")))
    columns = Axis((Label("one"), Label("two words", "group"), Label("three", "group")))
    grid = Grid(rows, columns, tiles, below=(("RMSE 1",), (), ("RMSE 2", "F1 3")))
    page = picture(page_png([Block((grid, grid), "a caption"), Block((grid,))], ["a note"]))
    corners = {}
    for row in range(2):
        for column in range(3):
            where = (page == colour(4 * row + column)[0, 0]).all(axis=-1)
            assert where.sum() == 3 * TILE * TILE  # two grids side by side, one below
            corners[row, column] = np.argwhere(where)[0]
    # Rows are level and columns plumb, in the order in which they were given.
    for row in range(2):
        assert len({corners[row, column][0] for column in range(3)}) == 1
    lefts = [corners[0, column][1] for column in range(3)]
    assert list(np.diff(lefts)) == [TILE + GROUP_GAP, TILE + GAP]
    assert corners[1, 0][0] - corners[0, 0][0] == TILE + GROUP_GAP
    assert (page[0] == 255).all()


def test_names_stand_beside_their_pictures():
    def ink(axis: Axis, backwards: bool) -> np.ndarray:
        strip = np.asarray(axis.strip(backwards).convert("L"))
        return np.flatnonzero((strip < 128).any(axis=0))

    axis = Axis((Label("first"), Label(""), Label("")))
    assert ink(axis, backwards=False).max() < TILE
    # The strip of rows is turned with its right end up, so the first row is at the right.
    assert ink(axis, backwards=True).min() > axis.length() - TILE


# ---------------------------------------------------------------- whole galleries


@pytest.mark.parametrize("gallery", GALLERIES, ids=lambda gallery: gallery.name)
def test_galleries_of_a_run(context: ReportContext, tmp_path: Path, gallery: type[PaperGallery]):
    here = replace(context, output=tmp_path)
    files = gallery().write(here)
    if gallery is SupplementFigure8:  # this run has no photographs of NoW
        assert files == []
        return
    name = gallery.spec.name
    assert [file.name for file in files] == [f"{name}{end}" for end in (".png", ".md", ".tex")]
    first = [file.read_bytes() for file in files]
    assert first == [
        file.read_bytes() for file in gallery().write(replace(context, output=tmp_path))
    ]
    caption = read_caption(files[1])
    assert caption.startswith(f"{gallery.spec.title}.")
    for pick in gallery.spec.pick(context).items:
        assert pick.key in caption
    assert files[2].read_text().count(f"{{{name}.png}}") == 1


def test_galleries_need_their_methods_and_do_without_the_others(
    context: ReportContext, tmp_path: Path
):
    def size(labels: dict[str, str]) -> tuple[int, int]:
        png = Figure4().write(replace(context, labels=labels, output=tmp_path))[0]
        return picture(png.read_bytes()).shape[:2]

    without = {method: label for method, label in LABELS.items() if method != "skin_mask"}
    assert size(LABELS)[0] - size(without)[0] == 2 * TILE + GAP + GROUP_GAP
    assert size(LABELS)[1] == size(without)[1]
    for missing in ("mofa", "focs"):
        labels = {method: label for method, label in LABELS.items() if method != missing}
        assert Figure4().write(replace(context, labels=labels, output=tmp_path)) == []


def test_pictures_lie_where_names_say(context: ReportContext, tmp_path: Path):
    pick = Pick("ar", "ar-scarf-2", "AR scarf")
    spec = GallerySpec(
        name="made_up", heading="Figure 0", title="Made up",
        panels=(Panel("photo"), Panel("mask", "focs"), Panel("truth", "focs")),
        needs=frozenset({"focs"}), pick=lambda _context: Picks((pick,), "Chosen."), across=True,
    )  # fmt: skip
    png, *_ = write_gallery(spec, replace(context, output=tmp_path))
    page = picture(png.read_bytes())
    dataset = context.datasets["ar"]
    sample = dataset[dataset.keys().index(pick.key)]
    expected = method_pictures(sample, context.predictions["ar"]["focs"])
    masks = [np.repeat(np.repeat(expected[kind], TILE // 16, 0), TILE // 16, 1)
             for kind in ("mask", "truth")]  # fmt: skip
    left = page.shape[1] - 12 - TILE
    bottom = page.shape[0] - 12
    assert (page[bottom - TILE : bottom, left : left + TILE] == masks[1]).all()
    above = bottom - TILE - GAP  # one method, so there are no groups
    assert (page[above - TILE : above, left : left + TILE] == masks[0]).all()


def test_truth_is_coloured_inside_the_region_only(context: ReportContext):
    dataset = context.datasets["ar"]
    sample = dataset[dataset.keys().index("ar-scarf-0")]
    pictures = method_pictures(sample, context.predictions["ar"]["focs"])
    region = dataset.oval()
    truth = pictures["truth"]
    assert (truth[~region] == OUTSIDE).all()
    assert (truth[region & sample.visible_mask] == VISIBLE).all()
    assert (truth[region & ~sample.visible_mask] == HIDDEN).all()
    overlay, photo = pictures["overlay"], np.rint(255 * sample.image)
    assert (overlay[region] == pictures["render"][region]).all()
    assert (overlay[~region] == photo[~region]).all()
    unlabelled = replace(sample, visible_mask=None)
    assert method_pictures(unlabelled, context.predictions["ar"]["focs"])["truth"] == "no label"


def test_a_broken_prediction_is_said_and_stops_nothing(context: ReportContext, tmp_path: Path):
    broken = with_pictures(context, tmp_path, size=16)
    for key in broken.datasets["celeba"].keys():  # noqa: SIM118
        (broken.predictions["celeba"]["mofa"] / f"{key}_render.png").write_bytes(b"no picture")
    whole = Figure3().write(replace(context, output=tmp_path / "a"))[0].read_bytes()
    files = Figure3().write(replace(broken, output=tmp_path / "b"))
    assert len(files) == 3
    assert picture(files[0].read_bytes()).shape == picture(whole).shape
    assert files[0].read_bytes() != whole


# ---------------------------------------------------------------- the list of the paper's items


def test_every_item_of_the_paper_has_a_report_or_a_reason():
    made = {part().name for part in PARTS}
    assert {item.report for item in ITEMS if item.report} <= made
    assert all(item.shows for item in ITEMS)
    assert len({item.paper for item in ITEMS}) == len(ITEMS) == 21
    table = items_markdown({"table1.md", "figure4.png"})
    assert "[md](table1.md)" in table
    assert "[png](figure4.png)" in table
    assert table.count("](") == 2
    assert table.count("`focsbench report RUN --only ") == sum(bool(i.report) for i in ITEMS)
