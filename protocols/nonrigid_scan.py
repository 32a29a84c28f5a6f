"""Scan distances between corresponding points, found by a non-rigid registration.

NoW measures to the closest point of the prediction, so it does not see a face whose parts sit at
the wrong place on a right surface. This protocol bends the scan onto the prediction to find which
point corresponds to which, and measures between those. Where the dataset knows the true heads,
both are compared with the true error.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import ClassVar

import numpy as np

from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.geometry.nonrigid import RULES, BendableScan, nonrigid_fit
from focsbench.geometry.nonrigid_field import AMPLITUDES_MM, WIDEST_MM
from focsbench.geometry.scan_alignment import align_to_scan
from focsbench.geometry.true_error import TrueCorrespondence
from focsbench.items import Answer, Failure, each
from focsbench.metrics.scan_distance import distance_statistics
from focsbench.now.pairing import ScanItem
from focsbench.now.rules import protocol_rules
from focsbench.types import POOLED, FloatArray, ResultRow

from .base import ProtocolCard
from .now_scans import (
    METRICS,
    ScanDataset,
    read_crops,
    save_distances,
    scan_values,
    subsets,
    write_crops,
)
from .per_image import done_row, image_rows
from .true_heads import read_true, write_true

TRUE_MEANS = ("true_mean", "rigid_mean")
CORRELATIONS = ("correlation", "rigid_correlation")
# Arrays beside the distances of an image, where its true errors are known.
TRUE_SUFFIX, RIGID_SUFFIX = "_true.npy", "_rigid.npy"
# Below this mean the true error is rounding of the files, and there is nothing to follow.
LEAST_TRUE_MM = 0.01


class NonrigidScan:
    """Distances to corresponding points, per image and pooled; true errors where known."""

    name: str = "nonrigid_scan"
    dataset: ClassVar[str] = "now"
    prepare_reads_predictions: ClassVar[bool] = False

    def __init__(self) -> None:
        now = protocol_rules(metrical=False)
        self.card = ProtocolCard(
            name=self.name,
            version=1,
            rules={
                "dataset": self.dataset,
                "ground truth": now["ground truth"],
                "crop": now["crop"],
                "start": "as in NoW: Procrustes of 7 landmarks with scale, mirror images allowed, "
                "then least scan-to-mesh distances",
                "field": f"{RULES.modes} modes on {RULES.nodes} nodes of a Gaussian process that "
                f"bends the scan; standard deviations {AMPLITUDES_MM} mm at widths halving from "
                f"{WIDEST_MM:g} mm",
                "registration": f"{RULES.samples} scan points, {RULES.steps} steps of closest "
                f"points; point-to-plane, expected noise {RULES.first_noise:g} to "
                f"{RULES.last_noise:g} mm; landmarks within {RULES.landmark_noise:g} mm; the "
                "similarity is estimated anew in each step",
                "match": f"within {RULES.reach:g} mm of the surface and {RULES.slip:g} mm of the "
                "foot of the perpendicular",
                "placement": "similarity of all matched points, not mirrored",
                "unit": "free (scale is estimated)",
                "distance": "scan vertex to corresponding point of the placed prediction, mm; "
                "unmatched vertices count with the closest point of the bent scan",
                "aggregation": "one pool of all distances of all images; std is the population's",
                "true error": "where the dataset knows the true head and the prediction has its "
                "triangles: distance of true to predicted point after the best similarity",
                "correlation": "Pearson, over the scan points of an image, with the true error; "
                f"none where that is below {LEAST_TRUE_MM} mm on average; pooled: mean of images",
                "missing data": "pool over what is there, counted in the done-rate",
            },
        )

    def prepare(self, predictions: Mapping[str, Path], dataset: ScanDataset, shared: Path) -> None:
        """Write the cropped scan of every subject, and where it lies on the true head."""
        del predictions
        write_crops(dataset, shared)
        write_true(dataset, shared)

    def score(
        self, method: str, predictions: Path, dataset: ScanDataset, shared: Path, output: Path
    ) -> list[ResultRow]:
        """Return median, mean, std (mm) and number of distances per image and pooled.

        Where the true error is known there are also its mean, the mean of NoW's distances, and
        the correlation of both kinds of distances with it. The distances go to
        ``output/<key>.npy``, the true errors to ``<key>_true.npy`` and NoW's distances to
        ``<key>_rigid.npy``: (N,) float32 mm in the order of the cropped scan vertices.
        """
        folder = PredictionFolder(predictions)
        if not folder.provides("neutral"):
            return []
        crops = read_crops(shared, dataset.items)
        truths = {subject: read_true(shared, subject) for subject in crops}

        @lru_cache(maxsize=1)  # the images of a subject follow each other
        def bendable(subject: str) -> BendableScan:
            return BendableScan(crops[subject].points, crops[subject].landmarks)

        def measure(number: int) -> Answer:
            item = dataset.items[number]
            one = _measure(folder, item.key, bendable(item.subject), truths[item.subject])
            return Answer(arrays=one.arrays())

        keys = [item.key for item in dataset.items]
        rows: list[ResultRow] = []
        done: dict[str, _Measured] = {}
        answers = each(f"{self.name}: {method}", keys, measure)
        for item, answer in zip(dataset.items, answers, strict=True):
            names = (method, self.name, item.challenge, item.subject, item.key)
            if isinstance(answer, Failure):
                rows += image_rows(*names, METRICS, None, folder.relative(answer.reason))
                continue
            one = done[item.key] = _Measured.of(answer.arrays)
            one.save(output, item.key)
            for metrics, values in _pool([one]).items():
                rows += image_rows(*names, metrics, values)
        return rows + self._pooled(method, dataset.items, done)

    def _pooled(
        self, method: str, items: Sequence[ScanItem], done: Mapping[str, _Measured]
    ) -> list[ResultRow]:
        rows: list[ResultRow] = []
        for subset, members in subsets(items).items():
            names = (method, self.name, subset, "", POOLED)
            pool = [done[key] for key in members if key in done]
            if pool:
                for metrics, values in _pool(pool).items():
                    rows += image_rows(*names, metrics, values)
            else:
                rows += image_rows(*names, METRICS, None, "no image of this subset has a value")
            rows.append(done_row(method, self.name, subset, [key in done for key in members]))
        return rows


@dataclass(frozen=True)
class _Measured:
    """Distances of one image, (N,) mm each: to corresponding points, NoW's, and the true error."""

    distances: FloatArray
    rigid: FloatArray
    true: FloatArray | None

    def correlations(self) -> list[float] | None:
        """Return the correlations of distances and of NoW's with the true error, if there are any.

        Nothing follows a true error that is only rounding, and constant distances follow nothing.
        """
        if self.true is None or self.true.mean() < LEAST_TRUE_MM:
            return None
        every = np.stack([self.true, self.distances, self.rigid])
        if not every.std(axis=1).all():
            return None
        return [float(value) for value in np.corrcoef(every)[0, 1:]]

    def arrays(self) -> dict[str, FloatArray]:
        """Return the arrays by name, for :meth:`of`."""
        known = {} if self.true is None else {"true": self.true}
        return {"distances": self.distances, "rigid": self.rigid, **known}

    @classmethod
    def of(cls, arrays: Mapping[str, FloatArray]) -> _Measured:
        """Put together what :meth:`arrays` took apart."""
        return cls(arrays["distances"], arrays["rigid"], arrays.get("true"))

    def save(self, output: Path, key: str) -> None:
        """Write the arrays beside each other."""
        arrays = {".npy": self.distances}
        if self.true is not None:
            arrays |= {TRUE_SUFFIX: self.true, RIGID_SUFFIX: self.rigid}
        for suffix, array in arrays.items():
            save_distances(output / f"{key}{suffix}", array)


