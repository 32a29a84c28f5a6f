"""One tiny pair per process, so that no image's CPU time holds the loading of compiled code."""

from __future__ import annotations

import tempfile
from contextlib import suppress
from functools import cache
from pathlib import Path

import numpy as np

from focsbench.data.predictions import PredictionFolder
from focsbench.geometry.io import write_mesh
from focsbench.geometry.scan_crop import CroppedScan
from focsbench.now.pair import score_pair
from focsbench.types import Mesh

SIZE = 8  # vertices along a side


@cache
def warm_up() -> None:
    """Score a small curved patch against itself, from files; the second call does nothing."""
    x, y = np.meshgrid(np.linspace(-90, 90, SIZE), np.linspace(-90, 90, SIZE))
    z = 70 - x**2 / 130 - y**2 / 250 + 3 * np.cos(x * y)
    vertices = np.column_stack([x.ravel(), y.ravel(), z.ravel()])
    corner = (np.arange(SIZE - 1)[:, None] * SIZE + np.arange(SIZE - 1)).ravel()
    right, above = corner + 1, corner + SIZE
    triangles = np.concatenate(
        [np.column_stack([corner, right, above]), np.column_stack([right, above + 1, above])]
    )
    landmarks = vertices[[49, 50, 53, 54, 28, 18, 21]]
    scan = CroppedScan(vertices + np.array([0.0, 0.0, 1.0]), np.arange(len(vertices)), landmarks)
    # Without space for these files, the first image merely takes longer.
    with suppress(OSError), tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for key, suffix in (("obj", ".obj"), ("ply", ".ply")):
            write_mesh(folder / f"{key}{suffix}", Mesh(vertices, triangles))
            np.save(folder / f"{key}.npy", landmarks, allow_pickle=False)
            score_pair(PredictionFolder(folder), key, scan)
            score_pair(PredictionFolder(folder), key, scan, mm_per_unit=1.0)
