"""Photometric error of a render inside the visible face."""

from __future__ import annotations

import numpy as np

from focsbench.types import BoolArray, FloatArray


def masked_rmse(image: FloatArray, render: FloatArray, region: BoolArray) -> float:
    """Root mean squared error over the pixels of a region and their three channels.

    Args:
        image: (H, W, 3) photograph in [0, 1].
        render: (H, W, 3) reconstruction; clipped to [0, 1], as any display would.
        region: (H, W) pixels to compare.

    Returns:
        Error on the scale of 8-bit images, 0 to 255.

    Raises:
        ValueError: if the shapes differ, the region is empty, or a compared value is not finite.

    The paper (Table 1) names the RMSE "inside visible face regions" and publishes no code; this
    is the plain reading of it.
    """
    if image.shape != render.shape or image.shape != (*region.shape, 3):
        raise ValueError(
            f"shapes differ: image {image.shape}, render {render.shape}, region {region.shape}"
        )
    if not region.any():
        raise ValueError("the region is empty")
    difference = image[region].astype(np.float64) - np.clip(render[region], 0, 1)
    error = float(255 * np.sqrt(np.mean(difference**2)))
    if not np.isfinite(error):
        raise ValueError("a compared pixel is not finite")
    return error
