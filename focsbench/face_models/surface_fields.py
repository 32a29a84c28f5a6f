"""Scalar fields over the head mesh in which skin, hair and eyes are painted.

Every field is a smooth function of the *canonical* position of a vertex: millimetres on the
base head, origin half-way between the eyeball centres, +x subject's left, +y up, +z forward.
The mesh is coarse (2 mm around eyes and mouth, 5 mm on the forehead), so edges are soft on
purpose: a hard edge would show the triangles.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from focsbench.face_models.mesh_parts import (
    eyeball_components,
    soften,
    sphere_centre,
    vertex_adjacency,
    vertex_areas,
)

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from focsbench.face_models.anny_heads import AnnyHeads

    FloatArray = NDArray[np.float32]
    AnyFloat = NDArray[np.floating[Any]]

EYEBALL_RADIUS_MM = 14.95
INTEROCULAR_MM = 61.55  # eyeball centre to eyeball centre on the base head; fixes the scale
# Heights in mm to which the chin, the middle of the lips and the nose tip of any base are warped.
ANCHOR_HEIGHTS = (-111.0, -68.0, -37.0)
HEAD_AXIS_Z_MM = -67.0  # vertical axis of the skull, from which azimuths are measured

# Hairline and upper edge of the beard: azimuth in degrees (0 = nose, 90 = ear) -> height in mm.
_HAIRLINE = (
    (0, 18, 28, 36, 43, 50, 56, 62, 70, 79, 88, 100, 112, 130, 180),
    (77, 77, 74, 64, 50, 36, 20, 4, -12, -8, 12, 4, -20, -48, -58),
)
_BEARD_TOP = ((0, 12, 19, 30, 45, 60, 72, 84, 100), (-50, -50, -56, -60, -53, -38, -14, 0, -60))
_BEARD_BOTTOM = ((0, 25, 45, 65, 90), (-122, -120, -108, -92, -80))


@dataclass(frozen=True)
class SurfaceFields:
    """Weights in [0, 1] per vertex (V,) unless said otherwise; see ``build_fields``.

    ``position`` (V, 3) canonical mm; ``eye_radius`` (V,) mm from the optical axis on eyeballs
    (inf elsewhere); ``hairline`` (V,) mm beyond the hairline; ``brow_zone`` the indices of the
    vertices that a brow can reach; ``noise`` (V, K) smooth random fields of unit variance with
    ``noise_scale`` (K,) their correlation length in mm and ``noise_odd`` (K,) True where the
    field is left-right antisymmetric.
    """

    position: FloatArray
    area: FloatArray
    face: FloatArray
    skin: FloatArray
    eyeball: FloatArray
    eye_radius: FloatArray
    mouth_interior: FloatArray
    lips: FloatArray
    lip_line: FloatArray
    nostrils: FloatArray
    lid_margin: FloatArray
    upper_lid: FloatArray
    under_eye: FloatArray
    cheeks: FloatArray
    nose_tip: FloatArray
    ears: FloatArray
    forehead: FloatArray
    freckle_zone: FloatArray
    beard: FloatArray
    moustache: FloatArray
    hairline: FloatArray
    nasolabial: FloatArray
    chin_crease: FloatArray
    brow_zone: NDArray[np.intp]
    noise: FloatArray
    noise_scale: FloatArray
    noise_odd: NDArray[np.bool_]


def smoothstep(low: float, high: float, value: AnyFloat) -> FloatArray:
    """Return 0 below ``low``, 1 above ``high`` and a cubic ramp in between."""
    t = np.clip((value - low) / (high - low), 0.0, 1.0)
    return np.asarray(t * t * (3.0 - 2.0 * t), np.float32)


def mix(albedo: FloatArray, colour: FloatArray, share: FloatArray) -> FloatArray:
    """Return colours (V, 3) with ``share`` (V,) of each replaced by ``colour``, (3,) or (V, 3)."""
    return albedo + share[:, None] * (colour - albedo)


def blob(
    position: FloatArray, centre: tuple[float, float, float], sigma: tuple[float, float, float]
) -> FloatArray:
    """Return a left-right symmetric Gaussian bump (V,) around ``centre`` (mm, x >= 0)."""
    mirrored = np.abs(position * np.array([1, 0, 0])) + position * np.array([0, 1, 1])
    scaled = (mirrored - np.array(centre)) / np.array(sigma)
    return np.asarray(np.exp(-0.5 * np.sum(scaled * scaled, axis=1)), np.float32)


def azimuth_degrees(position: FloatArray) -> FloatArray:
    """Return the angle (V,) around the skull's axis, 0 at the nose, 90 at either ear."""
    angle = np.arctan2(np.abs(position[:, 0]), position[:, 2] - HEAD_AXIS_Z_MM)
    return np.asarray(np.degrees(angle), np.float32)


