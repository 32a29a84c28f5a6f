"""The 68 iBUG landmarks on the MakeHuman head.

The vertices were chosen by eye on large pictures of the average head (numbers are vertex ids of
MakeHuman's base mesh ``hm08``) for the subject's right half and the middle line; the left half
is their mirror image. ``preview.save_preview`` draws them for a check.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

# iBUG order (0-based): 0-8 jaw from the right temple to the chin, 17-21 right brow from the
# tail, 27-30 nose ridge, 31-33 nose base, 36-41 right eye, 48-51 and 57-59 outer lips, 60-62
# and 66-67 inner lips.
_RIGHT_AND_MIDDLE = {
    0: 5195, 1: 5201, 2: 5204, 3: 5206, 4: 735, 5: 737, 6: 3698, 7: 914, 8: 5296,
    17: 262, 18: 224, 19: 222, 20: 205, 21: 208,
    27: 132, 28: 131, 29: 201, 30: 5054,
    31: 286, 32: 313, 33: 343,
    36: 24, 37: 1081, 38: 1099, 39: 66, 40: 1096, 41: 1094,
    48: 422, 49: 5354, 50: 450, 51: 455, 57: 492, 58: 486, 59: 480,
    60: 3707, 61: 470, 62: 474, 66: 493, 67: 481,
}  # fmt: skip
# Left landmark: its mirror image on the right.
_LEFT = {
    **{16 - k: k for k in range(8)},
    **{43 - k: k for k in range(17, 22)},
    **{66 - k: k for k in (31, 32)},
    42: 39, 43: 38, 44: 37, 45: 36, 46: 41, 47: 40,
    52: 50, 53: 49, 54: 48, 55: 59, 56: 58,
    63: 61, 64: 60, 65: 67,
}  # fmt: skip


def find_landmarks68(base_ids: NDArray[np.int64], mirror: NDArray[np.int64]) -> NDArray[np.int64]:
    """Vertices (68,) of the iBUG landmarks.

    base_ids: (V,) hm08 id of each head vertex, -1 where there is none.
    mirror: (V,) mirror image of each head vertex.
    """
    head_id = {int(base): vertex for vertex, base in enumerate(base_ids) if base >= 0}
    landmarks = np.zeros(68, dtype=np.int64)
    for place, base in _RIGHT_AND_MIDDLE.items():
        landmarks[place] = head_id[base]
    for place, twin in _LEFT.items():
        landmarks[place] = mirror[landmarks[twin]]
    return landmarks
