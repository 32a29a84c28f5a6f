"""Trained networks applied to samples: what all rows of the method share."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from torch import nn

from focsbench.face_models import load_face_model
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.focs.autoencoder import Decoded, FaceAutoencoder
from focsbench.focs.build import ENCODER_FILE, UNET_FILE, load_autoencoder, load_unet
from focsbench.focs.config import FocsConfig
from focsbench.focs.masks import (
    MaskFunction,
    segmentation_mask,
    skin_colour_mask,
    threshold_mask,
)
from focsbench.inference.accelerate import accelerated_encoder, accelerated_unet
from focsbench.types import BaselineContext, Mesh, Reconstruction, Sample

MaskKind = Literal["none", "everything", "threshold", "skin", "segmentation"]


def load_reconstructor(
    context: BaselineContext, autoencoder: str, mask: MaskKind = "none"
) -> Reconstructor:
    """Load the networks that the stage ``autoencoder`` trained, for the engine of the context.

    mask: none (the row does not segment), everything (a mask of ones), threshold (Eq. 9), skin
    (the colour detector) or segmentation (network S of the same stage).
    """
    config = FocsConfig.model_validate(context.method)
    folder = context.stages[autoencoder]
    model = load_face_model(context.face_model, context.face_model_file)
    network = load_autoencoder(config, model, folder / ENCODER_FILE).eval()
    network.encoder = accelerated_encoder(context.engine, network.encoder, config.image_size)
    functions: dict[MaskKind, Callable[[], MaskFunction | None]] = {
        "none": lambda: None,
        "everything": lambda: lambda images, decoded: torch.ones_like(images[:, 0]),
        "threshold": lambda: threshold_mask(config),
        "skin": lambda: skin_colour_mask(config),
        "segmentation": lambda: segmentation_mask(config, _load_unet(context, config, autoencoder)),
    }
    return Reconstructor(network, model, functions[mask]())


def _load_unet(context: BaselineContext, config: FocsConfig, stage: str) -> nn.Module:
    unet = load_unet(config, context.stages[stage] / UNET_FILE)
    return accelerated_unet(context.engine, unet.eval(), config.image_size)


class Reconstructor:
    """Applies R, and a mask if the row has one, to a batch of samples."""

    def __init__(
        self, autoencoder: FaceAutoencoder, model: MorphableModel, mask: MaskFunction | None
    ) -> None:
        self._autoencoder = autoencoder.eval()
        self._model = model
        self._mask = mask

    @torch.no_grad()
    def __call__(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        if not samples:
            return []
        start = time.perf_counter()
        stacked = np.stack([sample.image for sample in samples])
        images = torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous()
        decoded: Decoded = self._autoencoder(images)
        visible = None if self._mask is None else self._mask(images, decoded).numpy()
        seconds = (time.perf_counter() - start) / len(samples)
        identity = decoded.latents.identity.numpy()
        # No expression: scans are neutral. The uncropped head is what the scan protocol asks for.
        neutral = self._model.shape(identity)
        renders = decoded.image.permute(0, 2, 3, 1).numpy()
        return [
            Reconstruction(
                neutral=Mesh(neutral[i], self._model.triangles),
                landmarks7=neutral[i][self._model.landmarks7],
                render=renders[i],
                region=decoded.region[i].numpy(),
                visible=None if visible is None else visible[i],
                parameters={
                    name: block[i].numpy() for name, block in decoded.latents._asdict().items()
                },
                seconds=seconds,
            )
            for i in range(len(samples))
        ]
