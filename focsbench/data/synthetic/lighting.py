"""Light of a photograph: a smooth surrounding plus directional lights, two of them with shadows.

Everything is in camera axes (x right, y down, z into the scene), so light comes from -z in front.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.data.synthetic.surfaces import PackedScene, rasterize_scene
from focsbench.types import FloatArray

SHADOW_MAP_SIZE = 160
SHADOW_HALF_WIDTH = 210.0  # mm around the head's centre


@dataclass(frozen=True)
class Lighting:
    """The light of one photograph.

    ambient: (9, 3) coefficients of (1, x, y, z, xy, yz, 3z^2-1, xz, x^2-y^2) of the unit normal.
    directions: (3, 3) unit vectors towards key light, sky and fill light. The sky's only use is
        to darken the ambient light where it is hidden (``sky_share`` of it).
    colours: (3, 3) display RGB intensities of key, sky (unused) and fill.
    shadow: strength of the key light's shadows in [0, 1] (below 1 for large soft lights).
    softness: radius of the shadow filter in texels.
    """

    ambient: FloatArray
    directions: FloatArray
    colours: FloatArray
    shadow: float
    sky_share: float
    softness: float


def _direction(yaw: float, elevation: float) -> FloatArray:
    """Unit vector towards a light; yaw 0 is behind the camera, elevation is upwards (radians)."""
    return np.array(
        [np.sin(yaw) * np.cos(elevation), -np.sin(elevation), -np.cos(yaw) * np.cos(elevation)]
    )


def _tint(rng: np.random.Generator, spread: float) -> FloatArray:
    """Colour of a light between warm and cool, mean one."""
    warmth = rng.normal(0, spread)
    tint = np.array([1 + warmth, 1 + 0.15 * rng.normal(0, spread), 1 - warmth])
    result: FloatArray = tint / tint.mean()
    return result


def sample_lighting(rng: np.random.Generator) -> Lighting:
    """Draw an everyday light: indoor or outdoor, frontal to side, warm to cool."""
    level = rng.uniform(0.48, 0.72)
    ambient = np.zeros((9, 3))
    ambient[0] = level * _tint(rng, 0.05)
    ambient[1] = level * rng.normal(0, 0.16) * _tint(rng, 0.12)
    ambient[2] = -level * rng.uniform(0.0, 0.35) * _tint(rng, 0.12)
    ambient[3] = -level * rng.uniform(-0.05, 0.25) * _tint(rng, 0.08)
    ambient[4:] = level * rng.normal(0, 0.035, size=(5, 3))
    key_yaw = rng.normal(0, 0.65)
    directions = np.stack(
        [
            _direction(key_yaw, rng.uniform(0.05, 0.95)),
            _direction(rng.normal(0, 0.2), rng.uniform(0.5, 0.9)),
            _direction(-np.sign(key_yaw) * rng.uniform(0.5, 1.4), rng.uniform(-0.1, 0.6)),
        ]
    )
    key = rng.uniform(0.25, 0.62) * _tint(rng, 0.07)
    fill = rng.uniform(0.0, 0.22) * _tint(rng, 0.10)
    return Lighting(
        ambient=ambient,
        directions=directions,
        colours=np.stack([key, np.zeros(3), fill]),
        shadow=rng.uniform(0.45, 1.0),
        sky_share=rng.uniform(0.35, 0.6),
        softness=rng.uniform(1.0, 3.0),
    )


def studio_lighting(rng: np.random.Generator) -> Lighting:
    """Draw the constant frontal light of a laboratory, as in the AR database."""
    ambient = np.zeros((9, 3))
    ambient[0] = rng.uniform(0.58, 0.66) * _tint(rng, 0.015)
    ambient[2] = -0.12 * ambient[0]
    ambient[3] = -0.12 * ambient[0]
    directions = np.stack(
        [
            _direction(rng.normal(0, 0.12), rng.uniform(0.25, 0.5)),
            _direction(0, 0.7),
            _direction(rng.choice([-1, 1]) * 0.9, 0.2),
        ]
    )
    return Lighting(
        ambient=ambient,
        directions=directions,
        colours=np.stack([np.full(3, rng.uniform(0.36, 0.44)), np.zeros(3), np.full(3, 0.12)]),
        shadow=0.6,
        sky_share=0.45,
        softness=2.5,
    )


def light_axes(direction: FloatArray) -> FloatArray:
    """Return (3, 3) rows right, down, away of an orthographic camera at the light."""
    away = -np.asarray(direction, dtype=float)
    right = np.cross([0.0, 1.0, 0.05], away)
    right /= np.linalg.norm(right)
    return np.stack([right, np.cross(away, right), away])


def shadow_maps(
    scene: PackedScene, lighting: Lighting, centre: FloatArray
) -> tuple[FloatArray, FloatArray]:
    """Render the scene from the key light and from the sky.

    Args:
        centre: (3,) camera-space point the maps are centred on, mm.

    Returns:
        depth: (2, N, N) float32, mm along the light, inf where nothing is hit.
        matrices: (2, 3, 4) float32; rows map a camera-space point to (column, row, depth).
    """
    depths, matrices = [], []
    texels = SHADOW_MAP_SIZE / (2 * SHADOW_HALF_WIDTH)
    for direction in lighting.directions[:2]:
        axes = light_axes(direction)
        matrix = np.zeros((3, 4))
        matrix[:, :3] = axes
        matrix[:2] *= texels
        matrix[:, 3] = -matrix[:, :3] @ centre
        matrix[:2, 3] += (SHADOW_MAP_SIZE - 1) / 2
        matrix[2, 3] += 2000.0  # keeps depths positive
        matrix = matrix.astype(np.float32)
        seen = scene.vertices @ matrix[:, :3].T + matrix[:, 3]
        _, _, depth = rasterize_scene(
            scene, seen[:, :2], seen[:, 2], SHADOW_MAP_SIZE, perspective=False
        )
        depths.append(depth)
        matrices.append(matrix)
    return np.stack(depths).astype(np.float32), np.stack(matrices)
