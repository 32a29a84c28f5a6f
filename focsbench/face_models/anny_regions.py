"""Named vertex sets of the head: what is face, lips, nose, eyes, brows, ears, neck, scalp."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.face_models.anny_topology import HeadTopology

# All measures in mm in the model frame, on the average head.
_FACE_TOP = 72.0  # hairline of the forehead on the middle line
_BROW_RADIUS = 5.5
_RIM_RINGS = 2  # rings of the eye sockets and the inner lips that count as face


def build_regions(
    topology: HeadTopology,
    base: NDArray[np.floating[Any]],
    landmarks68: NDArray[np.int64],
) -> dict[str, NDArray[np.bool_]]:
    """Regions name -> (V,) bool of the average head ``base`` (V, 3) in mm.

    ``face`` is what a fitted model shows: forehead to hairline, cheeks to just before the ears,
    chin to its underside, eyeballs; one sheet without ears, neck and mouth interior. The other
    regions are skin parts (``lips``, ``nose``, ``brows``, ``ears``, ``neck``, ``scalp``), the
    eyeballs (``eyes``), and the inner surfaces (``mouth_interior``, ``eye_cavity``).
    """
    islands = topology.islands
    skin = islands["skin"]
    x, y, z = base.T
    lips = skin & (topology.masks["lips"] > 0.5)
    ears = skin & (topology.masks["ears"] > 0.1)
    eyes = islands["left_eyeball"] | islands["right_eyeball"]
    cavity = (islands["left_eye_cavity"] | islands["right_eye_cavity"]) & ~skin
    mouth = islands["mouth_interior"] & ~skin
    face = _face(topology, base, ears)
    neck = skin & (y < -30) & ~face & ~ears & ((topology.neck_weight > 0.3) | (y < -80))
    return {
        "face": face,
        "lips": lips,
        "nose": skin & (abs(x) < 19) & (y > -19) & (y < 20) & (z > 24 + 0.35 * abs(x)),
        "eyes": eyes,
        "brows": skin & _near_path(base, landmarks68[17:22])
        | skin & _near_path(base, landmarks68[22:27]),
        "ears": ears,
        "neck": neck,
        "scalp": skin & ~face & ~ears & ~neck,
        "mouth_interior": mouth,
        "eye_cavity": cavity,
    }


def _face(
    topology: HeadTopology, base: NDArray[np.floating[Any]], ears: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """Skin in front of a bowl-shaped border, with the first rings of sockets and eyeballs."""
    x, y, z = base.T
    hairline = y < _FACE_TOP - 0.0035 * x**2
    sides = z > np.where(y > -20, -24.0, -24.0 + 0.35 * (-20 - y))
    chin = y > -84 + 0.0
    skin = topology.islands["skin"] & hairline & sides & chin & ~ears
    cavity = topology.islands["left_eye_cavity"] | topology.islands["right_eye_cavity"]
    face = skin.copy()
    for _ in range(_RIM_RINGS):
        face |= _grow(topology.triangles, face) & cavity
    face |= topology.islands["left_eyeball"] | topology.islands["right_eyeball"]
    return face


def _grow(triangles: NDArray[np.int32], chosen: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """The chosen vertices and their neighbours."""
    grown = chosen.copy()
    grown[triangles[chosen[triangles].any(axis=1)].ravel()] = True
    return grown


def _near_path(base: NDArray[np.floating[Any]], path: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Vertices within the brow radius of the polyline through the path's vertices."""
    points = base[path].astype(np.float64)
    steps = np.linspace(0, 1, 20)[:, None]
    dense = np.concatenate([a + steps * (b - a) for a, b in zip(points, points[1:], strict=False)])
    distance = np.linalg.norm(base[:, None] - dense[None], axis=-1).min(axis=1)
    near: NDArray[np.bool_] = distance < _BROW_RADIUS
    return near
