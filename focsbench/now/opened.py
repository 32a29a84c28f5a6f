"""The predictions folder that a worker process reads, opened once for all its images."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path

from focsbench.data.predictions import PredictionFolder


@lru_cache(maxsize=1)
def opened(path: Path) -> PredictionFolder:
    """Return a predictions folder; the last one is kept.

    Raises:
        InputError: as :class:`focsbench.data.predictions.PredictionFolder`.
    """
    return PredictionFolder(path)
