"""The frame that face models share, and landmarks that follow from others."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.geometry.five_points import NOW_LANDMARKS as NOW_LANDMARKS  # for the models, too
from focsbench.geometry.five_points import TEMPLATE_DM, five_points


def template_shift(landmarks: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Translation (3,) in mm that brings the five points (68 landmarks given) onto the template.

    The origin of Deep3D's alignment template becomes the origin of the model.
    """
    points = five_points(np.asarray(landmarks, dtype=np.float64))
    shift: NDArray[np.float64] = (100 * TEMPLATE_DM - points).mean(axis=0)
    return shift
