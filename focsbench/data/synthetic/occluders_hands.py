"""Hands in front of the face: posed fingers, a forearm, the colour of the person's own skin."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from focsbench.data.synthetic.anatomy import Anatomy
from focsbench.data.synthetic.grids import grid_triangles, grid_uv, rotation
from focsbench.data.synthetic.occluders_worn import Occluder
from focsbench.data.synthetic.parts import OTHER
from focsbench.data.synthetic.surfaces import Material, Surface, uniform
from focsbench.face_models.anny_hands import HandRig
from focsbench.types import FloatArray, IntArray

SKIN = Material(
    texture="skin", repeat=(1.6, 1.6), modulate=0.14, emboss=0.10, specular=0.10, gloss=4,
    wrap=(0.22, 0.09, 0.06), sheen=0.1,
)  # fmt: skip


@dataclass(frozen=True)
class Gesture:
    """A way to hold a hand at a face.

    curl: flexion (degrees) of the three joints of fingers 2 to 5. thumb: of the thumb's joints.
    spread: degrees between neighbouring fingers. target: landmark group to touch. contact: share
    of the way from wrist (0) to finger tips (1) that lies over the target. The palm looks at the
    face.
    """

    name: str
    curl: tuple[float, float, float]
    thumb: float
    spread: float
    target: str
    contact: float


GESTURES = (
    Gesture("cover_mouth", (8, 10, 6), 10, 2.5, "mouth", 0.72),
    Gesture("cover_eye", (10, 12, 8), 12, 3.0, "eye", 0.68),
    Gesture("cheek_rest", (12, 18, 12), 15, 3.0, "cheek", 0.60),
    Gesture("fist_mouth", (62, 80, 50), 26, 0.5, "mouth", 0.62),
    Gesture("fingers_lips", (22, 26, 18), 18, 1.0, "mouth", 0.90),
    Gesture("temple", (20, 30, 18), 14, 3.0, "temple", 0.92),
    Gesture("open_before", (4, 6, 4), 4, 7.0, "nose", 0.62),
)


def target_point(name: str, anatomy: Anatomy, side: float) -> FloatArray:
    """Return the (3,) point of the face that a gesture touches; side is +1 for subject's left."""
    p = anatomy.landmarks
    left = side > 0
    spots: dict[str, FloatArray] = {
        "mouth": p[48:68].mean(axis=0),
        "nose": p[30] * 0.6 + p[51] * 0.4,
        "chin": 0.6 * p[8] + 0.4 * p[57],
        "eye": p[42:48].mean(axis=0) if left else p[36:42].mean(axis=0),
        "cheek": (p[13] * 0.45 + p[54] * 0.55) if left else (p[3] * 0.45 + p[48] * 0.55),
        "temple": (p[16] * 0.4 + p[45] * 0.6) if left else (p[0] * 0.4 + p[36] * 0.6),
    }
    return spots[name]


def rest_axes(rig: HandRig) -> FloatArray:
    """Return (3, 3) columns: along the fingers, out of the palm, their cross product."""
    knuckle = rig.bones.index("finger3-1.R")
    along = rig.joints[knuckle] - rig.joints[0]
    along = along / np.linalg.norm(along)
    palm = np.cross(rig.axes[knuckle], along)
    palm = palm / np.linalg.norm(palm)
    return np.stack([along, palm, np.cross(along, palm)], axis=1)


def _turn(axis: FloatArray, degrees: float) -> NDArray[np.float64]:
    """Rotation matrix about a unit axis (Rodrigues)."""
    angle = np.radians(degrees)
    k = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    result: NDArray[np.float64] = np.eye(3) + np.sin(angle) * k + (1 - np.cos(angle)) * (k @ k)
    return result


def pose_fingers(rig: HandRig, gesture: Gesture, rng: np.random.Generator) -> FloatArray:
    """Return posed vertices (H, 3) of the right hand in rest axes; joints vary a little."""
    palm = rest_axes(rig)[:, 1]
    turns: dict[str, NDArray[np.float64]] = {}
    for index, bone in enumerate(rig.bones):
        if not bone.startswith("finger"):
            continue
        finger, joint = int(bone[6]), int(bone[8])
        if finger == 1:
            turns[bone] = _turn(rig.axes[index], gesture.thumb * rng.uniform(0.5, 1.2))
            continue
        bend = gesture.curl[joint - 1] * rng.uniform(0.75, 1.25) + rng.normal(0, 2.5)
        turn = _turn(rig.axes[index], bend * (1 + 0.08 * (finger - 2)))
        if joint == 1:
            turn = _turn(palm, gesture.spread * (finger - 3.5) * -1.0) @ turn
        turns[bone] = turn
    return rig.pose(turns)


def wrist_loop(triangles: IntArray) -> IntArray:
    """Return the vertex ids of the open boundary in order."""
    edges = np.concatenate([triangles[:, [0, 1]], triangles[:, [1, 2]], triangles[:, [2, 0]]])
    code = edges[:, 0].astype(np.int64) << 32 | edges[:, 1]
    twin = edges[:, 1].astype(np.int64) << 32 | edges[:, 0]
    after = {int(a): int(b) for a, b in edges[~np.isin(code, twin)]}
    start = min(after)
    loop = [start]
    while after[loop[-1]] != start:
        loop.append(after[loop[-1]])
    return np.array(loop)


