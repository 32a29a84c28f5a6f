"""NoW: distance of neutral 3D scans to predicted neutral meshes (paper, Tables 2 and 3)."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from focsbench.data.predictions import PredictionFolder
from focsbench.geometry.scan_crop import CroppedScan
from focsbench.items import Answer, Failure, each
from focsbench.now.pair import PairScore, score_pair
from focsbench.now.pairing import PAIRS_FILE, YAW_FILE, ScanItem, read_pairs, write_pairs
from focsbench.now.rules import VERSION, protocol_name, protocol_rules
from focsbench.types import POOLED, FloatArray, ResultRow

from .base import ProtocolCard
from .now_paired import read_paired, write_paired
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

PAIRED_METRICS = tuple(f"{metric}_paired" for metric in METRICS)


class NoW:
    """Scan-to-mesh distances after landmark placement and refinement, per image and pooled."""

    name: str = "now"
    dataset: ClassVar[str] = "now"
    prepare_reads_predictions: ClassVar[bool] = True

    def __init__(self, metrical: bool = False) -> None:
        """metrical: predictions keep the size that their unit says, instead of the best one."""
        self._metrical = metrical
        if metrical:
            self.name = protocol_name(metrical)
        self.card = ProtocolCard(
            name=self.name,
            version=VERSION,
            rules={
                "dataset": self.dataset,
                **protocol_rules(metrical),
                "paired": "the metrics named _paired pool the images for which every compared "
                "method gives a mesh and landmarks that can be scored",
                "occluded": "multiview_occlusions, each paired with the multiview_neutral image "
                "of the subject whose yaw is nearest, one to one; the list is pairs.csv; without "
                "landmarks of the photographs there is no such subset",
                "unoccluded": "the multiview_neutral images of these pairs",
            },
        )

    def prepare(self, predictions: Mapping[str, Path], dataset: ScanDataset, shared: Path) -> None:
        """Write what all methods share.

        The cropped scan of every subject, the pairs of Table 3 with the yaws they are made from,
        and the images that can be scored for every method.
        """
        write_crops(dataset, shared)
        write_pairs(dataset.items, dataset.photo_landmarks(), shared)
        write_paired(predictions, dataset.items, shared, metrical=self._metrical)

    def score(
        self, method: str, predictions: Path, dataset: ScanDataset, shared: Path, output: Path
    ) -> list[ResultRow]:
        """Return median, mean, std (mm) and number of distances per image and pooled.

        The rows of an image name its challenge as subset; :func:`subsets` says what is pooled.
        The distances themselves go to ``output/<key>.npy``, (N,) float32 mm in the order of the
        cropped scan vertices, and the lists of pairs and yaws beside them; see the base protocol.
        """
        folder = PredictionFolder(predictions)
        if not folder.provides("neutral"):
            return []
        crops = read_crops(shared, dataset.items)
        groups = subsets(dataset.items, read_pairs(shared))
        paired = read_paired(shared)
        rows: list[ResultRow] = []
        done: dict[str, FloatArray] = {}

        def measure(number: int) -> Answer:
            item = dataset.items[number]
            pair = self._score(folder, item, crops[item.subject])
            note = " ".join(map(str, pair.findings))
            return Answer({"note": note}, {"distances": pair.distances})

        keys = [item.key for item in dataset.items]
        answers = each(f"{self.name}: {method}", keys, measure)
        for item, answer in zip(dataset.items, answers, strict=True):
            values = None
            if isinstance(answer, Failure):
                note = folder.relative(answer.reason)
            else:
                note = answer.values["note"]
                done[item.key] = answer.arrays["distances"]
                values = scan_values([done[item.key]])
                save_distances(output / f"{item.key}.npy", done[item.key])
            rows += image_rows(
                method, self.name, item.challenge, item.subject, item.key, METRICS, values, note
            )
        for name in (PAIRS_FILE, YAW_FILE):
            shutil.copyfile(shared / name, output / name)
        return rows + self._pooled(method, groups, done, paired)

    def _score(self, folder: PredictionFolder, item: ScanItem, crop: CroppedScan) -> PairScore:
        mm_per_unit = folder.mm_per_unit() if self._metrical else None
        return score_pair(folder, item.key, crop, mm_per_unit=mm_per_unit)

    def _pooled(
        self,
        method: str,
        groups: Mapping[str, list[str]],
        done: Mapping[str, FloatArray],
        paired: frozenset[str],
    ) -> list[ResultRow]:
        """Return the rows of the pools: what the method has, and what all methods have."""
        rows: list[ResultRow] = []
        for subset, members in groups.items():
            common = [key for key in members if key in paired]
            lost = [key for key in common if key not in done]
            own = [done[key] for key in members if key in done]
            theirs = [] if lost else [done[key] for key in common]
            missing = "no image of this subset could be scored"
            alone = f"{lost[0]}: could not be scored" if lost else "no image that all methods have"
            for metrics, pool, reason in (
                (METRICS, own, missing),
                (PAIRED_METRICS, theirs, alone),
            ):
                values = scan_values(pool) if pool else None
                note = "" if pool else reason
                rows += image_rows(method, self.name, subset, "", POOLED, metrics, values, note)
            rows.append(done_row(method, self.name, subset, [key in done for key in members]))
        return rows
