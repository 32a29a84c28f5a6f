"""Pretrained: the unsupervised initialisation alone, with the masks of Eq. 9 (paper Table 5)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from focsbench.focs.inference import load_reconstructor
from focsbench.types import BaselineContext, Reconstruction, Sample


class Pretrained:
    """Autoencoder of the occlusion-robust initialisation; thresholded error as its mask."""

    name: ClassVar[str] = "pretrained"
    label: ClassVar[str] = "Pretrained"
    stages: ClassVar[tuple[str, ...]] = ("init",)

    def __init__(self, context: BaselineContext) -> None:
        self._reconstructor = load_reconstructor(context, autoencoder="init", mask="threshold")

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct and segment each sample."""
        return self._reconstructor(samples)
