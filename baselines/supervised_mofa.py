"""Supervised MoFA: the face autoencoder fitted to the labelled visible-face pixels (paper 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from focsbench.focs.inference import load_reconstructor
from focsbench.types import BaselineContext, Reconstruction, Sample


class SupervisedMoFA:
    """Trained with ground-truth masks: the upper bound for masks found without labels."""

    name: ClassVar[str] = "supervised_mofa"
    label: ClassVar[str] = "Supervised MoFA"
    stages: ClassVar[tuple[str, ...]] = ("supervised",)

    def __init__(self, context: BaselineContext) -> None:
        self._reconstructor = load_reconstructor(context, autoencoder="supervised")

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct each sample."""
        return self._reconstructor(samples)
