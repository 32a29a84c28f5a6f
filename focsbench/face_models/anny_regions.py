"""Named vertex sets of the head: what is face, lips, nose, eyes, brows, ears, neck, scalp."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.face_models.anny_topology import HeadTopology

# All measures in mm in the model frame, on the average head.
_HAIRLINE = (95.0, 0.008)  # height on the middle line, fall per squared distance from it
_CHEEK_BACK = -33.0  # depth of the border just before the ears
_JAW_SLOPE = 0.35  # below this height the border follows the jaw forwards
_JAW_ANGLE = -20.0
_UNDER_CHIN = -84.0
_BROW_RADIUS = 5.5
_RIM_RINGS = 2  # rings of the eye sockets behind the lids that count as face


def build_regions(
    topology: HeadTopology,
    base: NDArray[np.floating[Any]],
    landmarks68: NDArray[np.int64],
) -> dict[str, NDArray[np.bool_]]:
    """Regions name -> (V,) bool of the average head ``base`` (V, 3) in mm.

    ``face`` is what a fitted model shows: forehead to hairline, cheeks to just before the ears,
    chin to its underside, eyeballs; one sheet without ears, neck and mouth interior. The other
    regions are skin parts (``lips``, ``nose``, ``brows``, ``ears``, ``neck``, and ``scalp`` where
    hair grows), the eyeballs (``eyes``), and the inner surfaces (``mouth_interior``,
    ``eye_cavity``). A strip of skin between face and ear is in none of them.
    """
    islands = topology.islands
    skin = islands["skin"]
    x, y, z = base.T
    ears = skin & (topology.masks["ears"] > 0.1)
    face = _face(topology, base, ears)
    neck = skin & ~face & ~ears & (y < -30) & ((topology.neck_weight > 0.3) | (y < -80))
    # Hair starts at the hairline in front, above the ears at the side and low in the nape.
    hair_floor = np.interp(z, [-75.0, -35.0, -20.0], [-45.0, 42.0, 60.0])
    return {
        "face": face,
        "lips": skin & (topology.masks["lips"] > 0.5),
        "nose": skin & (abs(x) < 19) & (y > -19) & (y < 20) & (z > 24 + 0.35 * abs(x)),
        "eyes": islands["left_eyeball"] | islands["right_eyeball"],
        "brows": skin
        & (_near_path(base, landmarks68[17:22]) | _near_path(base, landmarks68[22:27])),
        "ears": ears,
        "neck": neck,
        "scalp": skin & ~face & ~ears & ~neck & (y > hair_floor),
        "mouth_interior": islands["mouth_interior"] & ~skin,
        "eye_cavity": (islands["left_eye_cavity"] | islands["right_eye_cavity"]) & ~skin,
    }


def _face(
    topology: HeadTopology, base: NDArray[np.floating[Any]], ears: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Skin in front of a bowl-shaped border, with the first rings of sockets and the eyeballs."""
    x, y, z = base.T
    below_hairline = y < _HAIRLINE[0] - _HAIRLINE[1] * x**2
    border = _CHEEK_BACK + _JAW_SLOPE * np.maximum(_JAW_ANGLE - y, 0)
    face: NDArray[np.bool_] = topology.islands["skin"] & below_hairline & ~ears
    face &= (z > border) & (y > _UNDER_CHIN)
    cavity = topology.islands["left_eye_cavity"] | topology.islands["right_eye_cavity"]
    for _ in range(_RIM_RINGS):
        face |= _grow(topology.triangles, face) & cavity
    return face | topology.islands["left_eyeball"] | topology.islands["right_eyeball"]


def _grow(triangles: NDArray[np.int32], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The chosen vertices and their neighbours."""
    grown = chosen.copy()
    grown[triangles[chosen[triangles].any(axis=1)].ravel()] = True
    return grown


def _near_path(base: NDArray[np.floating[Any]], path: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Vertices within the brow radius of the polyline through the path's vertices."""
    points = base[path].astype(np.float64)
    steps = np.linspace(0, 1, 20)[:, None]
    dense = np.concatenate([a + steps * (b - a) for a, b in pairwise(points)])
    distance = np.linalg.norm(base[:, None] - dense[None], axis=-1).min(axis=1)
    near: NDArray[np.bool_] = distance < _BROW_RADIUS
    return near
