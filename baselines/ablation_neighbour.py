"""Ablation 'Neighbour': S trained with the neighbour loss, no perceptual losses (paper 4.4)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from focsbench.focs.inference import load_reconstructor
from focsbench.types import BaselineContext, Reconstruction, Sample


class AblationNeighbour:
    """FOCS without the two perceptual losses of the mask."""

    name: ClassVar[str] = "ablation_neighbour"
    label: ClassVar[str] = "Neighbour"
    stages: ClassVar[tuple[str, ...]] = ("em_neighbour",)

    def __init__(self, context: BaselineContext) -> None:
        self._reconstructor = load_reconstructor(
            context, autoencoder="em_neighbour", mask="segmentation"
        )

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct and segment each sample."""
        return self._reconstructor(samples)
