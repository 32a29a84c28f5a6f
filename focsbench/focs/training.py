"""One training iteration of each network: R given a mask (M-step), S given fits (E-step)."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import torch
from torch import Tensor, nn
from torch.nn.modules.batchnorm import _BatchNorm

from focsbench.focs.augmentation import Batch
from focsbench.focs.autoencoder import Decoded, FaceAutoencoder
from focsbench.focs.config import FocsConfig, OptimizerConfig
from focsbench.focs.engine import Engine
from focsbench.focs.losses import Loss, reconstruction_loss, segmentation_loss
from focsbench.focs.masks import MaskFunction
from focsbench.focs.not_finite import NotFiniteError, check_terms, terms_to_blame
from focsbench.focs.perceptual import Recognizer
from focsbench.focs.schedule import build_optimizer, learning_rate, set_rate
from focsbench.focs.seeding import iteration_seed, seeded
from focsbench.focs.segmentation_losses import mask_cross_entropy

SKIPS_IN_A_ROW = 50  # float16: the loss scale halves at each; 2^50 is beyond any use


class Trainer:
    """What the trainers of R and of S share: the update of one network.

    letter: name of the network in messages, R or S.
    """

    letter = ""

    def __init__(
        self,
        network: nn.Module,
        optimizer: OptimizerConfig,
        total: int,
        engine: Engine | None = None,
    ) -> None:
        self._engine = engine or Engine()
        built = build_optimizer(optimizer, network.parameters())
        self.network, self.optimizer = self._engine.prepare(network, built)
        self._schedule = optimizer
        self._total = total
        self._skipped = 0

    def learn(
        self, iteration: int, loss_of: Callable[[], tuple[Loss, dict[str, float]]]
    ) -> dict[str, float]:
        """Take one step; return the numbers for the log.

        Args:
            iteration: of the stage, from 0; decides the learning rate.
            loss_of: computes the loss and its numbers; called again only to find the term that
                is to blame for a gradient that is not finite.

        Raises:
            NotFiniteError: before the step, so the network stays as it was.
        """
        loss, numbers = loss_of()
        check_terms(self.letter, numbers)
        norm = update(
            self.optimizer,
            loss.total,
            self._schedule,
            iteration,
            self._total,
            self._engine,
            self.network,
        )
        self._skipped = 0 if math.isfinite(norm) else self._skipped + 1
        if self._skipped and (not self._engine.skips or self._skipped > SKIPS_IN_A_ROW):
            raise NotFiniteError(terms_to_blame(self.letter, self.network, loss_of()[0]))
        return numbers

    def _numbers(self, loss: Loss, kept: Tensor, region: Tensor) -> dict[str, float]:
        """Terms of the whole batch, with the share of rendered pixels that the mask keeps."""
        scalars = [loss.total, *loss.terms.values(), kept.sum(), region.sum()]
        values = torch.stack([scalar.detach().float() for scalar in scalars])
        total, *terms, kept_sum, region_sum = self._engine.mean(values).tolist()
        named = dict(zip(loss.terms, terms, strict=True))
        return {"total": total, **named, "kept": kept_sum / max(region_sum, 1.0)}


class AutoencoderTrainer(Trainer):
    """Updates of R (paper 3.2, second step; 3.3 for the robust start).

    autoencoder: its encoder is replaced by the one that ``engine`` prepares for training; the
        parameters are the same.
    """

    letter = "R"

    def __init__(
        self,
        config: FocsConfig,
        autoencoder: FaceAutoencoder,
        recognizer: Recognizer | None,
        optimizer: OptimizerConfig,
        total: int,
        robust: bool = False,
        engine: Engine | None = None,
    ) -> None:
        super().__init__(autoencoder.encoder, optimizer, total, engine)
        autoencoder.encoder = self.network
        self.autoencoder = autoencoder
        self._config = config
        self._recognizer = recognizer
        self._robust = robust

    def step(self, iteration: int, batch: Batch, mask: MaskFunction | None) -> dict[str, float]:
        """Fit R to the pixels that ``mask`` keeps (None: all rendered ones)."""
        self.autoencoder.train()

        def loss_of() -> tuple[Loss, dict[str, float]]:
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
            return loss, self._numbers(loss, kept, region)

        return self.learn(iteration, loss_of)


class SegmentationTrainer(Trainer):
    """Updates of S (paper 3.2, first step) and its pre-training (3.3)."""

    letter = "S"

    def __init__(
        self,
        config: FocsConfig,
        unet: nn.Module,
        recognizer: Recognizer | None,
        optimizer: OptimizerConfig,
        total: int,
        seed: int,
        engine: Engine | None = None,
    ) -> None:
        super().__init__(unet, optimizer, total, engine)
        self._config = config
        self._recognizer = recognizer
        self._seed = seed

    def step(
        self, iteration: int, batch: Batch, autoencoder: FaceAutoencoder, mask: MaskFunction
    ) -> dict[str, float]:
        """One E-step: R is fixed, ``mask`` is S (as ``network`` of this trainer)."""
        self._train_mode(frozen_statistics=self._config.schedule.freeze_batchnorm)
        decoded = fixed_fit(autoencoder, batch.images)
        region = decoded.region.to(batch.images.dtype)

        def loss_of() -> tuple[Loss, dict[str, float]]:
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
            return loss, self._numbers(loss, kept, region)

        return self.learn(iteration, loss_of)

    def pretrain_step(
        self, iteration: int, batch: Batch, autoencoder: FaceAutoencoder, labels: MaskFunction
    ) -> dict[str, float]:
        """One iteration of learning the preliminary masks of Eq. 9."""
        self._train_mode(frozen_statistics=False)
        decoded = fixed_fit(autoencoder, batch.images)
        label = labels(batch.images, decoded)

        def loss_of() -> tuple[Loss, dict[str, float]]:
            with self._dropout_seed(iteration):
                logit = self.network(decoded.image, batch.images).logit
            total = mask_cross_entropy(logit, label, decoded.region, self._config.initialisation)
            loss = Loss(total, {"cross_entropy": total.detach()}, {"cross_entropy": total})
            value = self._engine.mean(total.detach().float().reshape(1)).item()
            return loss, {"cross_entropy": value}

        return self.learn(iteration, loss_of)

    def _train_mode(self, frozen_statistics: bool) -> None:
        self.network.train()
        for module in self.network.modules():
            if frozen_statistics and isinstance(module, _BatchNorm):
                module.eval()

    def _dropout_seed(self, iteration: int) -> AbstractContextManager[None]:
        return seeded(iteration_seed(self._seed, 3, iteration))


@torch.no_grad()
def fixed_fit(autoencoder: FaceAutoencoder, images: Tensor) -> Decoded:
    """Reconstruct with R as it is, without gradients and batch statistics."""
    autoencoder.eval()
    decoded: Decoded = autoencoder(images)
    return decoded


@contextmanager
def parameters_fixed(module: nn.Module) -> Iterator[None]:
    """Let gradients pass through a network, but compute none for its own parameters."""
    module.requires_grad_(False)
    try:
        yield
    finally:
        module.requires_grad_(True)


def update(
    optimizer: torch.optim.Optimizer,
    loss: Tensor,
    config: OptimizerConfig,
    iteration: int,
    total: int,
    engine: Engine | None = None,
    network: nn.Module | None = None,
) -> float:
    """Take one optimiser step at the learning rate that the schedule gives this iteration.

    Returns:
        The norm of the gradient. If it is not finite, no step was taken.
    """
    engine = engine or Engine()
    set_rate(optimizer, learning_rate(config, iteration, total))
    optimizer.zero_grad(set_to_none=True)
    engine.backward(loss)
    norm = engine.clip(network, optimizer, config.gradient_clip)
    if math.isfinite(norm) or engine.skips:
        optimizer.step()
    return norm