def with_forearm(surface: Surface, direction: FloatArray, bare: float) -> Surface:
    """Extend a hand smoothly beyond its open wrist by ``bare`` mm of skin along a direction."""
    loop = wrist_loop(surface.triangles)
    ring, count = surface.vertices[loop], len(surface.vertices)
    steps = np.linspace(0, bare, 6)[1:, None, None]
    rows = ring.mean(axis=0) + (1 + 0.0022 * steps) * (ring - ring.mean(axis=0)) + steps * direction
    first = np.concatenate([loop, count + np.arange(rows.size // 3)]).reshape(-1, len(loop))
    here, beside = first, np.roll(first, -1, axis=1)
    # a triangle of the hand runs along each edge of the loop; the neighbour runs back
    new = [
        np.stack([beside[:-1], here[:-1], here[1:]], -1).reshape(-1, 3),
        np.stack([beside[:-1], here[1:], beside[1:]], -1).reshape(-1, 3),
    ]
    triangles = np.concatenate([surface.triangles, *new]).astype(np.int32)
    uv = surface.uv[loop] - np.array([1 / 90, 0]) * steps
    colour = np.broadcast_to(surface.colour[loop], rows.shape)
    return replace(
        surface,
        vertices=np.concatenate([surface.vertices, rows.reshape(-1, 3)]).astype(np.float32),
        triangles=triangles,
        colour=np.concatenate([surface.colour, colour.reshape(-1, 3)]).astype(np.float32),
        uv=np.concatenate([surface.uv, uv.reshape(-1, 2)]).astype(np.float32),
        labels=np.full(len(triangles), OTHER, dtype=np.uint8),
    )


def _sleeve(
    ring: FloatArray, direction: FloatArray, start: float, colour: tuple[float, float, float]
) -> Surface:
    """A loose tube of cloth around the forearm, from ``start`` mm behind the wrist ring (N, 3)."""
    steps = np.linspace(start, 320.0, 8)[:, None, None]
    rows = ring.mean(axis=0) + 1.22 * (1 + 0.002 * steps) * (ring - ring.mean(axis=0))
    rows = rows + steps * direction
    return uniform(
        rows.reshape(-1, 3),
        grid_triangles(8, len(ring), wrap=True),
        colour,
        OTHER,
        uv=grid_uv(8, len(ring)),
        material=Material(texture="weave", repeat=(2.0, 6.0), modulate=0.3, sheen=0.2),
    )


def _orientation(rng: np.random.Generator, gesture: Gesture, side: float) -> FloatArray:
    """Return (3, 3) columns in the head's frame: along the fingers, out of the palm, across."""
    crossing = gesture.target in ("mouth", "nose", "eye")
    lean = np.radians(rng.uniform(5, 65) if crossing else rng.uniform(-5, 35))
    fingers = np.array([-side * np.sin(lean), np.cos(lean), 0.0])
    at_the_side = gesture.target in ("cheek", "temple")
    palm = np.array([-side * 0.9, 0.0, -0.6]) if at_the_side else np.array([0.0, 0.0, -1.0])
    palm = palm - fingers * (palm @ fingers)
    palm /= np.linalg.norm(palm)
    axes = np.stack([fingers, palm, np.cross(fingers, palm)], axis=1)
    result: FloatArray = axes @ rotation(np.radians(rng.normal(0, 7, 3)))
    return result


def _hand_colour(skin: FloatArray, vertices: FloatArray) -> FloatArray:
    """Colour the vertices (H, 3; x along the fingers, y palm): pale palm, reddish finger tips."""
    palm_side = np.clip(vertices[:, 1] / 14.0, -1, 1)[:, None]
    tips = np.clip((vertices[:, 0] / vertices[:, 0].max() - 0.85) / 0.15, 0, 1)[:, None]
    colour = skin * (1 + 0.10 * palm_side) * (1 + tips * np.array([0.05, -0.07, -0.05]))
    result: FloatArray = np.clip(colour, 0, 1).astype(np.float32)
    return result


def hand(
    rng: np.random.Generator,
    anatomy: Anatomy,
    rig: HandRig,
    skin: FloatArray,
    sleeve: tuple[float, float, float],
) -> Occluder:
    """Build one hand of the person at the face, with its forearm.

    skin: (3,) display RGB of the back of the hand.
    """
    gesture = GESTURES[int(rng.integers(len(GESTURES)))]
    side = float(rng.choice([-1.0, 1.0]))  # the arm comes from this side of the person
    vertices = pose_fingers(rig, gesture, rng) @ rest_axes(rig)  # now x fingers, y palm, z cross
    triangles = rig.triangles
    if side > 0:  # the rig is a right hand (-x side); the left one is its mirror image
        vertices = vertices * np.array([1, 1, -1], dtype=np.float32)
        triangles = np.ascontiguousarray(triangles[:, ::-1])
    vertices = vertices * rng.uniform(0.92, 1.06)
    axes = _orientation(rng, gesture, side)
    contact = np.array([gesture.contact * float(vertices[:, 0].max()), 0.0, 0.0])
    target = target_point(gesture.target, anatomy, side) + rng.normal(0, 6, 3)
    placed = (vertices - contact) @ axes.T + target - axes[:, 1] * rng.uniform(16, 22)
    surface = Surface(
        vertices=placed.astype(np.float32),
        triangles=triangles,
        colour=_hand_colour(skin, vertices),
        uv=(vertices[:, [0, 2]] / 90.0).astype(np.float32),
        labels=np.full(len(triangles), OTHER, dtype=np.uint8),
        material=SKIN,
        closed=True,
    )
    arm = -axes[:, 0] + np.array([side * 0.25, -0.35, 0.15])
    arm = arm / np.linalg.norm(arm)
    bare = rng.uniform(20, 90)
    ring = surface.vertices[wrist_loop(triangles)]
    solid = [with_forearm(surface, arm, bare + 12), _sleeve(ring, arm, bare, sleeve)]
    return Occluder("hand", solid, held=True)