def _measure(
    folder: PredictionFolder, key: str, scan: BendableScan, truth: TrueCorrespondence | None
) -> _Measured:
    mesh, landmarks = folder.geometry(key)
    try:
        alignment = align_to_scan(scan.points, scan.landmarks, mesh, landmarks)
        fit = nonrigid_fit(scan, landmarks, alignment)
    except ValueError as error:
        raise InputError(f"{key}: cannot be placed on the scan ({error}); check it.") from None
    true = truth.errors(mesh.vertices) if truth is not None and truth.fits(mesh) else None
    return _Measured(fit.distances, alignment.distances, true)


def _pool(images: Sequence[_Measured]) -> dict[tuple[str, ...], list[float]]:
    """Numbers of a pool of images; the true ones only if they are known for every image."""
    values: dict[tuple[str, ...], list[float]] = {
        METRICS: scan_values([image.distances for image in images])
    }
    true = [image.true for image in images if image.true is not None]
    if len(true) == len(images):
        rigid = distance_statistics([image.rigid for image in images])
        values[TRUE_MEANS] = [distance_statistics(true).mean, rigid.mean]
    pairs = [pair for image in images if (pair := image.correlations()) is not None]
    if pairs and len(true) == len(images):
        values[CORRELATIONS] = [float(value) for value in np.mean(pairs, axis=0)]
    return values
