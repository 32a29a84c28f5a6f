"""Everyday facial expressions as mixtures of the named ARKit shapes."""

from __future__ import annotations

import numpy as np

# Mean weight and spread of each shape in a pose; *Left/*Right pairs are drawn together.
_POSES: dict[str, dict[str, float]] = {
    "smile": {"mouthSmile": 0.55, "cheekSquint": 0.3, "eyeSquint": 0.2, "mouthDimple": 0.15},
    "laugh": {"mouthSmile": 0.8, "jawOpen": 0.28, "cheekSquint": 0.5, "eyeSquint": 0.35,
              "mouthUpperUp": 0.25},
    "talk": {"jawOpen": 0.22, "mouthFunnel": 0.15, "mouthLowerDown": 0.15},
    "surprise": {"jawOpen": 0.38, "browInnerUp": 0.6, "browOuterUp": 0.5, "eyeWide": 0.5},
    "frown": {"browDown": 0.6, "mouthFrown": 0.5, "noseSneer": 0.2, "mouthPress": 0.2},
    "pucker": {"mouthPucker": 0.6, "browInnerUp": 0.2},
    "blink": {"eyeBlink": 0.8},
    "doubt": {"browInnerUp": 0.5, "mouthStretch": 0.25, "mouthShrugLower": 0.35},
    "grim": {"mouthPress": 0.5, "mouthRollLower": 0.3, "browDown": 0.3},
}  # fmt: skip


def sample_expression(
    rng: np.random.Generator, names: tuple[str, ...], strength: float = 1.0
) -> dict[str, float]:
    """Draw the weights of one expression; names that the head does not know are left out.

    strength: 0 is neutral, 1 everyday; one pose is drawn, sometimes mixed with a second one.
    """
    weights: dict[str, float] = {}
    for share in (1.0, 0.5 if rng.random() < 0.4 else 0.0):
        pose = _POSES[str(rng.choice(list(_POSES)))]
        for stem, mean in pose.items():
            both = float(np.clip(rng.normal(mean, 0.3 * mean), 0, 1)) * share * strength
            for name in (stem, f"{stem}Left", f"{stem}Right"):
                if name in names:
                    own = both * float(rng.uniform(0.85, 1.0))
                    weights[name] = min(1.0, weights.get(name, 0.0) + own)
    return weights


def resting_face(rng: np.random.Generator, names: tuple[str, ...]) -> dict[str, float]:
    """Draw the small departures from neutral that every real photograph shows."""
    drawn = sample_expression(rng, names, strength=float(rng.uniform(0.0, 0.22)))
    drawn.pop("jawOpen", None)
    return drawn
