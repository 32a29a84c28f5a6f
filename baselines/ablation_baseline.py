"""Ablation 'Baseline': S trained with the pixel loss and no neighbour or perceptual loss (4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from focsbench.focs.inference import load_reconstructor
from focsbench.types import BaselineContext, Reconstruction, Sample


class AblationBaseline:
    """FOCS without neighbour loss and perceptual losses of the mask; a pixel loss instead."""

    name: ClassVar[str] = "ablation_baseline"
    label: ClassVar[str] = "Baseline"
    stages: ClassVar[tuple[str, ...]] = ("em_baseline",)

    def __init__(self, context: BaselineContext) -> None:
        self._reconstructor = load_reconstructor(
            context, autoencoder="em_baseline", mask="segmentation"
        )

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct and segment each sample."""
        return self._reconstructor(samples)
