"""How one-sided the light on a face is, measured in the photograph alone."""

from __future__ import annotations

import math

import numpy as np

from focsbench.types import BoolArray, FloatArray

MIN_SHARE = 0.15  # of the visible face that each side needs, for example behind a hand
_LUMA = (0.2126, 0.7152, 0.0722)  # Rec. 709
_BRIDGE, _CHIN = 27, 8  # iBUG numbers, 0-based


def side_light(image: FloatArray, landmarks: FloatArray, visible: BoolArray) -> float | None:
    """Return the ratio of mean luma between the brighter and the darker side, in octaves.

    The sides are those of the line from the bridge of the nose to the chin.

    Args:
        image: (S, S, 3) in [0, 1], RGB.
        landmarks: (68, 2) pixels, iBUG order.
        visible: (S, S), the visible face.

    Returns:
        0 for an evenly lit face, 1 where one side is twice as bright; None where a side shows
        less than 15 % of the visible face.
    """
    rows, columns = np.nonzero(visible)
    along = landmarks[_CHIN] - landmarks[_BRIDGE]
    offsets = np.stack([columns, rows], axis=1) - landmarks[_BRIDGE]
    left = along[0] * offsets[:, 1] - along[1] * offsets[:, 0] > 0
    least = MIN_SHARE * len(rows)
    if len(rows) == 0 or not least <= np.count_nonzero(left) <= len(rows) - least:
        return None
    luma = image[rows, columns].astype(np.float64) @ np.array(_LUMA)
    # A black side is no division by zero; half a grey level is below what a photograph resolves.
    means = [max(float(luma[side].mean()), 0.5 / 255) for side in (left, ~left)]
    return abs(math.log2(means[0] / means[1]))
