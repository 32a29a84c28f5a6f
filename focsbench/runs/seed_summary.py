"""Numbers of several seeds put together: mean and spread over the seeds."""

from __future__ import annotations

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from focsbench.runs.summary import SummaryEntry


@dataclass(frozen=True)
class SeedEntry:
    """One summarised number of all seeds.

    value: mean over the seeds that have a value; None if none has.
    std: sample standard deviation over them (n - 1 below the sum); None for fewer than two.
    n: seeds that have a value.
    done_rate: share of the images of all seeds that have a value, in [0, 1]; a seed without the
        number, because its method failed, counts as 0.
    values: the value of each seed by its number, None where it has none.
    """

    method: str
    protocol: str
    subset: str
    metric: str
    value: float | None
    std: float | None
    n: int
    done_rate: float
    values: Mapping[str, float | None]


def summarise_seeds(summaries: Mapping[int, Sequence[SummaryEntry]]) -> list[SeedEntry]:
    """Return one entry per method, protocol, subset and metric, in the order they appear.

    Args:
        summaries: the summary of each seed.
    """
    found: dict[tuple[str, str, str, str], dict[int, SummaryEntry]] = {}
    for seed, entries in summaries.items():
        for entry in entries:
            key = (entry.method, entry.protocol, entry.subset, entry.metric)
            found.setdefault(key, {})[seed] = entry
    return [_entry(key, members, list(summaries)) for key, members in found.items()]


def _entry(
    key: tuple[str, str, str, str], members: Mapping[int, SummaryEntry], seeds: Sequence[int]
) -> SeedEntry:
    by_seed = {seed: members[seed].value if seed in members else None for seed in seeds}
    values = [value for value in by_seed.values() if value is not None]
    return SeedEntry(
        *key,
        value=statistics.fmean(values) if values else None,
        std=statistics.stdev(values) if len(values) > 1 else None,
        n=len(values),
        done_rate=statistics.fmean(
            members[seed].done_rate if seed in members else 0.0 for seed in seeds
        ),
        values={str(seed): value for seed, value in by_seed.items()},
    )
