"""Deep3D skin mask: the colour of skin is the mask, in training and in the answer (paper 4.1).

As in the paper the mask is that of Deep3D; the autoencoder is the one of all other rows, so that
nothing but the mask differs.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from focsbench.focs.inference import load_reconstructor
from focsbench.types import BaselineContext, Reconstruction, Sample


class SkinMask:
    """Autoencoder trained on skin-coloured pixels; the skin detector segments."""

    name: ClassVar[str] = "skin_mask"
    label: ClassVar[str] = "Deep3D skin mask"
    stages: ClassVar[tuple[str, ...]] = ("skin",)

    def __init__(self, context: BaselineContext) -> None:
        self._reconstructor = load_reconstructor(context, autoencoder="skin", mask="skin")

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct and segment each sample."""
        return self._reconstructor(samples)
