"""How well a method tells the visible face from what hides it: accuracy, precision, recall, F1."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.metrics.segmentation import Binarisation, confusion_areas, segmentation_scores
from focsbench.types import FaceDataset, ResultRow, Sample

from .base import ProtocolCard
from .per_image import Measure, labelled_face, score_images

METRICS = ("ACC", "PPV", "TPR", "F1")
_NEEDS = ("region", "visible")


class MaskSegmentation:
    """What the protocols of both datasets share; a subclass names itself, nothing more.

    name: of the protocol; dataset: that it scores (samples carry visible-face masks);
    visible_face: rule of its labels, for the card.
    """

    name: ClassVar[str]
    dataset: ClassVar[str]
    visible_face: ClassVar[str]
    prepare_reads_predictions: ClassVar[bool]

    def __init__(self, binarisation: Binarisation = "hard", clamp: bool = True) -> None:
        """The defaults round the masks, as in the paper's figures; the tables do not say.

        binarisation: ``hard`` or ``soft``; clamp: areas of at least one pixel.
        """
        self._binarisation: Binarisation = binarisation
        self._clamp = clamp
        self.card = ProtocolCard(
            name=self.name,
            version=1,
            rules={
                "dataset": self.dataset,
                "positive": "visible face",
                "region": "covered by the method's own reconstruction",
                "binarisation": "rounded, one half is not face"
                if binarisation == "hard"
                else "soft",
                "areas": "at least one pixel each" if clamp else "as counted",
                "visible face": self.visible_face,
                "masks": "as stored, 8 bit",
                "frame": "aligned image, size of the profile",
                "overall": "unweighted mean of the subset means",
                "std": "population, over images",
                "missing data": "left out of the mean, counted in the done-rate",
            },
        )

    def prepare(self, predictions: Mapping[str, Path], dataset: FaceDataset, shared: Path) -> None:
        """Nothing is shared between methods."""

    def score(
        self, method: str, predictions: Path, dataset: FaceDataset, shared: Path, output: Path
    ) -> list[ResultRow]:
        """Return ``ACC``, ``PPV``, ``TPR``, ``F1`` in [0, 1] per image; see the base protocol."""
        del shared, output
        folder = PredictionFolder(predictions)
        if not all(folder.provides(name) for name in _NEEDS):
            return []

        def measure(index: int, sample: Sample) -> list[float]:
            del index
            scores = self._scores(sample, folder)
            return [scores[metric] for metric in METRICS]

        return score_images(method, self.name, folder, dataset, [Measure(METRICS, measure)])

    def _scores(self, sample: Sample, folder: PredictionFolder) -> dict[str, float]:
        visible = labelled_face(sample)
        region = folder.region(sample.key)
        if not region.any():
            raise InputError(f"{sample.key}: the reconstruction covers no pixel of the image.")
        areas = confusion_areas(visible, folder.visible(sample.key), region, self._binarisation)
        return segmentation_scores(areas, self._clamp)
