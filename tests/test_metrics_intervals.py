"""Intervals by subject against naive resampling, scipy, and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from focsbench.metrics.intervals import (
    Population,
    StratifiedMean,
    mean_interval,
    relative_difference,
    subject_draws,
)
from focsbench.metrics.pooled_intervals import (
    BINS,
    GRID_MM,
    RANGE_MM,
    PooledMedian,
    distance_histogram,
)


def of_images(images: list[np.ndarray]) -> Population:
    """Mean over images; one array of values per subject."""
    sums = np.array([[part.sum()] for part in images])
    counts = np.array([[float(len(part))] for part in images])
    return Population(StratifiedMean(sums, counts), len(images))


def people(rng: np.random.Generator, count: int, spread: float = 1.0) -> list[np.ndarray]:
    """One to four skewed values per person; values of a person resemble each other."""
    return [rng.exponential(spread) + rng.normal(5, 0.2, rng.integers(1, 5)) for _ in range(count)]


def test_draws_are_persons_with_replacement():
    draws = subject_draws(7, 4000, seed=3)
    assert draws.shape == (4000, 7)
    assert (draws.sum(axis=1) == 7).all()
    assert np.array_equal(draws, subject_draws(7, 4000, seed=3))
    assert not np.array_equal(draws, subject_draws(7, 4000, seed=4))
    # how often one person is drawn is binomial with mean 1 and variance 1 - 1/7
    assert draws.mean(axis=0) == pytest.approx(np.ones(7), abs=0.06)
    assert draws.var(axis=0) == pytest.approx(np.full(7, 6 / 7), abs=0.08)


def test_draws_do_not_depend_on_the_block():
    """More subjects than fit into one block at a time."""
    draws = subject_draws(3000, 1500, seed=0)
    assert (draws.sum(axis=1) == 3000).all()
    assert draws.max() < 20


def naive_interval(images: list[np.ndarray], draws: np.ndarray) -> tuple[float, float]:
    """The textbook recipe: put every pool together, then Efron's corrected quantiles."""
    value = np.concatenate(images).mean()
    drawn = []
    for weights in draws:
        pool = [part for part, times in zip(images, weights, strict=True) for _ in range(times)]
        drawn.append(np.concatenate(pool).mean())
    left_out = []
    for skipped in range(len(images)):
        left_out.append(np.concatenate(images[:skipped] + images[skipped + 1 :]).mean())
    drawn, difference = np.array(drawn), np.mean(left_out) - np.array(left_out)
    # draws of everybody once are equal to the data; half of them count as below
    tied = np.abs(drawn - value) < 1e-9
    z0 = stats.norm.ppf(np.mean((drawn < value) & ~tied) + tied.mean() / 2)
    a = (difference**3).sum() / (6 * (difference**2).sum() ** 1.5)
    ends = []
    for z in stats.norm.ppf([0.025, 0.975]):
        ends.append(np.quantile(drawn, stats.norm.cdf(z0 + (z0 + z) / (1 - a * (z0 + z)))))
    return ends[0], ends[1]


@pytest.mark.parametrize("count", [6, 25])
def test_interval_is_that_of_naive_resampling(count: int):
    images = people(np.random.default_rng(count), count)
    interval = mean_interval([of_images(images)], resamples=400, seed=8)
    assert interval is not None
    expected = naive_interval(images, subject_draws(count, 400, seed=8))
    assert (interval.low, interval.high) == pytest.approx(expected, rel=1e-9)


def test_interval_agrees_with_scipy():
    images = people(np.random.default_rng(1), 30)
    population = of_images(images)
    interval = mean_interval([population], resamples=20_000, seed=1)
    assert interval is not None
    sums, counts = (
        [part.sum() for part in images],
        [len(part) for part in images],
    )
    found = stats.bootstrap(
        (sums, counts),
        lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis),
        paired=True, vectorized=True, n_resamples=20_000, rng=np.random.default_rng(0),
    ).confidence_interval  # fmt: skip
    width = found.high - found.low
    assert interval.low == pytest.approx(found.low, abs=0.03 * width)
    assert interval.high == pytest.approx(found.high, abs=0.03 * width)


def test_difference_of_methods_is_paired():
    """A difference that is the same for everybody has no spread, however people differ."""
    images = people(np.random.default_rng(2), 20)
    measured, reference = of_images([1.1 * part for part in images]), of_images(images)
    ratio = relative_difference(measured.statistic, reference.statistic)
    interval = mean_interval([Population(ratio, 20)])
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((0.1, 0.1))
    alone = mean_interval([measured])
    assert alone is not None
    assert alone.high - alone.low > 0.1


def test_strata_count_equally():
    sums, counts = np.array([[2.0, 30.0]] * 6), np.array([[2.0, 10.0]] * 6)
    assert StratifiedMean(sums, counts)(np.ones((1, 6))) == pytest.approx(2.0)


