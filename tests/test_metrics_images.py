from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from focsbench.metrics.photometric import masked_rmse
from focsbench.metrics.segmentation import (
    ConfusionAreas,
    confusion_areas,
    segmentation_scores,
)

SEEDS = st.integers(0, 2**32 - 1)


def random_case(seed, size=6):
    rng = np.random.default_rng(seed)
    image = rng.uniform(size=(size, size, 3)).astype(np.float32)
    render = rng.uniform(-0.5, 1.5, size=(size, size, 3)).astype(np.float32)
    region = rng.uniform(size=(size, size)) < 0.6
    region[0, 0] = True
    return rng, image, render, region


@given(SEEDS)
def test_rmse_agrees_with_a_loop(seed):
    _, image, render, region = random_case(seed)
    squares = [
        (float(image[y, x, c]) - min(max(float(render[y, x, c]), 0), 1)) ** 2
        for y in range(6)
        for x in range(6)
        for c in range(3)
        if region[y, x]
    ]
    expected = 255 * math.sqrt(sum(squares) / len(squares))
    assert masked_rmse(image, render, region) == pytest.approx(expected, rel=1e-6)


@given(SEEDS)
def test_rmse_knows_nothing_outside_its_region(seed):
    rng, image, render, region = random_case(seed)
    before = masked_rmse(image, render, region)
    render[~region] = rng.uniform(-9, 9, size=(np.count_nonzero(~region), 3))
    image[~region] = np.nan
    assert masked_rmse(image, render, region) == before
    assert masked_rmse(image, image, region) == 0


def test_rmse_scale():
    region = np.ones((4, 4), dtype=bool)
    black, white = np.zeros((4, 4, 3)), np.ones((4, 4, 3))
    assert masked_rmse(white, black, region) == 255
    assert masked_rmse(white, 7 * white, region) == 0  # clipped as a display would
    assert masked_rmse(black, black + 3 / 255, region) == pytest.approx(3)


def test_rmse_refuses_what_has_no_answer():
    image, region = np.zeros((4, 4, 3)), np.ones((4, 4), dtype=bool)
    with pytest.raises(ValueError, match="empty"):
        masked_rmse(image, image, ~region)
    with pytest.raises(ValueError, match="shapes"):
        masked_rmse(image, image[:3], region)
    with pytest.raises(ValueError, match="shapes"):
        masked_rmse(image, image, region[:3])
    with pytest.raises(ValueError, match="not finite"):
        masked_rmse(image, image * np.nan, region)


def perfect_masks():
    """1000 face pixels, 500 others, all of them in the region of 1500."""
    truth = np.zeros((50, 40), dtype=bool)
    truth.flat[:1000] = True
    region = np.zeros_like(truth)
    region.flat[:1500] = True
    return truth, region


def test_golden_numbers_of_perfect_masks():
    truth, region = perfect_masks()
    scores = segmentation_scores(confusion_areas(truth, truth.astype(float), region))
    assert scores == {
        "ACC": 1500 / 1502, "PPV": 1000 / 1001, "TPR": 1000 / 1001, "F1": 2000 / 2002,
    }  # fmt: skip
    exact = segmentation_scores(confusion_areas(truth, truth.astype(float), region), clamp=False)
    assert set(exact.values()) == {1.0}


@given(SEEDS, st.sampled_from(["hard", "soft"]))
def test_areas_agree_with_a_loop(seed, binarisation):
    rng = np.random.default_rng(seed)
    truth, region = rng.uniform(size=(2, 6, 6)) < 0.6
    estimate = rng.choice([0, 0.2, 0.5, 0.7, 1], size=(6, 6))
    expected = dict.fromkeys(
        ("true_positive", "true_negative", "false_positive", "false_negative"), 0.0
    )
    for g, e, m in zip(truth.flat, estimate.flat, region.flat, strict=True):
        e = float(e > 0.5) if binarisation == "hard" else e
        if m and g:
            expected["true_positive"] += e
            expected["false_negative"] += 1 - e
        elif m:
            expected["false_positive"] += e
            expected["true_negative"] += 1 - e
    areas = confusion_areas(truth, estimate, region, binarisation)
    for name, value in expected.items():
        assert getattr(areas, name) == pytest.approx(value, abs=1e-12)
    total = sum(expected.values())
    assert total == pytest.approx(np.count_nonzero(region))


@given(st.lists(st.floats(0, 1e4), min_size=4, max_size=4))
def test_scores_keep_their_order(areas):
    scores = segmentation_scores(ConfusionAreas(*areas))
    low, high = sorted((scores["PPV"], scores["TPR"]))
    assert low - 1e-12 <= scores["F1"] <= high + 1e-12
    harmonic = 2 / (1 / scores["PPV"] + 1 / scores["TPR"])
    assert scores["F1"] == pytest.approx(harmonic)
    assert all(0 <= value <= 1 for value in scores.values())


def test_the_clamp_is_an_option():
    nothing = ConfusionAreas(0, 100, 0, 0)
    assert segmentation_scores(nothing)["F1"] == 0.5  # the known bias of the released rule
    with pytest.raises(ValueError, match="undefined"):
        segmentation_scores(nothing, clamp=False)
    with pytest.raises(ValueError, match="undefined"):
        segmentation_scores(ConfusionAreas(0, 50, 50, 0), clamp=False)


def test_unusable_estimates():
    truth, region = perfect_masks()
    for bad in (np.nan, -0.1, 1.5):
        with pytest.raises(ValueError, match="not a probability"):
            confusion_areas(truth, np.full(truth.shape, bad), region)
    outside = np.where(region, 0.5, np.nan)  # says nothing where it is not asked
    assert confusion_areas(truth, outside, region).true_negative == 500
    with pytest.raises(ValueError, match="shapes"):
        confusion_areas(truth, truth[:3].astype(float), region)
