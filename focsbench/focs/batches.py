"""Mini-batches as a pure function of (seed, iteration): resuming needs no stored random state."""

from __future__ import annotations

import numpy as np
import torch

from focsbench.data.aligned import AlignedArrays
from focsbench.focs.augmentation import Batch, augment
from focsbench.focs.config import AugmentationConfig
from focsbench.focs.seeding import iteration_seed


class BatchStream:
    """Shuffled, augmented mini-batches of packed training data.

    data: aligned photographs, landmarks and visible-face masks; only rows that are supervised by
        masks look at ``Batch.masks``.
    size: images per batch; incomplete last batches of an epoch are skipped.
    seed: decides the order and every augmentation, together with the iteration.
    """

    def __init__(
        self, data: AlignedArrays, size: int, augmentation: AugmentationConfig, seed: int
    ) -> None:
        self._data = data
        self._size = min(size, len(data))
        self._augmentation = augmentation
        self._seed = seed
        self._epoch = -1
        self._order = np.arange(0)

    def __call__(self, iteration: int) -> Batch:
        """Return the batch of an iteration."""
        batch = self._raw(self.members(iteration))
        generator = torch.Generator().manual_seed(iteration_seed(self._seed, 2, iteration))
        return augment(batch, self._augmentation, generator)

    def members(self, iteration: int) -> np.ndarray:
        """Return the indices of the images in the batch of an iteration."""
        epoch, position = divmod(iteration, len(self._data) // self._size)
        if epoch != self._epoch:
            sequence = np.random.SeedSequence([self._seed, 1, epoch])
            self._order = np.random.default_rng(sequence).permutation(len(self._data))
            self._epoch = epoch
        return self._order[position * self._size : (position + 1) * self._size]

    def _raw(self, chosen: np.ndarray) -> Batch:
        return Batch(
            images=torch.from_numpy(self._data.images[chosen]).permute(0, 3, 1, 2).float() / 255,
            landmarks=torch.from_numpy(self._data.landmarks[chosen]),
            masks=torch.from_numpy(self._data.masks[chosen]).float(),
        )
