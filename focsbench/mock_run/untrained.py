"""Folders of training stages without training: networks that answer something, in a second."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import nn

from focsbench.face_models.morphable_model import MorphableModel
from focsbench.focs.build import (
    ENCODER_FILE,
    UNET_FILE,
    build_autoencoder,
    build_unet,
    save_module,
)
from focsbench.focs.config import FocsConfig
from focsbench.focs.presets import load_preset

# Outputs of an encoder are drawn so that faces differ visibly and stay faces (sigmas).
_SPREAD = 0.3
SIDE = 64  # of the aligned images, pixels


def untrained_method() -> dict[str, Any]:
    """Return settings of the method with networks that are quick to make, as plain data."""
    encoder = {"weights": None, "widths": [4, 6, 8, 8], "hidden": 16}
    changes = {"image_size": SIDE, "encoder": encoder, "unet": {"width": 4, "depth": 2}}
    return load_preset("smoke", changes).model_dump(mode="json")


def write_untrained_stage(
    folder: Path, settings: dict[str, Any], face_model: MorphableModel
) -> Path:
    """Write the weights that a training stage would write; the same bytes every time.

    An untrained encoder says the same about every photograph, which no check of order or of
    batches would notice; its last layer is drawn at random instead.

    Args:
        folder: is created.
        settings: fields of FocsConfig as the stage sees them.
        face_model: sizes the network.
    """
    config = FocsConfig.model_validate(settings)
    folder.mkdir(parents=True)
    encoder = build_autoencoder(config, face_model, seed=0).encoder
    unet = build_unet(config, seed=0)
    _draw(encoder, np.random.default_rng(0))
    save_module(encoder, folder / ENCODER_FILE)
    save_module(unet, folder / UNET_FILE)
    return folder


def _draw(encoder: nn.Module, rng: np.random.Generator) -> None:
    """Give the last linear layer random weights."""
    last = [layer for layer in encoder.modules() if isinstance(layer, nn.Linear)][-1]
    spread = _SPREAD / last.in_features**0.5
    values = rng.normal(0, spread, tuple(last.weight.shape)).astype(np.float32)
    with torch.no_grad():
        last.weight.copy_(torch.from_numpy(values))
