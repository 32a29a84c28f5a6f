"""Labels of what a pixel shows: the parts of CelebAMask-HQ plus "something else"."""

from __future__ import annotations

import numpy as np

from focsbench.data.celebahq_rules import FACE_PARTS, PAINT_ORDER
from focsbench.types import BoolArray, IntArray

BACKGROUND = 0
LABEL = {part: index + 1 for index, part in enumerate(PAINT_ORDER)}
# Hands, mugs, phones ...: nobody annotates them in CelebAMask-HQ, they are cut out of the skin.
OTHER = len(PAINT_ORDER) + 1
LABEL_COUNT = OTHER + 1

IS_FACE = np.zeros(LABEL_COUNT, dtype=np.bool_)
IS_FACE[[LABEL[part] for part in FACE_PARTS]] = True


def visible_face(labels: IntArray) -> BoolArray:
    """Return where a label image (any shape) shows visible face."""
    return IS_FACE[labels]
