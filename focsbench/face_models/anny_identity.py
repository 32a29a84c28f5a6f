"""Who a head is: macro factors and sliders, their random draw, and the weight of every target."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from focsbench.face_models import anny_targets
from focsbench.face_models.anny_targets import Slider

# Standard deviation of the sliders: of the population that the benchmark draws, and the one at
# which the warp weights have unit variance.
POPULATION_SPREAD = 0.22
REFERENCE_SPREAD = 0.2
# Draws further out than this many standard deviations are cut: they look less than human.
CUT = 2.0
# Differences between the left and right value of one sided slider, relative to the spread.
SIDE_DIFFERENCE = 0.3
ASYMMETRY = 0.6
# Relative strength of the sliders of each part of the head, so that distances between features
# and the size of the skull vary by 4-6 % each, as they do among people.
PART_STRENGTH = {
    "head": 0.7, "forehead": 0.5, "eyebrows": 1.0, "eyes": 1.0, "nose": 1.0, "cheek": 1.2,
    "mouth": 1.0, "ears": 0.8, "chin": 1.0, "neck": 0.4,
}  # fmt: skip
ONE_WAY_STRENGTH = 0.8


@dataclass(frozen=True)
class IdentityParameters:
    """A point of the generator's identity space.

    sex: 0 female to 1 male. age: 0 (25 years) to 1 (90 years). muscle, weight: 0 to 1, average
    0.5. ethnicity: (3,) non-negative mix summing to one, order of anny_targets.ETHNICITIES.
    sliders: (number of local sliders,) in [-1, 1]; one-way sliders use [0, 1].
    asymmetry: (number of asymmetry sliders,) in [-1, 1].
    warp: (number of warp modes,) weights of the smooth warps of anny_warp, unit variance at
        REFERENCE_SPREAD.
    """

    sex: float
    age: float
    muscle: float
    weight: float
    ethnicity: NDArray[np.float64]
    sliders: NDArray[np.float64]
    asymmetry: NDArray[np.float64]
    warp: NDArray[np.float64]


def average_identity(
    slider_count: int, asymmetry_count: int, warp_count: int
) -> IdentityParameters:
    """The middle of the space: half female, half male, middle age, equal parts of ethnicities."""
    return IdentityParameters(
        sex=0.5,
        age=0.3,
        muscle=0.5,
        weight=0.5,
        ethnicity=np.full(3, 1 / 3),
        sliders=np.zeros(slider_count),
        asymmetry=np.zeros(asymmetry_count),
        warp=np.zeros(warp_count),
    )


def draw_identity(
    rng: np.random.Generator,
    sliders: Sequence[Slider],
    asymmetry: Sequence[Slider],
    warp_count: int,
    spread: float,
) -> IdentityParameters:
    """Draw a random adult; ``spread`` is the standard deviation of the sliders (0.15 is mild)."""
    sex = rng.choice([rng.beta(1.2, 6.0), 1 - rng.beta(1.2, 6.0)])
    return IdentityParameters(
        sex=float(sex),
        age=float(rng.beta(1.3, 3.0)),
        muscle=float(rng.beta(4.0, 4.0)),
        weight=float(rng.beta(3.5, 3.5)),
        ethnicity=rng.dirichlet(np.full(3, 0.5)),
        sliders=_draw_sliders(rng, sliders, spread),
        asymmetry=np.clip(ASYMMETRY * spread * _normal(rng, len(asymmetry)), -1, 1),
        warp=spread / REFERENCE_SPREAD * _normal(rng, warp_count),
    )


def _draw_sliders(
    rng: np.random.Generator, sliders: Sequence[Slider], spread: float
) -> NDArray[np.float64]:
    """One value per control, a little different on the two sides of the face."""
    shared: dict[str, float] = {}
    draws = _normal(rng, len(sliders))
    values = np.empty(len(sliders))
    for index, slider in enumerate(sliders):
        own = draws[index]
        common = shared.setdefault(slider.control, own)
        value = common if own == common else common + SIDE_DIFFERENCE * own
        scale = spread * PART_STRENGTH[slider.control.partition("/")[0]]
        # One-way sliders (head outlines) are half-normal, so that most heads have little of each.
        values[index] = scale * (value if slider.negative else ONE_WAY_STRENGTH * abs(value))
    return np.clip(values, -1, 1)


def _normal(rng: np.random.Generator, count: int) -> NDArray[np.float64]:
    """Standard normal draws, cut."""
    return np.clip(rng.normal(size=count), -CUT, CUT)


def macro_weights(identity: IdentityParameters) -> NDArray[np.float64]:
    """Weight of each of ``anny_targets.macro_targets()``: the product of its factors' weights.

    Each factor is interpolated linearly between its named stops, as in MakeHuman
    (``macrodetails/macro.json``); weights of one family of products sum to one.
    """
    sex = (1 - identity.sex, identity.sex)
    age = (1 - identity.age, identity.age)
    by_ethnicity = [e * s * a for e, s, a in product(identity.ethnicity, sex, age)]
    universal = [
        s * a * m * w
        for s, a, m, w in product(
            sex, age, _three_stops(identity.muscle), _three_stops(identity.weight)
        )
    ]
    return np.array(by_ethnicity + universal)


def _three_stops(value: float) -> tuple[float, float, float]:
    """Linear weights of the stops 0, 1/2 and 1."""
    low, high = max(0.0, 1 - 2 * value), max(0.0, 2 * value - 1)
    return low, 1 - low - high, high


def slider_weights(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """(2 N,) weights of all negative targets, then of all positive ones."""
    return np.concatenate([np.maximum(-values, 0), np.maximum(values, 0)])


def identity_target_names(sliders: Sequence[Slider], asymmetry: Sequence[Slider]) -> list[str]:
    """Target names in the order of :func:`identity_weights`; "" marks an absent target."""
    names = list(anny_targets.macro_targets())
    for group in (sliders, asymmetry):
        names += [slider.negative for slider in group] + [slider.positive for slider in group]
    return names


def identity_weights(identity: IdentityParameters) -> NDArray[np.float64]:
    """Weight of every target of :func:`identity_target_names`, then of the warp modes."""
    return np.concatenate(
        [
            macro_weights(identity),
            slider_weights(identity.sliders),
            slider_weights(identity.asymmetry),
            identity.warp,
        ]
    )
