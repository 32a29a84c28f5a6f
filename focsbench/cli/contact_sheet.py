"""A sheet of aligned photographs, each beside its visible-face mask."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
from PIL import Image

from focsbench.types import FaceDataset, Sample

COLUMNS = 6
HIDDEN = np.array([0.15, 0.15, 0.55])  # colour laid over pixels that are not visible face


def save_contact_sheet(dataset: FaceDataset, path: Path, count: int, size: int) -> None:
    """Write ``count`` samples, spread evenly over the dataset, as one PNG.

    Args:
        dataset: aligned samples of ``size`` pixels.
        path: PNG file to write.
        count: number of photographs; all if the dataset has fewer.
        size: side of the aligned images, pixels.
    """
    chosen = np.unique(np.linspace(0, len(dataset) - 1, min(count, len(dataset))).round())
    rows = math.ceil(len(chosen) / COLUMNS)
    sheet = Image.new("RGB", (2 * size * min(COLUMNS, len(chosen)), size * rows))
    for place, index in enumerate(chosen):
        corner = (2 * size * (place % COLUMNS), size * (place // COLUMNS))
        sheet.paste(_pair(dataset[int(index)]), corner)
    sheet.save(path)


def _pair(sample: Sample) -> Image.Image:
    """The photograph, and the photograph with everything but the visible face tinted."""
    marked = sample.image.copy()
    if sample.visible_mask is not None:
        hidden = ~sample.visible_mask
        marked[hidden] = 0.4 * marked[hidden] + 0.6 * HIDDEN
    pixels = np.concatenate([sample.image, marked], axis=1)
    return Image.fromarray(np.rint(pixels.clip(0, 1) * 255).astype(np.uint8))
