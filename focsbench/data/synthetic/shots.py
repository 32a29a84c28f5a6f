"""What one photograph shows: pose, camera, expression, light, occluder. Drawn, not yet rendered."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.data.synthetic.backgrounds import sample_background, studio_background
from focsbench.data.synthetic.config import SyntheticConfig
from focsbench.data.synthetic.expressions import resting_face, sample_expression
from focsbench.data.synthetic.lighting import Lighting, sample_lighting, studio_lighting
from focsbench.types import FloatArray

# How often each occluder is drawn where nothing asks for a certain one.
OCCLUDERS = {
    "hand": 0.26, "glasses": 0.12, "sunglasses": 0.13, "scarf": 0.16, "mask": 0.12, "object": 0.16,
    "hat": 0.05,
}  # fmt: skip


@dataclass(frozen=True)
class Shot:
    """One photograph before it is taken.

    angles: (3,) head pose rx, ry, rz in radians (method's convention). body: (3,) the torso's.
    distance: camera to face, mm. face_share: height of the face as a share of the picture.
    offset: (2,) shift of the face's centre from the picture's, as a share of its side.
    occluders: kinds, possibly two. exposure, blur (px), noise: of the camera.
    """

    angles: FloatArray
    body: FloatArray
    distance: float
    face_share: float
    offset: FloatArray
    expression: dict[str, float]
    lighting: Lighting
    background: FloatArray
    occluders: tuple[str, ...]
    exposure: float
    blur: float
    noise: float


def _pose(rng: np.random.Generator, config: SyntheticConfig, scale: float) -> FloatArray:
    degrees = rng.normal(0, [config.pitch_degrees, config.yaw_degrees, config.roll_degrees]) * scale
    limits = np.array([20.0, config.max_yaw_degrees, 20.0])
    result: FloatArray = np.radians(np.clip(degrees, -limits, limits))
    return result


def draw_occluders(rng: np.random.Generator) -> tuple[str, ...]:
    """Draw the kinds of occluder of one photograph; sometimes glasses come on top."""
    kinds = list(OCCLUDERS)
    first = str(rng.choice(kinds, p=np.array(list(OCCLUDERS.values())) / sum(OCCLUDERS.values())))
    if first in ("hand", "object", "scarf") and rng.random() < 0.12:
        return (str(rng.choice(["glasses", "sunglasses"])), first)
    return (first,)


def portrait(
    rng: np.random.Generator,
    config: SyntheticConfig,
    names: tuple[str, ...],
    occluders: tuple[str, ...],
    expressive: bool | None = None,
) -> Shot:
    """Draw a photograph in everyday conditions.

    expressive: force or forbid an expression; None leaves it to chance.
    """
    angles = _pose(rng, config, 1.0)
    if expressive is None:
        expressive = bool(rng.random() < 0.6)
    return Shot(
        angles=angles,
        body=0.3 * angles + rng.normal(0, 0.06, 3),
        distance=float(rng.uniform(600, 1500)),
        face_share=float(rng.uniform(0.54, 0.64)),
        offset=rng.uniform(-0.05, 0.05, 2),
        expression=sample_expression(rng, names) if expressive else resting_face(rng, names),
        lighting=sample_lighting(rng),
        background=sample_background(rng, config.photo_size),
        occluders=occluders,
        exposure=float(rng.uniform(0.88, 1.12)),
        blur=float(rng.uniform(0.3, 0.75)),
        noise=config.sensor_noise * float(rng.uniform(0.5, 1.6)),
    )


def studio(
    rng: np.random.Generator,
    config: SyntheticConfig,
    names: tuple[str, ...],
    occluders: tuple[str, ...],
) -> Shot:
    """Draw a frontal photograph in constant light, as in the AR database."""
    angles = _pose(rng, config, 0.22)
    return Shot(
        angles=angles,
        body=0.2 * angles,
        distance=float(rng.uniform(1100, 1300)),
        face_share=float(rng.uniform(0.57, 0.62)),
        offset=rng.uniform(-0.03, 0.03, 2),
        expression=resting_face(rng, names),
        lighting=studio_lighting(rng),
        background=studio_background(rng, config.photo_size),
        occluders=occluders,
        exposure=float(rng.uniform(0.96, 1.04)),
        blur=float(rng.uniform(0.4, 0.6)),
        noise=0.6 * config.sensor_noise,
    )


def selfie(
    rng: np.random.Generator,
    config: SyntheticConfig,
    names: tuple[str, ...],
    occluders: tuple[str, ...],
) -> Shot:
    """Draw a photograph from arm's length: strong perspective, camera a little above."""
    base = portrait(rng, config, names, occluders, expressive=bool(rng.random() < 0.5))
    angles = base.angles * np.array([0.6, 0.8, 1.0]) + np.array([rng.uniform(-0.02, 0.14), 0, 0])
    return Shot(**{**base.__dict__, "angles": angles, "distance": float(rng.uniform(350, 500))})
