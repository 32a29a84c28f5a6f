"""What a run has measured, as numbers that know the persons behind them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from focsbench.metrics.weighted_statistics import Exchangeable, StratifiedMean
from focsbench.types import POOLED, UNREADABLE

from .base import ReportContext
from .scan_pools import ScanPools

NOW = "now"
OVERALL = "overall"
HAND, OTHER_OCCLUDERS = "hand", "other_occluders"
IMAGE_COLUMNS = ["subset", "subject", "item", "value"]


class Number(NamedTuple):
    """Which number: ``protocol/subset/metric``.

    subset: as in the results, or ``overall`` (mean of the subset means), or, for photographs whose
        occluders are known, ``hand`` and ``other_occluders``.
    """

    protocol: str
    subset: str
    metric: str

    @classmethod
    def parse(cls, text: str) -> Number:
        """Read ``protocol/subset/metric``."""
        protocol, subset, metric = text.split("/")
        return cls(protocol, subset, metric)

    def __str__(self) -> str:
        return "/".join(self)


class NotMeasured(Exception):  # noqa: N818  (an answer, not an error)
    """A run does not have a number; the message says why."""


@dataclass(frozen=True)
class Measured:
    """A number of one method.

    value: over ``images`` images.
    statistic: the same as a function of weights of ``subjects``; None where only the number is
        known, so that it has no interval.
    """

    value: float
    images: int
    subjects: tuple[str, ...] = ()
    statistic: Exchangeable | None = None


@dataclass(frozen=True)
class Evidence:
    """The results of one run.

    results: tidy rows. distances: by method, folder of scan distances of the protocol ``now``;
    more_distances: the same by further protocol. occluders: kinds of occluder by item of CelebA,
    where known. data: text that is equal for runs on the same photographs. name: of the run, as
    reports print it.
    """

    results: pd.DataFrame
    distances: Mapping[str, Path] = field(default_factory=dict)
    more_distances: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    occluders: Mapping[str, Sequence[str]] = field(default_factory=dict)
    data: str = ""
    name: str = ""

    def items(self, method: str, number: Number) -> frozenset[str] | None:
        """Return the images that have this number; None where only a pooled number is known.

        Raises:
            NotMeasured: if there is none.
        """
        pools = self._pools_with(method, number)
        if pools is not None:
            return frozenset(pools.members(method, number.subset))
        if self._is_pooled(method, number):
            return None
        return frozenset(self._images(method, number)["item"])

    def measure(self, method: str, number: Number, among: frozenset[str] | None = None) -> Measured:
        """Return a number over all its images, or over those among ``among``.

        Raises:
            NotMeasured: if no image has it, or a part of ``overall`` has none.
        """
        pools = self._pools_with(method, number)
        if pools is not None:
            members = pools.members(method, number.subset)
            chosen = {k: s for k, s in members.items() if among is None or k in among}
            if not chosen:
                raise NotMeasured("no image that both methods have")
            pool = pools.pool(method, number.metric, chosen)
            return Measured(pool.value, len(chosen), pool.subjects, pool.statistic)
        if self._is_pooled(method, number):
            return Measured(self._pooled_row(method, number), 0)
        images = self._images(method, number)
        strata = list(dict.fromkeys(images["subset"])) if number.subset == OVERALL else None
        if among is not None:
            images = images[images["item"].isin(among)]
        return _mean(images, strata)

    def methods(self, protocol: str) -> list[str]:
        """Return the methods that have rows of a protocol, in order of appearance."""
        rows = self.results[self.results["protocol"] == protocol]
        return [str(name) for name in dict.fromkeys(rows["method"])]

    @cached_property
    def _rows(self) -> dict[tuple[str, str, str], pd.DataFrame]:
        rows = self.results.astype({"item": str, "subject": str})
        groups = rows.groupby(["method", "protocol", "metric"], sort=False)
        return {(str(a), str(b), str(c)): group for (a, b, c), group in groups}

    @cached_property
    def _pools(self) -> dict[str, ScanPools]:
        found = {}
        for pooled, folders in {NOW: self.distances, **self.more_distances}.items():
            if pooled != NOW and not self._has_pools(pooled):
                continue  # it keeps other arrays
            images = {
                method: rows[(rows["item"] != POOLED) & (rows["status"] == "ok")]
                for (method, protocol, metric), rows in self._rows.items()
                if (protocol, metric) == (pooled, "median")
            }
            found[pooled] = ScanPools(images, folders)
        return found

    def _has_pools(self, protocol: str) -> bool:
        rows = self.results
        found = (rows["protocol"] == protocol) & (rows["metric"] == "median")
        return bool((found & (rows["item"] == POOLED)).any())

    def _pools_with(self, method: str, number: Number) -> ScanPools | None:
        """Return the pools of a protocol, if this number is one of a pool that is at hand."""
        pools = self._pools.get(number.protocol)
        has = pools is not None and pools.has(method, number.subset, number.metric)
        return pools if has else None

    def _is_pooled(self, method: str, number: Number) -> bool:
        """Say whether the protocol gives this number for all images together, and no other."""
        if number.protocol == NOW:
            return True
        rows = self._rows.get((method, number.protocol, number.metric))
        if rows is None:
            return False
        return bool(((rows["item"] == POOLED) & (rows["subset"] == number.subset)).any())

    def _of(self, method: str, number: Number) -> pd.DataFrame:
        rows = self._rows.get((method, number.protocol, number.metric))
        if rows is not None:
            return rows
        names = {(name, protocol) for name, protocol, _ in self._rows}
        if method not in {name for name, _ in names}:
            raise NotMeasured(f"the run has no row {method}")
        if number.protocol not in {protocol for _, protocol in names}:
            raise NotMeasured(f"the run has no results of {number.protocol}")
        raise NotMeasured(f"the run has no {number.protocol} {number.metric} of {method}")

    def _pooled_row(self, method: str, number: Number) -> float:
        rows = self._of(method, number)
        rows = rows[(rows["item"] == POOLED) & (rows["subset"] == number.subset)]
        values = rows.loc[rows["status"] == "ok", "value"].dropna()
        if values.empty:
            raise NotMeasured(f"the run has no {number} of {method}")
        return float(values.iloc[0])

    @cached_property
    def _known_images(self) -> dict[tuple[str, Number], pd.DataFrame]:
        return {}  # many checks ask for the same ones

    def _images(self, method: str, number: Number) -> pd.DataFrame:
        if (method, number) not in self._known_images:
            self._known_images[method, number] = self._read_images(method, number)
        return self._known_images[method, number]

    def _read_images(self, method: str, number: Number) -> pd.DataFrame:
        rows = self._of(method, number)
        rows = rows[(rows["item"] != POOLED) & (rows["subset"] != UNREADABLE)]
        rows = self._of_subset(rows, number.subset)
        done = rows[(rows["status"] == "ok") & rows["value"].notna()]
        if done.empty:
            raise NotMeasured(f"no image of {method} has {number}")
        if number.subset == OVERALL and done["subset"].nunique() < rows["subset"].nunique():
            raise NotMeasured(f"a subset of {number} has no image of {method}")
        return done[IMAGE_COLUMNS]

    def _of_subset(self, rows: pd.DataFrame, subset: str) -> pd.DataFrame:
        if subset == OVERALL:
            return rows
        if subset not in (HAND, OTHER_OCCLUDERS):
            return rows[rows["subset"] == subset]
        if not self.occluders:
            raise NotMeasured("the data do not say what occludes a photograph")
        kinds = rows["item"].map(lambda item: self.occluders.get(item, ()))
        hand = kinds.map(lambda names: "hand" in names)
        return rows[hand] if subset == HAND else rows[~hand & kinds.map(bool)]


def evidence_of(context: ReportContext) -> Evidence:
    """Return what a report is given as evidence."""
    return Evidence(
        results=context.results,
        distances=context.distances,
        occluders=_occluders(context),
        name=context.run,
    )


def _occluders(context: ReportContext) -> dict[str, tuple[str, ...]]:
    from focsbench.data.celebahq import CelebAMaskHQ
    from focsbench.data.synthetic.occluder_kinds import occluders_beside

    dataset = context.datasets.get("celeba")
    if not isinstance(dataset, CelebAMaskHQ):
        return {}
    return occluders_beside(dataset.root, dataset.split)


def _mean(images: pd.DataFrame, strata: Iterable[str] | None) -> Measured:
    """Return the mean over images, or the mean of the means of strata."""
    names = [None] if strata is None else list(strata)
    subjects = sorted(set(images["subject"]))
    parts = [images if name is None else images[images["subset"] == name] for name in names]
    if any(part.empty for part in parts):
        raise NotMeasured("no image that both methods have")
    groups = [part.groupby("subject")["value"] for part in parts]
    sums = [group.sum().reindex(subjects, fill_value=0.0) for group in groups]
    counts = [group.count().reindex(subjects, fill_value=0) for group in groups]
    mean = StratifiedMean(*(pd.concat(both, axis=1).to_numpy(float) for both in (sums, counts)))
    value = sum(float(part["value"].mean()) for part in parts) / len(parts)
    return Measured(value, len(images), tuple(subjects), mean)


def data_text(data: object) -> str:
    """Return a text that is the same for the same data section of a profile."""
    return json.dumps(data, sort_keys=True, default=str)
