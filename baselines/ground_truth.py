"""Ground truth handed in as a submission: what a perfect method would score.

Its photometric error is the sensor noise, its masks are the labels, its scan error is the noise
of the scans. A protocol that does not give it the best score is broken. Only datasets with a
``ground_truth`` folder beside them (the embedded benchmark) can answer.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from focsbench.data.alignment import align
from focsbench.data.landmarks_csv import read_landmarks
from focsbench.data.now import true_head
from focsbench.data.photos import open_image
from focsbench.errors import InputError
from focsbench.types import BaselineContext, FloatArray, Reconstruction, Sample


class GroundTruth:
    """Reads the answers of the generator; never trained, never compared as a method."""

    name: ClassVar[str] = "ground_truth"
    label: ClassVar[str] = "Ground truth"
    stages: ClassVar[tuple[str, ...]] = ()

    def __init__(self, context: BaselineContext) -> None:
        if context.data_root is None:
            raise InputError("ground_truth needs a dataset; name the folder of one.")
        self._root = context.data_root
        self._dataset = context.dataset
        self._answers = context.data_root.parent / "ground_truth"
        if not self._answers.is_dir():
            raise InputError(
                f"{self._answers}: this dataset has no exact answers; "
                "leave ground_truth out of the methods."
            )
        self._landmarks: dict[str, FloatArray] = {}
        if self._dataset == "celeba":
            self._landmarks = read_landmarks(self._root / "all_landmarks.csv")

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Return the generator's answer for each sample."""
        answer = {"celeba": self._photo, "ar": self._mask, "now": self._scan}[self._dataset]
        return [answer(sample) for sample in samples]

    def _mask(self, sample: Sample) -> Reconstruction:
        if sample.visible_mask is None:
            raise InputError(f"{sample.key}: no visible-face mask to hand in.")
        # Covering the whole image scores every pixel, so nothing is hidden from the metric.
        region = np.ones(sample.visible_mask.shape, dtype=bool)
        return Reconstruction(region=region, visible=sample.visible_mask.astype(np.float32))

    def _photo(self, sample: Sample) -> Reconstruction:
        clean = open_image(self._answers / "CelebAMask-HQ" / f"{sample.key}.png", "RGB")
        landmarks = self._landmarks[f"{sample.key}.jpg"]
        alignment = align(landmarks, clean.width, clean.height, sample.image.shape[0])
        masks = self._mask(sample)
        render = np.asarray(alignment.image(clean), dtype=np.float32) / 255
        return Reconstruction(render=render, region=masks.region, visible=masks.visible)

    def _scan(self, sample: Sample) -> Reconstruction:
        head = true_head(self._root, sample.subject)
        if head is None:
            raise InputError(f"{sample.subject}: no true head to hand in; make the data again.")
        mesh, landmarks = head
        return Reconstruction(neutral=mesh, landmarks7=landmarks)
