"""Which persons the error maps show, and the error at every point of their scans."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import chain
from typing import cast

import numpy as np
import pandas as pd

from focsbench.drawing.scan_views import ScanSurface
from focsbench.errors import InputError
from focsbench.geometry.scan_crop import cropped
from focsbench.now.distance_files import read_distances
from focsbench.now.error_maps import mean_error
from focsbench.protocols.now_scans import ScanDataset
from focsbench.types import POOLED, FloatArray

from .base import ABLATIONS, ReportContext
from .scan_subsets import subsets_of_rows

PROTOCOL = "now"
SUBSETS = ("all", "unoccluded", "occluded")


@dataclass(frozen=True)
class Person:
    """A person whose scan is shown, and the rule that chose this one."""

    subject: str
    rule: str
    surface: ScanSurface


@dataclass(frozen=True)
class ErrorMap:
    """The mean error at every point of a scan.

    errors: (N,) mm, in the order of the points. images: how many it is a mean over.
    """

    errors: FloatArray
    images: int

    @property
    def mean(self) -> float:
        """Mean over the points, mm."""
        return float(self.errors.mean())


def map_methods(context: ReportContext) -> list[str]:
    """Return the methods that have scan distances, without the ablations, in their order."""
    return [m for m in context.labels if m in context.distances and m not in ABLATIONS]


def pick_persons(context: ReportContext, count: int = 4) -> list[Person]:
    """Pick the persons with the worst, the median and the best scan error, then some by seed.

    The error is the median distance, mean over the photographs of the person, of the focus of the
    run or, where that is not part of it, of the last method that competes.
    """
    dataset = context.datasets.get(PROTOCOL)
    competing = [m for m in map_methods(context) if m not in context.references]
    if not hasattr(dataset, "scan") or not competing:
        return []
    method = context.focus if context.focus in competing else competing[-1]
    rows = _rows(context, method)
    errors = rows.groupby("subject")["value"].mean().reset_index()
    ranked = list(errors.sort_values(["value", "subject"])["subject"])
    if not ranked:
        return []
    chosen: dict[str, str] = {}
    for rule, place in (("worst", -1), ("median", (len(ranked) - 1) // 2), ("best", 0)):
        chosen.setdefault(ranked[place], f"{rule} scan error of {context.labels[method]}")
    rng = np.random.default_rng([context.seed, *b"error maps"])
    for subject in rng.permutation(sorted(set(ranked) - set(chosen))):
        chosen[str(subject)] = "picked by seed"
    scans = cast(ScanDataset, dataset)
    return [
        Person(subject, rule, _surface(scans, subject))
        for subject, rule in list(chosen.items())[:count]
    ]


def error_maps(context: ReportContext, person: Person, method: str) -> dict[str, ErrorMap]:
    """Return the maps of a person by subset, for those subsets that have a scored photograph.

    Raises:
        InputError: if the distances do not belong to the scan.
    """
    rows, folder = _rows(context, method), context.distances[method]
    own = set(rows.loc[rows["subject"] == person.subject, "item"])
    groups = subsets_of_rows(rows, folder)
    members = {name: [k for k in groups.get(name, []) if k in own] for name in SUBSETS}
    points = len(person.surface.crop.points)
    parts = {
        key: read_distances(folder / f"{key}.npy", points)
        for key in dict.fromkeys(chain.from_iterable(members.values()))
    }
    return {
        name: ErrorMap(mean_error([parts[key] for key in keys]), len(keys))
        for name, keys in members.items()
        if keys
    }


def _rows(context: ReportContext, method: str) -> pd.DataFrame:
    """Rows of the photographs that were scored."""
    rows = context.results
    return rows[
        (rows["method"] == method)
        & (rows["protocol"] == PROTOCOL)
        & (rows["metric"] == "median")
        & (rows["status"] == "ok")
        & (rows["item"] != POOLED)
    ]


def _surface(dataset: ScanDataset, subject: str) -> ScanSurface:
    scan = dataset.scan(subject)
    try:
        crop = cropped(scan.vertices, dataset.scan_landmarks(subject))
    except ValueError as error:
        raise InputError(f"scan of {subject}: {error}.") from None
    return ScanSurface.of(crop, scan)
