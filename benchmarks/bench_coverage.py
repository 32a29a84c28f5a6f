"""How often do 95 % intervals by subject hold the truth? Simulated, with correlated images.

    python benchmarks/bench_coverage.py [--trials 2000] [--subjects 10 20 40]

Every trial draws persons, each with 6 to 23 images that resemble each other, and asks whether the
interval holds the number of all persons. Three kinds of numbers: the mean of skewed errors, the
relative difference of two methods on the same images, and the median of pooled distances. Peers
on the same data: the percentile and BCa intervals of ``scipy.stats.bootstrap`` by subject, and
BCa taking images for independent. The error of a share is about 0.5 % with 2,000 trials.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable

import numpy as np
from scipy import stats

from focsbench.metrics.distance_pool import DistancePool
from focsbench.metrics.intervals import Population, mean_interval
from focsbench.metrics.weighted_statistics import (
    Statistic,
    StratifiedMean,
    relative_difference,
)

RESAMPLES = 1000
PERSON, IMAGE = 0.4, 0.3  # standard deviations of the logarithm over persons and over images
METHOD_PERSON, METHOD_IMAGE = 0.15, 0.2  # of the ratio of two methods
Images = list[np.ndarray]


def people(rng: np.random.Generator, count: int) -> Images:
    """Errors of the images of each person."""
    return [
        rng.lognormal(0, PERSON) * rng.lognormal(0, IMAGE, rng.integers(6, 24))
        for _ in range(count)
    ]


def other_method(rng: np.random.Generator, images: Images) -> Images:
    """Errors of another method on the same images."""
    return [
        part * rng.lognormal(0, METHOD_PERSON) * rng.lognormal(0, METHOD_IMAGE, len(part))
        for part in images
    ]


def mean_of(images: Images) -> StratifiedMean:
    """The mean over images as a function of weights of the persons."""
    sums = np.array([[part.sum()] for part in images])
    return StratifiedMean(sums, np.array([[float(len(part))] for part in images]))


def covers(statistic: Statistic, count: int, truth: float) -> bool:
    """Say whether the interval of the project holds the truth."""
    interval = mean_interval([Population(statistic, count)], resamples=RESAMPLES)
    return interval is not None and truth in interval


def scipy_covers(images: Images, truth: float, method: str, rng: np.random.Generator) -> bool:
    """Say whether an interval of scipy holds the mean; entries of ``images`` are drawn."""
    found = stats.bootstrap(
        ([part.sum() for part in images], [len(part) for part in images]),
        lambda s, n, axis: s.sum(axis=axis) / n.sum(axis=axis),
        paired=True,
        vectorized=True,
        n_resamples=RESAMPLES,
        method=method,
        rng=rng,
    ).confidence_interval
    return bool(found.low <= truth <= found.high)


def mean_trial(rng: np.random.Generator, count: int) -> dict[str, bool]:
    """One trial of the mean, ours and the peers'."""
    images = people(rng, count)
    truth = float(np.exp((PERSON**2 + IMAGE**2) / 2))
    alone = [np.array([value]) for part in images for value in part]
    return {
        "mean": covers(mean_of(images), count, truth),
        "mean, percentile (scipy)": scipy_covers(images, truth, "percentile", rng),
        "mean, BCa (scipy)": scipy_covers(images, truth, "BCa", rng),
        "mean, BCa by image (scipy)": scipy_covers(alone, truth, "BCa", rng),
    }


def difference_trial(rng: np.random.Generator, count: int) -> dict[str, bool]:
    """One trial of a relative difference of two methods."""
    images = people(rng, count)
    statistic = relative_difference(mean_of(images), mean_of(other_method(rng, images)))
    truth = float(np.exp(-(METHOD_PERSON**2 + METHOD_IMAGE**2) / 2)) - 1
    return {"relative difference": covers(statistic, count, truth)}


def median_trial(rng: np.random.Generator, count: int, truth: float) -> dict[str, bool]:
    """One trial of a pooled median: 300 distances for each of 3 to 8 images of a person."""
    pools = {
        f"{person:03d}": np.abs(
            rng.normal(0, rng.lognormal(0, IMAGE), 300 * rng.integers(3, 9))
        ).astype(np.float32)
        for person in range(count)
    }
    pool = DistancePool.of({key: key for key in pools}, pools.__getitem__)
    return {"pooled median": covers(pool.median, count, truth)}


def main() -> None:
    """Print the share of intervals that hold the truth."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--trials", type=int, default=2000)
    parser.add_argument("--subjects", type=int, nargs="+", default=[10, 20, 40])
    options = parser.parse_args()
    rng = np.random.default_rng(0)
    everybody = np.abs(rng.standard_normal(4_000_000)) * rng.lognormal(0, IMAGE, 4_000_000)
    median = float(np.median(everybody))
    trials: list[Callable[[int], dict[str, bool]]] = [
        lambda count: mean_trial(rng, count),
        lambda count: difference_trial(rng, count),
        lambda count: median_trial(rng, count, median),
    ]
    shares: dict[str, list[str]] = {}
    for count in options.subjects:
        for trial in trials:
            found = [trial(count) for _ in range(options.trials)]
            for name in found[0]:
                share = np.mean([each[name] for each in found])
                shares.setdefault(name, []).append(f"{100 * share:.1f} %")
    print("| number | " + " | ".join(f"{count} persons" for count in options.subjects) + " |")
    print("|---" * (len(options.subjects) + 1) + "|")
    for name, cells in shares.items():
        print(f"| {name} | {' | '.join(cells)} |")


if __name__ == "__main__":
    main()
