"""The pictures of one photograph and one method, as (S, S, 3) uint8 arrays or a word instead."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.types import BoolArray, FloatArray, Sample

Pixels = NDArray[np.uint8]
Tile = Pixels | str
"""A picture, or the word that stands in its place."""

VISIBLE = (255, 255, 255)
HIDDEN = (213, 94, 0)  # vermilion: mid grey in print, told from white and black by everybody
OUTSIDE = (0, 0, 0)


@dataclass(frozen=True)
class Tiles:
    """Pictures from top to bottom, and the scores printed below them."""

    pictures: tuple[Tile, ...]
    scores: tuple[str, ...] = ()


def photo_tiles(sample: Sample) -> Tiles:
    """Return the photograph, the same with all but the visible face dimmed, and the true mask."""
    photo = _bytes(sample.image)
    if sample.visible_mask is None:
        return Tiles((photo, "no label", "no label"))
    mask = sample.visible_mask
    dimmed = _bytes(np.where(mask[..., None], sample.image, 0.25 * sample.image))
    return Tiles((photo, dimmed, np.where(mask[..., None], VISIBLE, OUTSIDE).astype(np.uint8)))


def method_tiles(sample: Sample, folder: Path, scores: tuple[str, ...] = ()) -> Tiles:
    """Return render, composite and predicted mask; see :func:`method_pictures`."""
    pictures = method_pictures(sample, folder)
    return Tiles(tuple(pictures[kind] for kind in ("render", "composite", "mask")), scores)


def method_pictures(sample: Sample, folder: Path) -> dict[str, Tile]:
    """Return the pictures of one photograph from a predictions folder by their kind.

    render: the reconstruction on black.
    overlay: the reconstruction over the photograph.
    composite: the same where the method sees visible face (everywhere, for a method without
        masks); the photograph elsewhere.
    mask: the rounded mask; white is visible face, vermilion is hidden, black is outside the
        rendered region.
    truth: the labels of the photograph in the colours of the mask.
    """
    predictions = PredictionFolder(folder)
    kinds = dict.fromkeys(("render", "overlay", "composite"), "no render")
    pictures: dict[str, Tile] = {**kinds, "mask": "no mask", "truth": "no label"}
    try:
        if not predictions.provides("region"):
            return pictures
        region = predictions.region(sample.key)
        visible = np.ones_like(region)
        if predictions.provides("visible"):
            visible = predictions.visible(sample.key) > 0.5
            pictures["mask"] = mask_picture(region, visible)
        if predictions.provides("render"):
            render = predictions.render(sample.key)
            pictures["render"] = _bytes(render)
            for kind, where in (("overlay", region), ("composite", region & visible)):
                pictures[kind] = _bytes(np.where(where[..., None], render, sample.image))
    except InputError:
        return dict.fromkeys(pictures, "failed")
    if sample.visible_mask is not None:
        pictures["truth"] = mask_picture(region, sample.visible_mask)
    return pictures


def mask_picture(region: BoolArray, visible: BoolArray) -> Pixels:
    """Colour a mask (S, S): white visible, vermilion hidden, black outside the region."""
    inside = np.where(visible[..., None], VISIBLE, HIDDEN)
    return np.where(region[..., None], inside, OUTSIDE).astype(np.uint8)


def _bytes(image: FloatArray) -> Pixels:
    return np.rint(255 * np.clip(image, 0, 1)).astype(np.uint8)
