"""Visible-face masks on the AR faces: neutral, glasses, scarf (paper, Table 4)."""

from __future__ import annotations

from typing import ClassVar

from .segmentation import MaskSegmentation
from .visible_face import AR


class ARSegmentation(MaskSegmentation):
    """Accuracy, precision, recall and F1 on the AR faces."""

    name: ClassVar[str] = "ar_segmentation"
    dataset: ClassVar[str] = "ar"
    visible_face = AR
    prepare_reads_predictions: ClassVar[bool] = False