@given(st.integers(0, 1000), st.floats(-50, 50), st.floats(0.1, 20))
def test_interval_moves_and_stretches_with_the_data(seed: int, shift: float, scale: float):
    images = people(np.random.default_rng(seed), 12)
    moved = [scale * part + shift for part in images]
    before = mean_interval([of_images(images)], resamples=200)
    after = mean_interval([of_images(moved)], resamples=200)
    assert before is not None
    assert after is not None
    expected = (scale * before.low + shift, scale * before.high + shift)
    assert (after.low, after.high) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_intervals_cover_by_subject_and_not_by_image():
    """95 % of the intervals hold the truth; taking images for independent, far fewer do."""
    rng = np.random.default_rng(11)
    by_subject, by_image, trials = 0, 0, 300
    for _ in range(trials):
        images = [rng.normal(0, 1) + rng.normal(0, 0.3, 8) for _ in range(25)]
        fair = mean_interval([of_images(images)], resamples=600)
        naive = mean_interval(
            [of_images([np.array([x]) for p in images for x in p])], resamples=600
        )
        assert fair is not None
        assert naive is not None
        by_subject += 0.0 in fair
        by_image += 0.0 in naive
    assert 0.90 <= by_subject / trials <= 0.98
    assert by_image / trials < 0.65


def test_two_populations_give_the_interval_of_their_mean():
    first, second = people(np.random.default_rng(4), 40), people(np.random.default_rng(5), 40)
    each = [mean_interval([of_images(images)]) for images in (first, second)]
    both = mean_interval([of_images(first), of_images(second)])
    assert both is not None
    widths = [one.high - one.low for one in each if one is not None]
    # independent errors add as squares
    assert both.high - both.low == pytest.approx(np.hypot(*widths) / 2, rel=0.08)
    middle = np.mean([np.concatenate(images).mean() for images in (first, second)])
    assert middle in both


def test_constant_numbers_have_an_interval_without_width():
    interval = mean_interval([of_images([np.full(3, 0.1)] * 9)])
    assert interval is not None
    assert (interval.low, interval.high) == pytest.approx((0.1, 0.1))


def test_too_few_people_have_no_interval():
    assert mean_interval([of_images([np.ones(50)] * 4)]) is None


def test_a_number_that_some_draws_lack_has_no_interval():
    counts = np.ones((8, 2))
    counts[1:, 1] = 0  # one person alone has images of the second stratum
    assert mean_interval([Population(StratifiedMean(counts, counts), 8)]) is None


def make_histograms(parts: list[np.ndarray]) -> np.ndarray:
    return np.stack([distance_histogram([part]) for part in parts])


def test_pooled_median_is_that_of_the_pool_put_together():
    rng = np.random.default_rng(6)
    parts = [np.abs(rng.normal(0, rng.uniform(0.5, 3), rng.integers(50, 400))) for _ in range(9)]
    median = PooledMedian.of(make_histograms(parts))
    draws = subject_draws(9, 200, seed=2)
    for weights, value in zip(draws, median(draws.astype(float)), strict=True):
        pool = np.sort(np.concatenate([np.tile(p, w) for p, w in zip(parts, weights, strict=True)]))
        # between the two middle distances, any value is a median
        low, high = pool[(len(pool) - 1) // 2], pool[len(pool) // 2]
        assert low - GRID_MM <= value <= high + GRID_MM
    dense = [np.abs(rng.normal(0, 1, 40_000)) for _ in range(5)]
    exact = np.median(np.concatenate(dense))
    assert PooledMedian.of(make_histograms(dense))(np.ones((1, 5))) == pytest.approx(
        [exact], abs=GRID_MM
    )


def test_pooled_median_of_equal_distances():
    median = PooledMedian.of(make_histograms([np.full(3, 0.0004), np.full(5, 2.0004)]))
    first, second = median(np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert 0 <= first <= GRID_MM
    assert 2.0 <= second <= 2.0 + GRID_MM


def test_pooled_median_beyond_the_grid_or_of_nothing_is_not_a_number():
    median = PooledMedian.of(make_histograms([np.full(3, 50.0), np.ones(1), np.zeros(0)]))
    values = median(np.array([[1.0, 1, 0], [0, 1, 0], [0, 0, 1]]))
    assert np.isnan(values).tolist() == [True, False, True]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1])
def test_histogram_refuses_what_is_no_distance(bad: float):
    with pytest.raises(ValueError, match="not finite"):
        distance_histogram([np.array([1.0, bad])])


@given(st.lists(st.floats(0, 2 * RANGE_MM, width=32), max_size=30))
def test_histogram_counts_every_distance_in_its_bin(values: list[float]):
    counts = distance_histogram([np.array(values, np.float32)])
    assert counts.sum() == len(values)
    for value in values:
        near = round(value / GRID_MM)
        assert counts[max(min(near - 1, BINS), 0) : near + 2].sum() > 0
