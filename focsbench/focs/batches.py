"""Mini-batches as a pure function of (seed, iteration): resuming needs no stored random state."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from focsbench.data.aligned import AlignedArrays
from focsbench.focs.augmentation import augment
from focsbench.focs.config import AugmentationConfig


@dataclass(frozen=True)
class Batch:
    """Training images and what weak supervision knows of them.

    images: (B, 3, S, S) in [0, 1]; landmarks: (B, 68, 2) pixels.
    labels: (B, S, S) float ground-truth visible-face masks; only the supervised rows look at them.
    subjects: (B,) identity numbers.
    """

    images: Tensor
    landmarks: Tensor
    labels: Tensor
    subjects: Tensor


class BatchStream:
    """Shuffled, augmented mini-batches of packed training data."""

    def __init__(
        self, data: AlignedArrays, size: int, augmentation: AugmentationConfig, seed: int
    ) -> None:
        self._data = data
        self._size = size
        self._augmentation = augmentation
        self._seed = seed
        self._epoch = -1
        self._order = np.arange(0)

    def __call__(self, iteration: int) -> Batch:
        """Return the batch of an iteration; incomplete last batches of an epoch are skipped."""
        per_epoch = max(len(self._data) // self._size, 1)
        epoch, position = divmod(iteration, per_epoch)
        if epoch != self._epoch:
            sequence = np.random.SeedSequence([self._seed, 1, epoch])
            self._order = np.random.default_rng(sequence).permutation(len(self._data))
            self._epoch = epoch
        chosen = self._order[position * self._size : (position + 1) * self._size]
        generator = torch.Generator().manual_seed(
            int(np.random.SeedSequence([self._seed, 2, iteration]).generate_state(1)[0])
        )
        images, landmarks, labels = augment(
            torch.from_numpy(self._data.images[chosen]).permute(0, 3, 1, 2).float() / 255,
            torch.from_numpy(self._data.landmarks[chosen]),
            torch.from_numpy(self._data.masks[chosen]).float(),
            self._augmentation,
            generator,
        )
        return Batch(images, landmarks, labels, torch.from_numpy(self._data.subjects[chosen]))
