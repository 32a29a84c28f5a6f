"""One training iteration of each network: R given a mask (M-step), S given fits (E-step)."""

from __future__ import annotations

from contextlib import AbstractContextManager

import torch
from torch import Tensor

from focsbench.focs.augmentation import Batch
from focsbench.focs.autoencoder import Decoded, FaceAutoencoder
from focsbench.focs.config import FocsConfig, OptimizerConfig
from focsbench.focs.inference import MaskFunction
from focsbench.focs.losses import Loss, reconstruction_loss, segmentation_loss
from focsbench.focs.perceptual import Recognizer
from focsbench.focs.schedule import build_optimizer, learning_rate, set_rate
from focsbench.focs.seeding import iteration_seed, seeded
from focsbench.focs.segmentation_losses import mask_cross_entropy
from focsbench.networks.unet import UNet


class AutoencoderTrainer:
    """Updates of R (paper 3.2, second step; 3.3 for the robust start)."""

    def __init__(
        self,
        config: FocsConfig,
        autoencoder: FaceAutoencoder,
        recognizer: Recognizer | None,
        optimizer: OptimizerConfig,
        total: int,
        robust: bool = False,
    ) -> None:
        self.autoencoder = autoencoder
        self.optimizer = build_optimizer(optimizer, autoencoder.encoder.parameters())
        self._config = config
        self._recognizer = recognizer
        self._schedule = optimizer
        self._total = total
        self._robust = robust

    def step(self, iteration: int, batch: Batch, mask: MaskFunction | None) -> dict[str, float]:
        """Fit R to the pixels that ``mask`` keeps (None: all rendered ones)."""
        self.autoencoder.train()
        decoded: Decoded = self.autoencoder(batch.images)
        region = decoded.region.to(batch.images.dtype)
        with torch.set_grad_enabled(not self._config.reconstruction.detach_mask):
            kept = region if mask is None else region * mask(batch.images, decoded)
        loss = reconstruction_loss(
            self._config.reconstruction,
            batch.images,
            batch.landmarks,
            decoded,
            kept,
            self._recognizer,
            self._config.initialisation if self._robust else None,
        )
        update(self.optimizer, loss.total, self._schedule, iteration, self._total)
        return numbers(loss, kept, region)


class SegmentationTrainer:
    """Updates of S (paper 3.2, first step) and its pre-training (3.3)."""

    def __init__(
        self,
        config: FocsConfig,
        unet: UNet,
        recognizer: Recognizer | None,
        optimizer: OptimizerConfig,
        total: int,
        seed: int,
    ) -> None:
        self.unet = unet
        self.optimizer = build_optimizer(optimizer, unet.parameters())
        self._config = config
        self._recognizer = recognizer
        self._schedule = optimizer
        self._total = total
        self._seed = seed

    def step(
        self, iteration: int, batch: Batch, autoencoder: FaceAutoencoder, mask: MaskFunction
    ) -> dict[str, float]:
        """One E-step: R is fixed, ``mask`` is S."""
        self._train_mode(frozen_statistics=self._config.schedule.freeze_batchnorm)
        decoded = fixed_fit(autoencoder, batch.images)
        region = decoded.region.to(batch.images.dtype)
        with self._dropout_seed(iteration):
            kept = region * mask(batch.images, decoded)
        loss = segmentation_loss(
            self._config.segmentation,
            batch.images,
            batch.landmarks,
            decoded,
            kept,
            self._recognizer,
        )
        update(self.optimizer, loss.total, self._schedule, iteration, self._total)
        return numbers(loss, kept, region)

    def pretrain_step(
        self, iteration: int, batch: Batch, autoencoder: FaceAutoencoder, labels: MaskFunction
    ) -> dict[str, float]:
        """One iteration of learning the preliminary masks of Eq. 9."""
        self._train_mode(frozen_statistics=False)
        decoded = fixed_fit(autoencoder, batch.images)
        with self._dropout_seed(iteration):
            logit = self.unet(decoded.image, batch.images).logit
        label = labels(batch.images, decoded)
        total = mask_cross_entropy(logit, label, decoded.region, self._config.initialisation)
        update(self.optimizer, total, self._schedule, iteration, self._total)
        return {"cross_entropy": float(total.detach())}

    def _train_mode(self, frozen_statistics: bool) -> None:
        self.unet.train()
        for module in self.unet.modules():
            if frozen_statistics and isinstance(module, torch.nn.BatchNorm2d):
                module.eval()

    def _dropout_seed(self, iteration: int) -> AbstractContextManager[None]:
        return seeded(iteration_seed(self._seed, 3, iteration))


@torch.no_grad()
def fixed_fit(autoencoder: FaceAutoencoder, images: Tensor) -> Decoded:
    """Reconstruct with R as it is, without gradients and batch statistics."""
    autoencoder.eval()
    decoded: Decoded = autoencoder(images)
    return decoded


def update(
    optimizer: torch.optim.Optimizer,
    loss: Tensor,
    config: OptimizerConfig,
    iteration: int,
    total: int,
) -> None:
    """Take one optimiser step at the learning rate that the schedule gives this iteration."""
    set_rate(optimizer, learning_rate(config, iteration, total))
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    if config.gradient_clip is not None:
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        torch.nn.utils.clip_grad_norm_(parameters, config.gradient_clip)
    optimizer.step()


def numbers(loss: Loss, kept: Tensor, region: Tensor) -> dict[str, float]:
    """Loss terms for the log, with the share of rendered pixels that the mask keeps."""
    terms = {name: float(value) for name, value in loss.terms.items()}
    share = float(kept.detach().sum() / region.sum().clamp(min=1))
    return {"total": float(loss.total.detach()), **terms, "kept": share}
