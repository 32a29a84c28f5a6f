"""One point of the eta sweep: S learns with other weights in its loss, R stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from focsbench.focs.autoencoder import Decoded, FaceAutoencoder
from focsbench.focs.build import UNET_FILE, build_unet, load_module, save_module
from focsbench.focs.inference import MaskFunction, segmentation_mask
from focsbench.focs.stage_training import StageTraining
from focsbench.focs.training import fixed_fit
from focsbench.types import Reconstruction, Sample


class SweepTraining(StageTraining):
    """Training at one point.

    inputs: folders of ``pack``, ``segmentation`` (where S starts) and either ``init`` or ``em``
        (whose R is used).
    """

    def __init__(self, inputs: Mapping[str, Path], out: Path, settings: Mapping[str, Any]) -> None:
        # Every point sees the images in the same order, that of the joint training.
        super().__init__("em", inputs, out, settings)
        self.name = "sweep"

    def run(self, iterations: int) -> Masks:
        """Train S for so many iterations, save it, and return its masks for new images."""
        network, unet = self._autoencoder(), build_unet(self.config, self._seed)
        load_module(unet, self._inputs["segmentation"] / UNET_FILE)
        trainer = self._segmentation_trainer(unet, self.config.segmentation_optimizer, iterations)
        mask = segmentation_mask(self.config, unet)

        def step(iteration: int) -> dict[str, float]:
            return trainer.step(iteration, self._batches(iteration), network, mask)

        self._run(iterations, step, unet=unet, optimizer=trainer.optimizer)
        save_module(unet, self._out / UNET_FILE)
        unet.eval()
        return Masks(network, mask)


class Masks:
    """Region and mask of a fixed R and a trained S; nothing else of the reconstruction."""

    name: ClassVar[str] = "sweep"
    label: ClassVar[str] = "Sweep"
    stages: ClassVar[tuple[str, ...]] = ()

    def __init__(self, autoencoder: FaceAutoencoder, mask: MaskFunction) -> None:
        self._autoencoder = autoencoder
        self._mask = mask

    @torch.no_grad()
    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Segment each sample."""
        stacked = np.stack([sample.image for sample in samples])
        images = torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous()
        decoded: Decoded = fixed_fit(self._autoencoder, images)
        visible = self._mask(images, decoded).numpy()
        region = decoded.region.numpy()
        return [Reconstruction(region=region[i], visible=visible[i]) for i in range(len(samples))]
