"""Supervised MoFA-cutout: labelled masks, and rectangles over training images (paper 4.1)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from focsbench.focs.inference import load_reconstructor
from focsbench.types import BaselineContext, Reconstruction, Sample


class SupervisedCutout:
    """Supervised MoFA with black rectangles, which are not part of its masks."""

    name: ClassVar[str] = "supervised_cutout"
    label: ClassVar[str] = "Supervised MoFA-cutout"
    stages: ClassVar[tuple[str, ...]] = ("cutout",)

    def __init__(self, context: BaselineContext) -> None:
        self._reconstructor = load_reconstructor(context, autoencoder="cutout")

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct each sample."""
        return self._reconstructor(samples)
