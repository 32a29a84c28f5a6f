"""Mini-batches as a pure function of (seed, iteration): resuming needs no stored random state."""

from __future__ import annotations

import numpy as np
import torch

from focsbench.data.aligned import AlignedArrays
from focsbench.errors import ConfigError
from focsbench.focs.augmentation import Batch, augment
from focsbench.focs.config import AugmentationConfig, FocsConfig
from focsbench.focs.engine import Engine
from focsbench.focs.seeding import iteration_seed


def training_batches(
    data: AlignedArrays, config: FocsConfig, seed: int, engine: Engine | None = None
) -> BatchStream:
    """Return the mini-batches on which the networks of a configuration train.

    Raises:
        ConfigError: if there are too few images for the encoder or the processes.
    """
    if len(data) == 1 and config.encoder.needs_a_spread:
        raise ConfigError(
            "one training photograph is too few for the compact encoder, which divides its "
            "keypoints by their spread over the batch; train on two or more."
        )
    return BatchStream(data, config.batch_size, config.augmentation, seed, engine)


class BatchStream:
    """Shuffled, augmented mini-batches of packed training data.

    data: aligned photographs, landmarks and visible-face masks; only rows that are supervised by
        masks look at ``Batch.masks``.
    size: images per batch; incomplete last batches of an epoch are skipped.
    seed: decides the order and every augmentation, together with the iteration.
    engine: its device gets the batches. Of several processes, each makes the whole batch, which is
        cheap beside training on it, and keeps its share: the images do not depend on their number.

    Raises:
        ConfigError: if there are fewer images than processes.
    """

    def __init__(
        self,
        data: AlignedArrays,
        size: int,
        augmentation: AugmentationConfig,
        seed: int,
        engine: Engine | None = None,
    ) -> None:
        self._data = data
        self._size = min(size, len(data))
        self._augmentation = augmentation
        self._seed = seed
        self._engine = engine or Engine()
        self._size -= self._size % self._engine.world
        if not self._size:
            raise ConfigError(
                f"{len(data)} training photographs are too few for {self._engine.world} processes; "
                "lower scale.devices, or train on more photographs."
            )
        self._epoch = -1
        self._order = np.arange(0)

    def __call__(self, iteration: int) -> Batch:
        """Return the batch of an iteration, or the share of it that this process trains on."""
        batch = self._raw(self.members(iteration))
        generator = torch.Generator().manual_seed(iteration_seed(self._seed, 2, iteration))
        whole = augment(batch, self._augmentation, generator)
        if self._engine.world == 1:
            return whole
        count = self._size // self._engine.world
        share = slice(self._engine.rank * count, (self._engine.rank + 1) * count)
        masks = None if whole.masks is None else whole.masks[share]
        return Batch(whole.images[share], whole.landmarks[share], masks)

    @property
    def labelled(self) -> bool:
        """Whether the visible face of any image is known."""
        return any(mask.any() for mask in self._data.masks)

    def members(self, iteration: int) -> np.ndarray:
        """Return the indices of the images in the batch of an iteration."""
        epoch, position = divmod(iteration, len(self._data) // self._size)
        if epoch != self._epoch:
            sequence = np.random.SeedSequence([self._seed, 1, epoch])
            self._order = np.random.default_rng(sequence).permutation(len(self._data))
            self._epoch = epoch
        return self._order[position * self._size : (position + 1) * self._size]

    def _raw(self, chosen: np.ndarray) -> Batch:
        device = self._engine.device
        images = torch.from_numpy(self._data.images[chosen]).to(device)
        return Batch(
            images=images.permute(0, 3, 1, 2).float() / 255,
            landmarks=torch.from_numpy(self._data.landmarks[chosen]).to(device),
            masks=torch.from_numpy(self._data.masks[chosen]).to(device).float(),
        )
