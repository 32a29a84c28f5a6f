"""FOCS: the EM-trained autoencoder and segmentation network, the paper's proposed method."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from focsbench.focs.inference import load_reconstructor
from focsbench.types import BaselineContext, Reconstruction, Sample


class FOCS:
    """Reconstruction and segmentation networks trained together without occlusion labels."""

    name: ClassVar[str] = "focs"
    label: ClassVar[str] = "FOCS (proposed)"
    stages: ClassVar[tuple[str, ...]] = ("em",)

    def __init__(self, context: BaselineContext) -> None:
        self._reconstructor = load_reconstructor(context, autoencoder="em", mask="segmentation")

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct and segment each sample."""
        return self._reconstructor(samples)
