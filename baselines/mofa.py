"""MoFA: the face autoencoder fitted to every rendered pixel, occluded or not (Tewari 2017)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from focsbench.focs.inference import load_reconstructor
from focsbench.types import BaselineContext, Reconstruction, Sample


class MoFA:
    """Trained without any mask; does not segment."""

    name: ClassVar[str] = "mofa"
    label: ClassVar[str] = "MoFA"
    stages: ClassVar[tuple[str, ...]] = ("mofa",)

    def __init__(self, context: BaselineContext) -> None:
        self._reconstructor = load_reconstructor(context, autoencoder="mofa")

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct each sample."""
        return self._reconstructor(samples)
