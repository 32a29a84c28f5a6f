"""Vertex attributes at the pixels of a rendering."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.jit import kernel

Array = NDArray[Any]


@kernel
def gather(
    ids: Array,
    barycentrics: Array,
    depth: Array,
    triangles: Array,
    attributes: Array,
    last: int,
) -> tuple[Array, Array]:
    """Interpolate vertex attributes, perspective-correct, where triangles 0 to last - 1 are seen.

    depth: (V,) camera z of the vertices; attributes: (V, K) of the first V vertices.
    Returns flat pixel indices (N,) and values (N, K).
    """
    height, width = ids.shape
    count = 0
    for row in range(height):
        for column in range(width):
            count += 0 <= ids[row, column] < last
    pixels = np.empty(count, dtype=np.int64)
    values = np.empty((count, attributes.shape[1]), dtype=np.float32)
    n = 0
    for row in range(height):
        for column in range(width):
            f = ids[row, column]
            if f < 0 or f >= last:
                continue
            i0, i1, i2 = triangles[f]
            w0 = barycentrics[row, column, 0] / depth[i0]
            w1 = barycentrics[row, column, 1] / depth[i1]
            w2 = barycentrics[row, column, 2] / depth[i2]
            total = w0 + w1 + w2
            for k in range(attributes.shape[1]):
                values[n, k] = (
                    w0 * attributes[i0, k] + w1 * attributes[i1, k] + w2 * attributes[i2, k]
                ) / total
            pixels[n] = row * width + column
            n += 1
    return pixels, values
