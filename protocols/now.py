"""NoW: distance of neutral 3D scans to predicted neutral meshes (paper, Tables 2 and 3)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import ClassVar

import numpy as np

from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.geometry.scan_alignment import OFFICIAL_RULES, align_to_scan
from focsbench.geometry.scan_crop import BRIDGE_WEIGHT, CROP_FACTOR, CroppedScan
from focsbench.metrics.scan_distance import distance_statistics
from focsbench.progress import track
from focsbench.types import FloatArray, ResultRow

from .base import POOLED, ProtocolCard
from .now_scans import ScanDataset, ScanItem, read_crop, write_crops
from .per_image import done_row, image_rows, reason

METRICS = ("median", "mean", "std", "n")
MIRROR_WARNING = (
    "warning: the landmarks fit a mirror image of the mesh; check their order and the y axis"
)


class NoW:
    """Scan-to-mesh distances after landmark placement and refinement, per image and pooled."""

    name: str = "now"
    dataset: ClassVar[str] = "now"
    prepare_reads_predictions: ClassVar[bool] = False

    def __init__(self, metrical: bool = False) -> None:
        """metrical: predictions keep the size that their unit says, instead of the best one."""
        self._metrical = metrical
        if metrical:
            self.name = "now_metrical"
        self.card = ProtocolCard(
            name=self.name,
            version=1,
            rules={
                "dataset": self.dataset,
                "ground truth": "neutral scan; predictions are neutral and uncropped",
                "crop": f"ball at nose bottom + {BRIDGE_WEIGHT} (bridge - nose bottom), radius "
                f"{CROP_FACTOR} (outer eye distance + nose length) / 2; every vertex once",
                "placement": "Procrustes of 7 landmarks with scale, mirror images allowed",
                "refinement": "scan-to-mesh distances of all cropped vertices, "
                + ("rotation, translation" if metrical else "scale, rotation, translation"),
                "solver": f"dogleg, first radius {OFFICIAL_RULES.initial_radius}, stop below a "
                f"relative drop of {OFFICIAL_RULES.relative_drop}",
                "unit": "as the manifest says" if metrical else "free (scale is estimated)",
                "distance": "scan vertex to closest surface point, unsigned, mm",
                "aggregation": "one pool of all distances of all images; std is the population's",
                "occluded": "multiview_occlusions of subjects that also have multiview_neutral",
                "unoccluded": "multiview_neutral of the same subjects; not paired by pose",
                "missing data": "pool over what is there, counted in the done-rate",
            },
        )

    def prepare(self, predictions: Mapping[str, Path], dataset: ScanDataset, shared: Path) -> None:
        """Write the cropped scan of every subject, once for all methods."""
        del predictions
        write_crops(dataset, shared)

    def score(
        self, method: str, predictions: Path, dataset: ScanDataset, shared: Path, output: Path
    ) -> list[ResultRow]:
        """Return median, mean, std (mm) and number of distances per image and pooled.

        The rows of an image name its challenge as subset; :func:`subsets` says what is pooled.
        The distances themselves go to ``output/<key>.npy``, (N,) float32 mm in the order of the
        cropped scan vertices; see the base protocol.
        """
        folder = PredictionFolder(predictions)
        if not folder.provides("neutral"):
            return []
        crops = {item.subject: read_crop(shared, item.subject) for item in dataset.items}
        rows: list[ResultRow] = []
        done: dict[str, FloatArray] = {}
        for item in track(dataset.items, f"{self.name}: {method}", total=len(dataset.items)):
            values = None
            try:
                distances, note = self._distances(folder, item, crops[item.subject])
            except (InputError, ValueError) as error:
                note = reason(error, folder)
            else:
                done[item.key] = distances
                values = _values([distances])
                _save(output, item.key, distances)
            rows += image_rows(
                method, self.name, item.challenge, item.subject, item.key, METRICS, values, note
            )
        return rows + self._pooled(method, subsets(dataset.items), done)

    def _distances(
        self, folder: PredictionFolder, item: ScanItem, crop: CroppedScan
    ) -> tuple[FloatArray, str]:
        mesh, landmarks = folder.geometry(item.key)
        alignment = align_to_scan(
            crop.points,
            crop.landmarks,
            mesh,
            landmarks,
            mm_per_unit=folder.mm_per_unit() if self._metrical else None,
        )
        return alignment.distances, MIRROR_WARNING if alignment.transform.is_mirror else ""

    def _pooled(
        self, method: str, groups: Mapping[str, list[str]], done: Mapping[str, FloatArray]
    ) -> list[ResultRow]:
        rows: list[ResultRow] = []
        for subset, members in groups.items():
            pool = [done[key] for key in members if key in done]
            values = _values(pool) if pool else None
            note = "" if pool else "no image of this subset could be scored"
            rows += image_rows(method, self.name, subset, "", POOLED, METRICS, values, note)
            rows.append(done_row(method, self.name, subset, [key in done for key in members]))
        return rows


def subsets(items: Sequence[ScanItem]) -> dict[str, list[str]]:
    """Return the keys of every subset: all, each challenge, and the pair of paper Table 3."""
    members: dict[str, list[str]] = {"all": [item.key for item in items]}
    for item in items:
        members.setdefault(item.challenge, []).append(item.key)
    neutral = {item.subject for item in items if item.challenge == "multiview_neutral"}
    occluded = {item.subject for item in items if item.challenge == "multiview_occlusions"}
    for name, challenge in (
        ("unoccluded", "multiview_neutral"),
        ("occluded", "multiview_occlusions"),
    ):
        keys = [
            item.key
            for item in items
            if item.challenge == challenge and item.subject in neutral & occluded
        ]
        if keys:
            members[name] = keys
    return members


def _values(pool: Sequence[FloatArray]) -> list[float]:
    statistics = distance_statistics(pool)
    return [statistics.median, statistics.mean, statistics.std, float(statistics.n)]


def _save(output: Path, key: str, distances: FloatArray) -> None:
    path = output / f"{key}.npy"
    path.parent.mkdir(parents=True, exist_ok=True)
    np.save(path, distances.astype(np.float32), allow_pickle=False)
