"""Pools of scan distances of a run, as numbers over subjects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from focsbench.errors import InputError
from focsbench.metrics.intervals import Statistic, StratifiedMean
from focsbench.metrics.pooled_intervals import PooledMedian, distance_histogram
from focsbench.metrics.scan_distance import distance_statistics
from focsbench.types import FloatArray

from .scan_subsets import subsets_of_rows

METRICS = ("median", "mean")


@dataclass(frozen=True)
class Pool:
    """A pooled number (mm), and the same as a function of weights of the subjects."""

    value: float
    subjects: tuple[str, ...]
    statistic: Statistic


class ScanPools:
    """Pools by method and subset; the protocol decides which images a subset has.

    images: by method, result rows of the images that were scored (subset, subject, item).
    folders: by method, the distances ``<item>.npy`` (float, mm).
    """

    def __init__(self, images: Mapping[str, pd.DataFrame], folders: Mapping[str, Path]) -> None:
        self._images = images
        self._folders = folders
        self._members: dict[str, dict[str, dict[str, str]]] = {}
        self._pools: dict[tuple[str, str, frozenset[str]], Pool] = {}

    def has(self, method: str, subset: str, metric: str) -> bool:
        """Say whether the pool is there, with a metric that has an interval."""
        return metric in METRICS and bool(self._of(method).get(subset))

    def members(self, method: str, subset: str) -> dict[str, str]:
        """Return the subject by key of the images of a subset that the method has."""
        return self._of(method)[subset]

    def pool(self, method: str, metric: str, members: Mapping[str, str]) -> Pool:
        """Return median or mean of the pool of some images (subject by key)."""
        request = (method, metric, frozenset(members))
        if request not in self._pools:
            folder = self._folders[method]
            parts = {key: _read(folder / f"{key}.npy") for key in sorted(members)}
            value = getattr(distance_statistics(list(parts.values())), metric)
            by_subject: dict[str, list[FloatArray]] = {}
            for key, part in parts.items():
                by_subject.setdefault(members[key], []).append(part)
            subjects = sorted(by_subject)
            statistic = _STATISTICS[metric]([by_subject[subject] for subject in subjects])
            self._pools[request] = Pool(value, tuple(subjects), statistic)
        return self._pools[request]

    def _of(self, method: str) -> dict[str, dict[str, str]]:
        if method not in self._members:
            self._members[method] = dict(self._read_members(method))
        return self._members[method]

    def _read_members(self, method: str) -> Iterator[tuple[str, dict[str, str]]]:
        folder, rows = self._folders.get(method), self._images.get(method)
        if folder is None or rows is None or not folder.is_dir():
            return
        subject = dict(zip(rows["item"], rows["subject"], strict=True))
        for name, keys in subsets_of_rows(rows, folder).items():
            yield name, {key: subject[key] for key in keys}


def _median(by_subject: list[list[FloatArray]]) -> Statistic:
    return PooledMedian.of(np.stack([distance_histogram(parts) for parts in by_subject]))


def _mean(by_subject: list[list[FloatArray]]) -> Statistic:
    sums = [sum(float(part.sum(dtype=np.float64)) for part in parts) for parts in by_subject]
    counts = [sum(part.size for part in parts) for parts in by_subject]
    return StratifiedMean(np.array(sums)[:, None], np.array(counts, dtype=np.float64)[:, None])


_STATISTICS = {"median": _median, "mean": _mean}


def _read(path: Path) -> FloatArray:
    try:
        distances: FloatArray = np.load(path, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: not readable as scan distances ({error}); score the method again."
        ) from None
    return distances
