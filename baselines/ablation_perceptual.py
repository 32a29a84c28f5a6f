"""Ablation 'Perceptual': S trained with the perceptual losses, no neighbour loss (paper 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from focsbench.focs.inference import load_reconstructor
from focsbench.types import BaselineContext, Reconstruction, Sample


class AblationPerceptual:
    """FOCS without the neighbour loss of the mask."""

    name: ClassVar[str] = "ablation_perceptual"
    label: ClassVar[str] = "Perceptual"
    stages: ClassVar[tuple[str, ...]] = ("em_perceptual",)

    def __init__(self, context: BaselineContext) -> None:
        self._reconstructor = load_reconstructor(
            context, autoencoder="em_perceptual", mask="segmentation"
        )

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct and segment each sample."""
        return self._reconstructor(samples)
