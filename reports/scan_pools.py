"""Pools of scan distances of a run, as numbers over subjects."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from focsbench.errors import InputError, brief
from focsbench.metrics.distance_pool import DistancePool
from focsbench.metrics.weighted_statistics import Exchangeable
from focsbench.types import FloatArray

from .scan_subsets import subsets_of_rows

METRICS = ("median", "mean", "std")
MOST_POOLS = 16  # that are kept: each holds a histogram per subject


@dataclass(frozen=True)
class Pool:
    """A pooled number (mm), and the same as a function of weights of the subjects."""

    value: float
    subjects: tuple[str, ...]
    statistic: Exchangeable


class ScanPools:
    """Pools by method and subset; the protocol decides which images a subset has.

    images: by method, result rows of the images that were scored (subset, subject, item).
    folders: by method, the distances ``<item>.npy`` (float, mm).
    """

    def __init__(self, images: Mapping[str, pd.DataFrame], folders: Mapping[str, Path]) -> None:
        self._images = images
        self._folders = folders
        self._members: dict[str, dict[str, dict[str, str]]] = {}
        self._pools: dict[tuple[str, frozenset[str]], dict[str, Pool]] = {}

    def has(self, method: str, subset: str, metric: str) -> bool:
        """Say whether the pool is there, with a metric that has an interval."""
        return metric in METRICS and bool(self._of(method).get(subset))

    def members(self, method: str, subset: str) -> dict[str, str]:
        """Return the subject by key of the images of a subset that the method has."""
        return self._of(method)[subset]

    def pool(self, method: str, metric: str, members: Mapping[str, str]) -> Pool:
        """Return a number of the pool of some images (subject by key)."""
        request = (method, frozenset(members))
        if request not in self._pools:
            while len(self._pools) >= MOST_POOLS:
                self._pools.pop(next(iter(self._pools)))
            counted = count_pool(self._folders[method], members)
            values = counted.statistics()
            self._pools[request] = {
                name: Pool(getattr(values, name), counted.subjects, getattr(counted, name))
                for name in METRICS
            }
        return self._pools[request][metric]

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


def count_pool(folder: Path, members: Mapping[str, str]) -> DistancePool:
    """Count the distances ``<key>.npy`` of some images (subject by key).

    The files are mapped into memory, one at a time.

    Raises:
        InputError: naming the file that is no array of distances.
    """
    current = ""

    def read(key: str) -> FloatArray:
        nonlocal current
        current = key
        distances: FloatArray = np.load(folder / f"{key}.npy", mmap_mode="r", allow_pickle=False)
        if distances.dtype.kind != "f":
            raise ValueError(f"its numbers are {distances.dtype}")
        return distances

    try:
        return DistancePool.of(members, read)
    except (OSError, ValueError, EOFError) as error:
        raise InputError(
            f"{folder / current}.npy: not readable as scan distances ({brief(error)}); score the "
            "method again."
        ) from None
