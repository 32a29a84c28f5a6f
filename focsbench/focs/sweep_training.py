"""One point of the eta sweep: S learns with other weights in its loss, R stays as it is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import torch

from focsbench.focs.autoencoder import Decoded, FaceAutoencoder
from focsbench.focs.build import UNET_FILE, load_unet
from focsbench.focs.distributed import train_on
from focsbench.focs.engine import Engine
from focsbench.focs.masks import MaskFunction, segmentation_mask
from focsbench.focs.stage_training import StageTraining
from focsbench.focs.training import fixed_fit
from focsbench.types import Reconstruction, Sample


def train_point(
    inputs: Mapping[str, Path], out: Path, settings: Mapping[str, Any], iterations: int
) -> Masks:
    """Train S, save it in ``out``, and return its masks for new images.

    Args:
        inputs: folders of ``pack``, ``segmentation`` (where S starts) and either ``init`` or
            ``em`` (whose R is used).
        out: folder of the result.
        settings: as of a training stage; ``method`` has the weights of this point.
        iterations: of S.

    Raises:
        TrainingError: if a number is not finite. A mask that vanishes is a result here.
    """
    config = SweepTraining(inputs, out, settings).config
    made_of = (dict(inputs), out, dict(settings))
    train_on(config.scale, config.batch_size, _train, made_of, iterations)
    return Masks(SweepTraining(inputs, out, settings))


class SweepTraining(StageTraining):
    """Training at one point, in one of the processes that take part."""

    def __init__(
        self,
        inputs: Mapping[str, Path],
        out: Path,
        settings: Mapping[str, Any],
        engine: Engine | None = None,
    ) -> None:
        # Every point sees the images in the same order, that of the joint training.
        super().__init__("em", inputs, out, settings, engine)
        self.name = "sweep"
        self.config = self.config.with_changes({"schedule": {"collapse_iterations": 0}})

    def train(self, iterations: int) -> None:
        """Train S for so many iterations and save it."""
        network, unet = self._autoencoder(), self._unet("segmentation")
        network.encoder = self._engine.frozen(network.encoder)
        trainer = self._segmentation_trainer(
            unet, self.config.segmentation_optimizer, iterations, self._recognizer
        )
        mask = segmentation_mask(self.config, trainer.network)

        def step(iteration: int) -> dict[str, float]:
            return trainer.step(iteration, self._batches(iteration), network, mask)

        self._run(iterations, step, unet=unet, optimizer=trainer.optimizer)
        self._save(unet, UNET_FILE)

    def trained(self) -> tuple[FaceAutoencoder, MaskFunction]:
        """Return R and the mask function of the S that was saved."""
        unet = load_unet(self.config, self._out / UNET_FILE).eval()
        return self._autoencoder(), segmentation_mask(self.config, unet)


class Masks:
    """Region and mask of a fixed R and a trained S; nothing else of the reconstruction."""

    name: ClassVar[str] = "sweep"
    label: ClassVar[str] = "Sweep"
    stages: ClassVar[tuple[str, ...]] = ()

    def __init__(self, training: SweepTraining) -> None:
        self._autoencoder, self._mask = training.trained()

    @torch.no_grad()
    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Segment each sample."""
        stacked = np.stack([sample.image for sample in samples])
        images = torch.from_numpy(stacked).permute(0, 3, 1, 2).contiguous()
        decoded: Decoded = fixed_fit(self._autoencoder, images)
        visible = self._mask(images, decoded).numpy()
        region = decoded.region.numpy()
        return [Reconstruction(region=region[i], visible=visible[i]) for i in range(len(samples))]


def _train(
    engine: Engine, made_of: tuple[dict[str, Path], Path, dict[str, Any]], iterations: int
) -> None:
    SweepTraining(*made_of, engine).train(iterations)