def noise_bank(position: FloatArray) -> tuple[FloatArray, FloatArray, NDArray[np.bool_]]:
    """Return smooth random fields (V, K), their correlation length (K,) and parity (K,).

    Random Fourier features of a Gaussian kernel in canonical space: cheap, smooth, the same
    on every machine, and mirror symmetric or antisymmetric by construction.
    """
    rng = np.random.default_rng(20230617)
    fields, scales, odd = [], [], []
    for scale, even_count, odd_count in ((50, 14, 6), (28, 24, 10), (16, 34, 16), (8, 36, 24)):
        for index in range(even_count + odd_count):
            frequency = rng.normal(0.0, 1.0 / scale, 3)
            phase = rng.uniform(0.0, 2.0 * np.pi)
            along = position[:, 1:] @ frequency[1:] + phase
            is_odd = index >= even_count
            across = position[:, 0] * frequency[0]
            wave = np.cos(along) * (np.sin(across) if is_odd else np.cos(across))
            fields.append(np.sqrt(2.0) * wave)
            scales.append(scale)
            odd.append(is_odd)
    bank = np.stack(fields, axis=1).astype(np.float32)
    return bank, np.array(scales, np.float32), np.array(odd)


def _beard_fields(position: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Return (beard, moustache): where facial hair grows, lips not yet excluded."""
    azimuth = azimuth_degrees(position)
    height = position[:, 1]
    below_top = smoothstep(-3.0, 7.0, np.interp(azimuth, *_BEARD_TOP) - height)
    above_bottom = smoothstep(-2.0, 12.0, height - np.interp(azimuth, *_BEARD_BOTTOM))
    in_front = smoothstep(-72.0, -58.0, position[:, 2])
    area = np.asarray(below_top * above_bottom * in_front, np.float32)
    near_middle = 1.0 - smoothstep(20, 31, np.abs(position[:, 0]))
    upper_lip = np.asarray(smoothstep(-66.0, -60.0, height) * near_middle, np.float32)
    return area * (1.0 - upper_lip), area * upper_lip


def distance_above_hairline(position: FloatArray) -> FloatArray:
    """Return the distance in mm (V,) from the hairline, positive on the hairy side.

    The height above the line is divided by the line's steepness, so that a ramp over this
    distance is as wide at the steep temples as on the level forehead.
    """
    azimuth = azimuth_degrees(position)
    degrees = np.arange(181.0)
    line = np.interp(degrees, *_HAIRLINE)
    rise_per_degree = np.interp(azimuth, degrees, np.gradient(line))
    radius = np.hypot(position[:, 0], position[:, 2] - HEAD_AXIS_Z_MM)
    slope = rise_per_degree / np.maximum(np.radians(1.0) * radius, 0.3)
    height = position[:, 1] - np.interp(azimuth, degrees, line)
    return np.asarray(height / np.sqrt(1.0 + slope**2), np.float32)


def _nasolabial(position: FloatArray) -> FloatArray:
    """Return the fold from the wing of the nose to the corner of the mouth."""
    down = np.clip((-40.0 - position[:, 1]) / 28.0, -0.2, 1.2)
    near = np.exp(-0.5 * ((np.abs(position[:, 0]) - 17.0 - 14.0 * down) / 2.5) ** 2)
    fold = near * smoothstep(-0.15, 0.25, down) * (1.0 - smoothstep(0.75, 1.15, down))
    return np.asarray(fold * smoothstep(0.0, 8.0, position[:, 2]), np.float32)


def canonical_position(
    base: FloatArray, eyes: tuple[NDArray[np.intp], ...], lips: NDArray[np.bool_]
) -> FloatArray:
    """Return the canonical position (V, 3): eye frame, lower face stretched onto the anchors."""
    centres = np.stack([sphere_centre(base[e]) for e in eyes])
    scale = INTEROCULAR_MM / np.linalg.norm(centres[0] - centres[1])
    position = (base - centres.mean(axis=0)) * scale
    height, depth = position[:, 1], position[:, 2]
    middle = np.abs(position[:, 0]) < 1.0
    mouth = 0.5 * (height[lips].min() + height[lips].max())
    nose = height[np.argmax(np.where(middle & (height < 0.0), depth, -np.inf))]
    below_mouth = middle & (height < mouth - 22.0) & (depth > 0.0)
    foremost = depth[below_mouth].max()
    chin = height[below_mouth & (depth > foremost - 12.0)].min()
    below_chin = ANCHOR_HEIGHTS[0] + np.minimum(height - chin, 0.0)
    stretched = np.interp(height, (chin, mouth, nose, 0.0), (*ANCHOR_HEIGHTS, 0.0))
    position[:, 1] = np.where(height < chin, below_chin, np.where(height < 0, stretched, height))
    return np.asarray(position, np.float32)


def _eye_radius(position: FloatArray, eyes: tuple[NDArray[np.intp], ...]) -> FloatArray:
    """Distance in mm from the optical axis for the front half of the eyeballs, else inf."""
    radius = np.full(len(position), np.inf, np.float32)
    for members in eyes:
        eye = position[members]
        centre = sphere_centre(eye)
        lateral = np.linalg.norm(eye[:, :2] - centre[:2], axis=1)
        radius[members] = np.where(eye[:, 2] > centre[2], lateral, EYEBALL_RADIUS_MM)
    return radius


def build_fields(heads: AnnyHeads) -> SurfaceFields:
    """Compute every painting field of the head mesh (deterministic, about 0.1 s)."""
    base = np.asarray(heads.base, np.float32)
    eyes = eyeball_components(heads.triangles, base)
    position = canonical_position(base, eyes, heads.regions["lips"])
    parts = _part_fields(heads, position, eyes)
    beard, moustache = _beard_fields(position)
    bare = parts["skin"] * (1.0 - np.clip(1.3 * parts["lips"], 0, 1)) * (1.0 - parts["ears"])
    x, y, z = np.abs(position[:, 0]), position[:, 1], position[:, 2]
    bank, scale, odd = noise_bank(position)
    return SurfaceFields(
        position=position,
        area=vertex_areas(position, heads.triangles),
        beard=beard * bare,
        moustache=moustache * bare,
        hairline=distance_above_hairline(position) * (1.0 - parts["ears"]),
        brow_zone=np.flatnonzero((y > 5.0) & (y < 32.0) & (x < 62.0) & (z > -40.0)),
        noise=bank,
        noise_scale=scale,
        noise_odd=odd,
        **parts,
        **_zone_fields(position),
    )


def _part_fields(
    heads: AnnyHeads, position: FloatArray, eyes: tuple[NDArray[np.intp], ...]
) -> dict[str, FloatArray]:
    """Soft, left-right symmetric versions of the mesh's own parts, and what borders on them."""
    adjacency = vertex_adjacency(heads.triangles, len(position))
    region = {
        name: 0.5 * (mask + mask[heads.mirror].astype(np.float32))
        for name, mask in heads.regions.items()
    }
    eyeball = np.zeros(len(position), np.float32)
    eyeball[np.concatenate(eyes)] = 1.0
    interior = soften(region["mouth_interior"], adjacency, 1)
    lips = soften(region["lips"], adjacency, 1) * (1.0 - interior)
    mirrored = np.abs(position * np.array([1, 0, 0])) + position * np.array([0, 1, 1])
    to_eye = np.linalg.norm(mirrored - np.array([0.5 * INTEROCULAR_MM, 0.0, 0.0]), axis=1)
    near_eye = (1.0 - smoothstep(15.3, 18.2, to_eye)) * smoothstep(-2.0, 4.0, position[:, 2])
    return {
        "face": soften(region["face"], adjacency, 2),
        "skin": (1.0 - eyeball) * (1.0 - interior),
        "eyeball": eyeball,
        "eye_radius": _eye_radius(position, eyes),
        "mouth_interior": interior,
        "lips": lips,
        "lip_line": blob(position, (0, -66.8, 28), (60, 1.6, 12)) * lips,
        "lid_margin": near_eye * (1.0 - eyeball),
        "ears": soften(region["ears"], adjacency, 3),
    }


def _zone_fields(position: FloatArray) -> dict[str, FloatArray]:
    """Zones of the skin that are known by their place alone."""
    y, z = position[:, 1], position[:, 2]
    below_eyes = blob(position, (26, -24, 14), (17, 10, 22))
    bridge = blob(position, (0, -18, 34), (13, 13, 16))
    return {
        "nostrils": blob(position, (8.4, -41.2, 33.0), (2.9, 1.7, 2.9)),
        "upper_lid": blob(position, (31, 10.0, 15), (15, 5.0, 14)),
        "under_eye": blob(position, (27, -13.5, 12), (11, 4.5, 12)),
        "cheeks": blob(position, (41, -34, 2), (15, 13, 22)),
        "nose_tip": blob(position, (0, -36, 40), (12, 10, 14)),
        "forehead": smoothstep(22, 45, y) * (1.0 - smoothstep(70, 95, y)) * smoothstep(-30, 0, z),
        "freckle_zone": np.maximum(below_eyes, bridge),
        "nasolabial": _nasolabial(position),
        "chin_crease": blob(position, (0, -87.0, 25), (13, 2.5, 8)),
    }
