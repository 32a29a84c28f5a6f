"""Intervals by subject against naive resampling, scipy, and simulated truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from focsbench.metrics.distance_pool import (
    BINS,
    GRID_MM,
    RANGE_MM,
    DistancePool,
    count_distances,
)
from focsbench.metrics.error_curve import share_band
from focsbench.metrics.intervals import (
    Interval,
    Population,
    mean_interval,
    subject_draws,
)
from focsbench.metrics.weighted_statistics import (
    PooledStd,
    Restricted,
    StratifiedMean,
    difference,
    relative_difference,
    value_range,
    weighted_sum,
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
    """The textbook recipe: put every pool together, and measure it in its own standard errors."""

    def error(parts: list[np.ndarray], mean: float) -> float:
        residuals = [(part - mean).sum() for part in parts]
        size, n = sum(map(len, parts)), len(parts)
        return np.sqrt(n / (n - 1) * np.square(residuals).sum()) / size

    value = np.concatenate(images).mean()
    least = 0.1 * error(images, value)
    deviations = []
    for weights in draws:
        drawn = [part for part, times in zip(images, weights, strict=True) for _ in range(times)]
        mean = np.concatenate(drawn).mean()
        deviations.append((mean - value) / max(error(drawn, mean), least))
    low, high = np.quantile(deviations, [0.025, 0.975])
    return value - high * error(images, value), value - low * error(images, value)


@pytest.mark.parametrize("count", [6, 25])
def test_interval_is_that_of_naive_resampling(count: int):
    images = people(np.random.default_rng(count), count)
    interval = mean_interval([of_images(images)], resamples=400, seed=8)
    assert interval is not None
    expected = naive_interval(images, subject_draws(count, 400, seed=8))
    assert (interval.low, interval.high) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("share", [0.2, 0.5, 0.8])
def test_band_of_a_curve_is_the_naive_interval_of_a_share(share: float):
    """A share within a limit is the mean of ones and zeros; its band rises and stays in [0, 1]."""
    distances = [np.abs(part) for part in people(np.random.default_rng(3), 12)]
    limit = np.quantile(np.concatenate(distances), share)
    ones = [(part <= limit).astype(float) for part in distances]
    sizes = np.array([part.size for part in ones])
    within = np.array([[part.sum()] for part in ones]).astype(np.int64)
    band = share_band(within, sizes, resamples=300, seed=4)
    assert band is not None
    expected = naive_interval(ones, subject_draws(12, 300, seed=4))
    assert (band[0][0], band[1][0]) == pytest.approx(np.clip(expected, 0, 1), rel=1e-9)


def test_band_of_a_curve_rises_and_holds_it():
    distances = [np.abs(part) for part in people(np.random.default_rng(5), 12)]
    grid = np.linspace(0, np.concatenate(distances).max(), 30)
    within = np.array([[(part <= limit).sum() for limit in grid] for part in distances])
    sizes = np.array([part.size for part in distances])
    low, high = share_band(within, sizes, resamples=300)
    share = within.sum(axis=0) / sizes.sum()
    assert (np.diff(low) >= 0).all()
    assert (np.diff(high) >= 0).all()
    assert ((low <= share + 1e-12) & (share <= high + 1e-12)).all()
    assert share_band(within[:3], sizes[:3]) is None


def test_interval_agrees_with_scipy():
    """scipy resamples the studentised deviation itself; its percentiles give the same limits."""
    images = people(np.random.default_rng(1), 30)
    interval = mean_interval([of_images(images)], resamples=20_000, seed=1)
    assert interval is not None
    sums, counts = [part.sum() for part in images], [len(part) for part in images]

    def mean_and_error(s, n, axis):
        mean = s.sum(axis=axis, keepdims=True) / n.sum(axis=axis, keepdims=True)
        squares = ((s - mean * n) ** 2).sum(axis=axis)
        return mean.squeeze(axis), np.sqrt(30 / 29 * squares) / n.sum(axis=axis)

    value, error = mean_and_error(np.array(sums), np.array(counts), 0)

    def deviation(s, n, axis):
        mean, own = mean_and_error(s, n, axis)
        return (mean - value) / own

    found = stats.bootstrap(
        (sums, counts), deviation, paired=True, vectorized=True, n_resamples=20_000,
        method="percentile", rng=np.random.default_rng(0),
    )  # fmt: skip
    t = found.confidence_interval
    limits = value - t.high * error, value - t.low * error
    width = limits[1] - limits[0]
    assert (interval.low, interval.high) == pytest.approx(limits, abs=0.03 * width)
    spread = stats.bootstrap(
        (sums, counts), lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis), paired=True,
        vectorized=True, n_resamples=20_000, rng=np.random.default_rng(0),
    ).standard_error  # fmt: skip
    assert error == pytest.approx(spread, rel=0.05)


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
    by_subject, by_image, trials = 0, 0, 400
    for _ in range(trials):
        images = [rng.normal(0, 1) + rng.normal(0, 0.3, 8) for _ in range(20)]
        fair = mean_interval([of_images(images)], resamples=600)
        naive = mean_interval(
            [of_images([np.array([x]) for p in images for x in p])], resamples=200
        )
        assert fair is not None
        assert naive is not None
        by_subject += 0.0 in fair
        by_image += 0.0 in naive
    assert 0.93 <= by_subject / trials <= 0.97
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


def pool_of(parts: list[np.ndarray]) -> DistancePool:
    """One image per person."""
    names = {f"{place:03d}": f"{place:03d}" for place in range(len(parts))}
    return DistancePool.of(names, lambda key: parts[int(key)])


def test_pooled_median_is_that_of_the_pool_put_together():
    rng = np.random.default_rng(6)
    parts = [np.abs(rng.normal(0, rng.uniform(0.5, 3), rng.integers(50, 400))) for _ in range(9)]
    median = pool_of(parts).median
    draws = subject_draws(9, 200, seed=2)
    for weights, value in zip(draws, median(draws.astype(float)), strict=True):
        pool = np.sort(np.concatenate([np.tile(p, w) for p, w in zip(parts, weights, strict=True)]))
        # between the two middle distances, any value is a median
        low, high = pool[(len(pool) - 1) // 2], pool[len(pool) // 2]
        assert low - GRID_MM <= value <= high + GRID_MM
    dense = [np.abs(rng.normal(0, 1, 40_000)) for _ in range(5)]
    exact = np.median(np.concatenate(dense))
    assert pool_of(dense).median(np.ones((1, 5))) == pytest.approx([exact], abs=GRID_MM)


def test_pooled_median_of_equal_distances():
    median = pool_of([np.full(3, 0.0004), np.full(5, 2.0004)]).median
    first, second = median(np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert 0 <= first <= GRID_MM
    assert 2.0 <= second <= 2.0 + GRID_MM


def test_pooled_median_beyond_the_grid_or_of_nothing_is_not_a_number():
    median = pool_of([np.full(3, 50.0), np.ones(1), np.zeros(0)]).median
    values = median(np.array([[1.0, 1, 0], [0, 1, 0], [0, 0, 1]]))
    assert np.isnan(values).tolist() == [True, False, True]


@pytest.mark.parametrize("bad", [np.nan, np.inf, -0.1])
def test_histogram_refuses_what_is_no_distance(bad: float):
    with pytest.raises(ValueError, match="not finite"):
        pool_of([np.array([1.0, bad])])


@given(st.lists(st.floats(0, 2 * RANGE_MM, width=32), max_size=30))
def test_histogram_counts_every_distance_in_its_bin(values: list[float]):
    counts = np.zeros(BINS + 2, dtype=np.int64)
    total, squares = count_distances(np.array(values, np.float32), counts)
    assert total == pytest.approx(sum(values))
    assert squares == pytest.approx(sum(value**2 for value in values))
    expected = [next_bin(value) for value in values]
    assert np.array_equal(counts, np.bincount(expected, minlength=BINS + 2))


def next_bin(value: float) -> int:
    """The first multiple of the grid that is not below the value, found by search."""
    grid = np.arange(BINS + 1) * GRID_MM
    return int(np.searchsorted(grid, value, side="left"))


@given(
    st.lists(
        st.lists(st.floats(0, 60, width=32), max_size=12).map(lambda x: np.array(x, np.float32)),
        min_size=1, max_size=5,
    ).filter(lambda parts: any(map(len, parts)))
)  # fmt: skip
def test_statistics_of_a_counted_pool_are_exact(parts: list[np.ndarray]):
    pool = np.concatenate(parts).astype(float)
    found = pool_of(parts).statistics()
    assert found.median == np.median(pool)
    assert (found.mean, found.n) == (pytest.approx(pool.mean()), len(pool))
    assert found.std == pytest.approx(pool.std(), abs=1e-6 * (1 + pool.max()))


def statistics_of(count: int, seed: int) -> dict[str, object]:
    rng = np.random.default_rng(seed)
    images = people(rng, count)
    first, second = (of_images(people(rng, count)).statistic for _ in range(2))
    counts = rng.integers(1, 4, (count, 3)).astype(float)
    distances = [np.abs(rng.normal(0, rng.uniform(0.8, 1.4), 20_000)) for _ in range(count)]
    pool = pool_of(distances)
    return {
        "mean": of_images(images).statistic,
        "strata": StratifiedMean(rng.normal(size=(count, 3)) + 3 * counts, counts),
        "std": pool.std,
        "pooled mean": pool.mean,
        "median": pool.median,
        "ratio": relative_difference(first, second),
        "difference": difference(first, second),
        "range": value_range([first, second, of_images(images).statistic]),
        "sum": weighted_sum([first, second], [0.3, -2.0]),
        "restricted": Restricted(of_images(images[: count - 2]).statistic, np.arange(count - 2)),
    }


@pytest.mark.parametrize("name", list(statistics_of(5, 0)))
def test_derivatives_in_the_weights_are_those_of_differences(name: str):
    statistic = statistics_of(7, 4)[name]
    weights = np.random.default_rng(1).integers(1, 4, (3, 7)).astype(float)
    values, gradient = statistic.expanded(weights)
    assert values == pytest.approx(statistic(weights))
    # the median is a step function of single distances: its density is smoothed over many
    step, accuracy = (0.05, 0.12) if name == "median" else (1e-5, 1e-5)
    for place in range(7):
        high, low = weights.copy(), weights.copy()
        high[:, place] += step
        low[:, place] -= step
        slope = (statistic(high) - statistic(low)) / (2 * step)
        size = np.abs(gradient).max()
        assert gradient[:, place] == pytest.approx(slope, abs=accuracy * size + 1e-9)
    # all weights times a factor change nothing
    assert (weights * gradient).sum(axis=1) == pytest.approx(0, abs=1e-9 * len(weights[0]))


def test_an_interval_is_cut_to_what_the_number_can_be():
    assert Interval(0.9, 1.2).within(0.0, 1.0) == Interval(0.9, 1.0)
    assert 0.3 in Interval(0.1 + 0.2, 0.1 + 0.2)


def test_kinds_of_numbers_are_not_mixed():
    pool = pool_of([np.ones(3), np.ones(2)])
    for one, other in ((pool.mean, pool.std), (pool.std, pool.median), (pool.median, pool.mean)):
        with pytest.raises(TypeError, match="exchanged"):
            one.joined(other)
    assert isinstance(pool.std.joined(pool.std), PooledStd)
