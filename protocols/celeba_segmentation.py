"""Visible-face masks on CelebA-HQ: unoccluded and occluded (paper, supplementary Table 1)."""

from __future__ import annotations

from typing import ClassVar

from .segmentation import MaskSegmentation
from .visible_face import CELEBA


class CelebASegmentation(MaskSegmentation):
    """Accuracy, precision, recall and F1 on CelebA-HQ."""

    name: ClassVar[str] = "celeba_segmentation"
    dataset: ClassVar[str] = "celeba"
    visible_face = CELEBA
    prepare_reads_predictions: ClassVar[bool] = False
