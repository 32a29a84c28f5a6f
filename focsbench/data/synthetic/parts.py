"""Labels of what a pixel shows: the parts of CelebAMask-HQ plus "something else"."""

from __future__ import annotations

import numpy as np

from focsbench.data.celebahq import FACE_PARTS, PAINT_ORDER
from focsbench.rendering.jit import kernel
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


@kernel
def majority(labels: IntArray, factor: int) -> IntArray:
    """Reduce a label image by an integer factor to the most frequent label of each block.

    On a tie the label of the smallest number wins, so that background beats nothing it should not:
    the choice only has to be the same every time.
    """
    height, width = labels.shape[0] // factor, labels.shape[1] // factor
    out = np.zeros((height, width), dtype=np.uint8)
    for row in range(height):
        for column in range(width):
            best, best_count = 0, 0
            for i in range(factor * factor):
                label = labels[row * factor + i // factor, column * factor + i % factor]
                count = 0
                for j in range(factor * factor):
                    count += (
                        labels[row * factor + j // factor, column * factor + j % factor] == label
                    )
                if count > best_count or (count == best_count and label < best):
                    best, best_count = label, count
            out[row, column] = best
    return out
