"""Is the difference of two methods more than chance: permutation tests by subject.

If two methods were alike, a person's results could as well be exchanged between them. The test
exchanges them, person by person with all images, and asks how often the difference comes out as
large as measured (Fisher's randomisation test of pairs; Good 2005, section 3.7;
``scipy.stats.permutation_test`` with ``permutation_type="samples"``). The subjects are the same for
all numbers of two methods, and so are the exchanges: one matrix product makes all of them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from scipy.stats import false_discovery_control

from focsbench.metrics.weighted_statistics import Exchangeable, Statistic
from focsbench.types import BoolArray, FloatArray, IntArray

RESAMPLES = 10_000
_BLOCK = 1 << 20


@lru_cache(maxsize=4)
def subject_swaps(subjects: int, resamples: int = RESAMPLES, seed: int = 0) -> BoolArray:
    """Return whose results are exchanged, (B, subjects).

    All 2^subjects possibilities where those are not more than ``resamples``, else random ones.
    """
    if is_exact(subjects, resamples):
        swaps = np.asarray((np.arange(2**subjects)[:, None] >> np.arange(subjects)) & 1 == 1)
    else:
        swaps = np.random.default_rng(seed).random((resamples, subjects)) < 0.5
    swaps.flags.writeable = False
    return swaps


def is_exact(subjects: int, resamples: int = RESAMPLES) -> bool:
    """Say whether a test looks at every possible exchange."""
    return subjects < 63 and 2**subjects <= resamples


@dataclass(frozen=True)
class Pair:
    """The same number of two methods, of the same subjects in the same order.

    columns: places of these subjects among all that are exchanged.
    """

    measured: Exchangeable
    reference: Exchangeable
    columns: IntArray


def permutation_test(
    pairs: Sequence[Pair], subjects: int, *, resamples: int = RESAMPLES, seed: int = 0
) -> float | None:
    """Return the two-sided p value of the mean difference of two methods over some runs.

    Args:
        pairs: the methods in each run; with one run this is the test of its difference.
        subjects: how many there are in all runs together.
        resamples: most exchanges that are tried.
        seed: of random exchanges.

    Returns:
        In (0, 1]; never below 1 / 2^(subjects - 1). None for less than two subjects, or where an
        exchange leaves nothing to measure.

    Raises:
        TypeError: if the numbers of a pair are of different kinds.
    """
    if subjects < 2:
        return None
    joined = [(pair.measured.joined(pair.reference), pair.columns) for pair in pairs]
    swaps = subject_swaps(subjects, resamples, seed)
    observed = _differences(joined, np.zeros((1, subjects)))[0]
    rows = max(1, _BLOCK // (2 * subjects))
    blocks = [
        _differences(joined, swaps[start : start + rows].astype(np.float64))
        for start in range(0, len(swaps), rows)
    ]
    differences = np.concatenate(blocks)
    if not (np.isfinite(differences).all() and np.isfinite(observed)):
        return None
    # Equal in exact arithmetic counts as equal.
    extreme = int((np.abs(differences) >= np.abs(observed) * (1 - 1e-9)).sum())
    if is_exact(subjects, resamples):
        return extreme / len(differences)
    return (extreme + 1) / (len(differences) + 1)


def _differences(joined: Sequence[tuple[Statistic, IntArray]], swapped: FloatArray) -> FloatArray:
    """Return the sums of the differences (B,) where some subjects are exchanged (B, subjects)."""
    total = np.zeros(len(swapped))
    for statistic, columns in joined:
        other = swapped[:, columns]
        first = statistic(np.concatenate([1 - other, other], axis=1))
        second = statistic(np.concatenate([other, 1 - other], axis=1))
        total += first - second
    return total


def adjusted(values: Sequence[float | None]) -> list[float | None]:
    """Return p values adjusted for their number (Benjamini and Hochberg 1995); None stays None.

    Calling those at or below q different has a false discovery rate of at most q.
    """
    known = [value for value in values if value is not None]
    if not known:
        return list(values)
    found = iter(false_discovery_control(known, method="bh").tolist())
    return [None if value is None else float(next(found)) for value in values]
