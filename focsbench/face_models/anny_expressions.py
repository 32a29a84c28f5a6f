"""Natural facial expressions: a few well-known mixes of ARKit shapes plus small random movement."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

# Weights of ARKit shapes at full strength; a name without side stands for Left and Right.
_MIXES: dict[str, dict[str, float]] = {
    "neutral": {},
    "closed_smile": {"mouthSmile": 0.7, "cheekSquint": 0.5, "mouthDimple": 0.3, "eyeSquint": 0.3},
    "open_smile": {
        "mouthSmile": 0.8, "cheekSquint": 0.6, "eyeSquint": 0.4, "jawOpen": 0.12,
        "mouthUpperUp": 0.35, "mouthLowerDown": 0.3,
    },
    "speech": {"jawOpen": 0.25, "mouthFunnel": 0.3, "mouthLowerDown": 0.2},
    "surprise": {"browInnerUp": 0.7, "browOuterUp": 0.7, "eyeWide": 0.6, "jawOpen": 0.35},
    "anger": {"browDown": 0.8, "eyeSquint": 0.4, "noseSneer": 0.4, "mouthPress": 0.4},
    "sadness": {"browInnerUp": 0.6, "mouthFrown": 0.6, "mouthShrugLower": 0.4},
    "disgust": {"noseSneer": 0.7, "mouthUpperUp": 0.5, "browDown": 0.4, "mouthFrown": 0.2},
    "pucker": {"mouthPucker": 0.7, "mouthFunnel": 0.2},
}  # fmt: skip
_CHANCES = (0.28, 0.16, 0.16, 0.14, 0.06, 0.06, 0.06, 0.03, 0.05)
_TWITCH = 0.06  # mean strength of the small random activations
_TWITCHES = 6  # about so many shapes twitch at a time
# Movements that are no play of features or that would tear soft parts apart when drawn blindly.
_NO_TWITCH = (
    "eyeBlink",
    "eyeLook",
    "eyeWide",
    "jaw",
    "mouthClose",
    "mouthRoll",
    "cheekPuff",
    "unit",
)
_GAZE = 0.25  # standard deviation of where the eyes look, in full deflections


def draw_expression(
    rng: np.random.Generator, names: Sequence[str], strength: float = 1.0
) -> NDArray[np.float64]:
    """Draw weights (len(names),) in [0, 1] of a natural expression; ``strength`` scales it."""
    place = {name: index for index, name in enumerate(names)}
    weights = np.zeros(len(names))
    mix = list(_MIXES.values())[rng.choice(len(_MIXES), p=_CHANCES)]
    power = strength * rng.uniform(0.4, 1.1)
    for name, value in mix.items():
        sides = [name] if name in place else [f"{name}Left", f"{name}Right"]
        level = value * power * rng.uniform(0.75, 1.25)
        for side in sides:
            weights[place[side]] += level * rng.uniform(0.85, 1.15)
    calm = [i for name, i in place.items() if not name.startswith(_NO_TWITCH)]
    moving = rng.random(len(calm)) < _TWITCHES / len(calm)
    weights[np.array(calm)[moving]] += strength * rng.exponential(_TWITCH, int(moving.sum()))
    _look(rng, weights, place)
    lids = strength * rng.exponential(0.08)
    weights[[place["eyeBlinkLeft"], place["eyeBlinkRight"]]] += lids
    return np.clip(weights, 0, 1)


def _look(rng: np.random.Generator, weights: NDArray[np.float64], place: dict[str, int]) -> None:
    """Turn both eyes the same way: right or left, up or down."""
    aside, up = rng.normal(0, _GAZE, 2)
    outer, inner = ("Left", "Right") if aside > 0 else ("Right", "Left")
    weights[place[f"eyeLookOut{outer}"]] = abs(aside)
    weights[place[f"eyeLookIn{inner}"]] = abs(aside)
    for side in ("Left", "Right"):
        weights[place[f"eyeLook{'Up' if up > 0 else 'Down'}{side}"]] = abs(up) * 0.6
