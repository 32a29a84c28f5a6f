"""FOCS adapted to the evaluation: trained on, without labels, on the images of NoW themselves.

The last step of the authors, optional there; their weights for NoW seem to be made this way. No
profile has this row by default: it has seen the images that it is scored on (never a scan), and
on other datasets than NoW it answers with a network that was adapted to NoW.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from focsbench.focs.inference import load_reconstructor
from focsbench.types import BaselineContext, Reconstruction, Sample


class Adapted:
    """Reconstruction network adapted to the NoW images with the masks of FOCS."""

    name: ClassVar[str] = "adapted"
    label: ClassVar[str] = "FOCS, adapted"
    stages: ClassVar[tuple[str, ...]] = ("adapted",)

    def __init__(self, context: BaselineContext) -> None:
        self._reconstructor = load_reconstructor(
            context, autoencoder="adapted", mask="segmentation"
        )

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct and segment each sample."""
        return self._reconstructor(samples)
