"""Which weights of the loss of S a sweep changes, and to what (supplement C.3).

Control variates: one weight is changed, the others stay at the standard values, those of the run.
No torch in here, so that a profile can be read and a plan be built without loading it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, get_args

from pydantic import Field, model_validator

from focsbench.errors import ConfigError
from focsbench.networks.config import Section

EtaName = Literal["eta_neighbour", "eta_dist", "eta_area", "eta_presv", "eta_bin"]
ETAS: tuple[EtaName, ...] = get_args(EtaName)
"""eta 1 to eta 5 in the order of the paper."""

NEEDS_RECOGNITION = frozenset({"eta_dist", "eta_presv"})
FACTORS = (0.0, 0.3, 1.0, 3.0, 10.0)
DIGITS = 6


class SweepConfig(Section):
    """The points of a sweep and how each is trained.

    The paper prints neither its values nor how long it trained at each. Here S starts from its
    pre-training and learns for a while with R fixed, so all points share one start, one R and
    one order of images, and a point costs seconds where a full training costs hours.
    """

    etas: tuple[EtaName, ...] = Field(ETAS, min_length=1, description="weights that are swept")
    factors: dict[EtaName, tuple[float, ...]] = Field(
        {},
        description="values as factors of the standard one, by weight; "
        "without an entry 0, 0.3, 1, 3, 10",
    )
    values: dict[EtaName, tuple[float, ...]] = Field(
        {}, description="the values themselves, by weight; they win over factors"
    )
    iterations: int | None = Field(
        None,
        ge=1,
        description="iterations of S at a point; None: half as many as its pre-training has",
    )
    autoencoder: Literal["init", "em"] = Field(
        "em", description="stage whose R is used, fixed: robust initialisation or joint training"
    )

    @model_validator(mode="after")
    def _usable_values(self) -> Self:
        if len(set(self.etas)) < len(self.etas):
            raise ValueError("a weight is listed twice")
        for table in (self.factors, self.values):
            for eta, numbers in table.items():
                if not all(0 <= number < float("inf") for number in numbers):
                    raise ValueError(f"{eta}: values have to be finite and not negative")
        return self


@dataclass(frozen=True)
class SweepPoint:
    """One value of one weight; the standard point is a point of every weight's curve.

    eta: the weight; value: what it is set to; standard: whether that is the value of the run.
    """

    eta: EtaName
    value: float
    standard: bool

    @property
    def method(self) -> str:
        """Its name in result rows, e.g. ``eta_area=0.5``."""
        return f"{self.eta}={self.value:.{DIGITS}g}"

    @property
    def step(self) -> str:
        """The step of the plan that trains it; all curves share the standard one."""
        if self.standard:
            return "sweep:standard"
        return f"sweep:{self.eta}:{self.value:.{DIGITS}g}".replace("+", "")

    @property
    def changes(self) -> dict[str, Any]:
        """The fields of the method that differ from those of the run."""
        return {} if self.standard else {"segmentation": {self.eta: self.value}}


def sweep_points(config: SweepConfig, method: Mapping[str, Any]) -> tuple[SweepPoint, ...]:
    """Return the points of all curves, weight by weight, values ascending.

    A weight that is 0 in the run has no standard value that factors could apply to; it is swept
    only if its values are given. The weights of the perceptual terms are not swept without a
    recognition network, because nothing would change.

    Args:
        config: which weights and values.
        method: fields of ``FocsConfig`` as plain data.

    Raises:
        ConfigError: if no weight can be swept, or one has no value beside the standard one.
    """
    without = frozenset() if method["recognition"]["weights"] else NEEDS_RECOGNITION
    etas = [eta for eta in ETAS if eta in config.etas and eta not in without]
    points = []
    for eta in etas:
        standard = float(method["segmentation"][eta])
        values = _values(config, eta, standard)
        if standard == 0 and eta not in config.values:
            continue
        if len(values) < 2:
            raise ConfigError(f"sweep: {eta} has no value beside the standard one; name some.")
        points += [SweepPoint(eta, value, value == standard) for value in values]
    if not points:
        raise ConfigError(
            "sweep: none of its weights can be swept in this run; each is 0, or needs a "
            "recognition network (recognition.weights)."
        )
    return tuple(points)


def point_iterations(config: SweepConfig, method: Mapping[str, Any]) -> int:
    """Return how long S learns at each point."""
    if config.iterations is not None:
        return config.iterations
    return max(1, int(method["schedule"]["unet_pretrain_iterations"]) // 2)


def _values(config: SweepConfig, eta: EtaName, standard: float) -> list[float]:
    """Distinct values, ascending, the standard among them; the others are what is printed."""
    if eta in config.values:
        wanted = list(config.values[eta])
    else:
        wanted = [factor * standard for factor in config.factors.get(eta, FACTORS)]
    # A value that is printed like the standard one is the standard one.
    named = {f"{value:.{DIGITS}g}": float(f"{value:.{DIGITS}g}") for value in wanted}
    return sorted({**named, f"{standard:.{DIGITS}g}": standard}.values())
