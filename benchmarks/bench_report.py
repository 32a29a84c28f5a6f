"""Races the summary of a run, with its intervals and tests, against pandas and scipy.

python benchmarks/bench_report.py
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pandas as pd
from race import Race, Racer, Section, main
from scipy import stats

from focsbench.runs.summary import summarise
from focsbench.runs.uncertainty import with_uncertainty
from focsbench.types import ResultRow

PROTOCOL, METRIC = "celeba_rmse", "rmse"
RESAMPLES = 10_000


@dataclass(frozen=True)
class Numbers:
    """By method: mean, ends of its 95 % interval, and p against the best (nan for the best)."""

    mean: np.ndarray
    ends: np.ndarray
    p: np.ndarray


def result_rows(methods: int, people: int, images: int) -> list[ResultRow]:
    """Errors of some methods on the same photographs; those of a person are alike."""
    rng = np.random.default_rng(0)
    person = rng.lognormal(3, 0.2, people)
    rows = []
    for method in range(methods):
        skill = 1 + 0.01 * method
        for number in range(people):
            errors = skill * person[number] * rng.lognormal(0, 0.1, images)
            rows += [
                ResultRow(
                    f"method_{method}", PROTOCOL, "all", f"{number:03d}", f"{number:03d}/{i:02d}",
                    METRIC, float(error),
                )
                for i, error in enumerate(errors)
            ]  # fmt: skip
    return rows


def by_focsbench(rows: list[ResultRow]) -> Numbers:
    """Studentised intervals and permutation tests by person, as the step ``aggregate`` does."""
    entries = with_uncertainty(summarise(rows), rows, {})
    ends = [(entry.low, entry.high) for entry in entries]
    p = [np.nan if entry.p is None else entry.p for entry in entries]
    return Numbers(np.array([entry.value for entry in entries]), np.array(ends), np.array(p))


def by_scipy(rows: list[ResultRow]) -> Numbers:
    """Means by pandas; ``scipy.stats.bootstrap`` and ``permutation_test`` over persons."""
    frame = pd.DataFrame([vars(row) for row in rows])
    sums = frame.pivot_table(index="method", columns="subject", values="value", aggfunc="sum")
    counts = frame.pivot_table(index="method", columns="subject", values="value", aggfunc="count")
    means = frame.groupby("method")["value"].mean().to_numpy()
    total = counts.to_numpy()[0].sum()
    ends, p = [], []
    for place, (own, size) in enumerate(zip(sums.to_numpy(), counts.to_numpy(), strict=True)):
        found = stats.bootstrap(
            (own, size), lambda s, n, axis: s.sum(axis) / n.sum(axis), paired=True,
            vectorized=True, n_resamples=RESAMPLES, method="BCa", rng=np.random.default_rng(0),
        ).confidence_interval  # fmt: skip
        ends.append((found.low, found.high))
        best = sums.to_numpy()[means.argmin()]
        p.append(np.nan if place == means.argmin() else _permuted(own, best, total))
    return Numbers(means, np.array(ends), np.array(p))


def _permuted(own: np.ndarray, best: np.ndarray, total: int) -> float:
    return float(
        stats.permutation_test(
            (own, best), lambda a, b, axis: (a.sum(axis) - b.sum(axis)) / total, vectorized=True,
            permutation_type="samples", n_resamples=RESAMPLES, rng=np.random.default_rng(0),
        ).pvalue
    )  # fmt: skip


def mean_difference(mine: Numbers, theirs: Numbers) -> float:
    """Largest difference of a mean. Intervals are of other kinds, and p values are drawn."""
    return float(np.abs(mine.mean - theirs.mean).max())


def races(threads: int) -> Iterator[Race]:
    """Yield the race; one thread, CPU time."""
    del threads
    rows = result_rows(methods=10, people=20, images=18)
    yield Race(
        f"summary of {len(rows):,} results: mean, interval, test against the best of 10 methods",
        Racer("aggregate", lambda: by_focsbench(rows)),
        [Racer("pandas, scipy", lambda: by_scipy(rows))],
        mean_difference,
        "of a mean",
    )


SECTION = Section(
    "Report",
    "What stands behind the tables of a run: means, 95 % intervals from 10,000 draws of persons, "
    "and permutation tests. The peers are `pandas`, `scipy.stats.bootstrap` (BCa) and "
    "`scipy.stats.permutation_test`. One thread.",
    races,
    ("pandas", "scipy"),
)


if __name__ == "__main__":
    main(SECTION)
