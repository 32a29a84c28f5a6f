"""Everything visible: a mask of ones, the floor of every mask table.

It takes the reconstructions of FOCS, so both are scored inside the same rendered region and a
difference in a mask metric comes from the mask alone.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from focsbench.focs.inference import load_reconstructor
from focsbench.types import BaselineContext, Reconstruction, Sample


class EverythingVisible:
    """Calls every rendered pixel a visible face pixel."""

    name: ClassVar[str] = "everything_visible"
    label: ClassVar[str] = "Everything visible"
    stages: ClassVar[tuple[str, ...]] = ("em",)

    def __init__(self, context: BaselineContext) -> None:
        self._reconstructor = load_reconstructor(context, autoencoder="em", mask="everything")

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Reconstruct each sample."""
        return self._reconstructor(samples)
