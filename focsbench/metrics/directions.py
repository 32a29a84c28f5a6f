"""Which values a metric can have, and which are better."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal

Better = Literal["lower", "higher", "none"]
PAIRED = "_paired"  # end of metrics that are restricted to the items that all methods have


@dataclass(frozen=True)
class Direction:
    """The better side of a metric and the values it can have.

    main: whether it is one of those that a comparison shows without being asked.
    """

    better: Better
    least: float = -math.inf
    greatest: float = math.inf
    main: bool = False


_ERROR = Direction("lower", least=0.0)
_MAIN_ERROR = Direction("lower", least=0.0, main=True)
_SHARE = Direction("higher", 0.0, 1.0)
_SPREAD = Direction("none", least=0.0)  # a spread is reported, not won
_KNOWN = {
    "rmse": _MAIN_ERROR,
    "rmse_common": _ERROR,
    "median": _MAIN_ERROR,
    "mean": _ERROR,
    "std": _SPREAD,
    "true_mean": _ERROR,
    "rigid_mean": _ERROR,
    "correlation": Direction("higher", -1.0, 1.0),
    "rigid_correlation": Direction("higher", -1.0, 1.0),
    "ACC": _SHARE,
    "PPV": _SHARE,
    "TPR": _SHARE,
    "F1": Direction("higher", 0.0, 1.0, main=True),
}


def direction_of(metric: str) -> Direction:
    """Return what is known about a metric; of an unknown one, neither side is better."""
    return _KNOWN.get(metric.removesuffix(PAIRED), Direction("none"))
