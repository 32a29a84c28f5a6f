"""Agreement of an estimated visible-face mask with the labelled one.

Positive means visible face. Source: paper, section 4.2 (the four indices, "only calculated inside
the rendered regions"); the clamp and the soft variant are those of the released evaluation.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np

from focsbench.types import BoolArray, FloatArray

Binarisation = Literal["hard", "soft"]


@dataclass(frozen=True)
class ConfusionAreas:
    """Areas in pixels (fractions occur with soft estimates)."""

    true_positive: float
    true_negative: float
    false_positive: float
    false_negative: float

    def at_least(self, pixels: float) -> ConfusionAreas:
        """Raise every area to at least so many pixels."""
        return ConfusionAreas(
            max(self.true_positive, pixels),
            max(self.true_negative, pixels),
            max(self.false_positive, pixels),
            max(self.false_negative, pixels),
        )


def confusion_areas(
    truth: BoolArray,
    estimate: FloatArray,
    region: BoolArray,
    binarisation: Binarisation = "hard",
) -> ConfusionAreas:
    """Count the four areas inside a region.

    Args:
        truth: (H, W), true where the face is visible.
        estimate: (H, W) probability of visible face in [0, 1].
        region: (H, W) pixels that count.
        binarisation: ``hard`` rounds the estimate first (one half becomes 0); ``soft`` lets each
            pixel count by its probability.

    Raises:
        ValueError: if the shapes differ or an estimate inside the region is outside [0, 1].
    """
    if not truth.shape == estimate.shape == region.shape:
        raise ValueError(
            f"shapes differ: truth {truth.shape}, estimate {estimate.shape}, region {region.shape}"
        )
    positive = truth[region]
    probability = estimate[region].astype(np.float64)
    if not ((probability >= 0) & (probability <= 1)).all():
        raise ValueError("an estimate is not a probability between 0 and 1")
    if binarisation == "hard":
        probability = np.rint(probability)
    return ConfusionAreas(
        true_positive=float(probability[positive].sum()),
        true_negative=float((1 - probability[~positive]).sum()),
        false_positive=float(probability[~positive].sum()),
        false_negative=float((1 - probability[positive]).sum()),
    )


def segmentation_scores(areas: ConfusionAreas, clamp: bool = True) -> dict[str, float]:
    """Return accuracy, precision, recall and F1 as ``ACC``, ``PPV``, ``TPR``, ``F1`` in [0, 1].

    Args:
        areas: of one image.
        clamp: raise each area to at least one pixel first, as the released evaluation does. That
            keeps every ratio defined, at the price of a bias for small regions.

    Raises:
        ValueError: if a ratio has no denominator (without the clamp only).
    """
    if clamp:
        areas = areas.at_least(1)
    tp, tn = areas.true_positive, areas.true_negative
    fp, fn = areas.false_positive, areas.false_negative
    if min(tp + fp, tp + fn) <= 0:
        raise ValueError("precision or recall is undefined: no estimated or no labelled face")
    return {
        "ACC": (tp + tn) / (tp + tn + fp + fn),
        "PPV": tp / (tp + fp),
        "TPR": tp / (tp + fn),
        "F1": 2 * tp / (2 * tp + fp + fn),
    }
