"""Sizes of dlib's face recognition network, for its reader as well (no torch in here)."""

from __future__ import annotations

WIDTHS = (32, 64, 128, 256, 256)
BLOCKS = (3, 4, 3, 3, 1)
EMBEDDING = 128
CHIP_SIZE = 150
AVERAGE = (122.782, 117.001, 104.298)  # of the training images, RGB in 0..255
