"""From a person and a shot to the surfaces of the scene, posed in camera space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.data.synthetic.anatomy import Anatomy, measure
from focsbench.data.synthetic.hair import Hat, hat_shell
from focsbench.data.synthetic.occluders_hands import SKIN, hand
from focsbench.data.synthetic.occluders_objects import held_object
from focsbench.data.synthetic.occluders_worn import Occluder, face_mask, glasses, scarf
from focsbench.data.synthetic.shots import Shot
from focsbench.data.synthetic.subjects import Subject, head_labels, load_heads, without_shoulders
from focsbench.data.synthetic.surfaces import Surface
from focsbench.data.synthetic.torso import sample_colour
from focsbench.data.synthetic.view import View
from focsbench.rendering.numba_rasterizer import rasterize_arrays
from focsbench.types import FloatArray

_CLEARANCE_MAP = 80
_FAR = 4000.0


@dataclass(frozen=True)
class Scene:
    """Everything in camera space.

    person: head first, then hair, clothes. occluders: solid things in front of the face.
    lenses: see-through surfaces. landmarks: (68, 3). centre: (3,) of the landmarks of the nose.
    """

    person: list[Surface]
    occluders: list[Surface]
    lenses: list[Surface]
    landmarks: FloatArray
    centre: FloatArray


def _head_surface(subject: Subject, vertices: FloatArray) -> Surface:
    heads = load_heads()
    return Surface(
        vertices=vertices,
        triangles=load_heads().triangles,
        colour=subject.paint[:, :3],
        uv=(heads.base[:, :2] / 90).astype(np.float32),
        labels=head_labels(),
        material=SKIN_OF_HEAD,
        highlight=subject.paint[:, -1],
        closed=True,
    )


SKIN_OF_HEAD = SKIN.__class__(
    **{**SKIN.__dict__, "modulate": 0.0, "emboss": 0.10, "specular": 0.55, "gloss": 4}
)


def _wear(
    kind: str, rng: np.random.Generator, subject: Subject, anatomy: Anatomy, head: FloatArray
) -> Occluder:
    skin = subject.appearance.skin_rgb if rng.random() < 0.18 else None
    if kind in ("glasses", "sunglasses"):
        return glasses(rng, anatomy, dark=kind == "sunglasses")
    if kind == "scarf":
        return scarf(rng, anatomy, skin)
    if kind == "mask":
        return face_mask(rng, anatomy, skin)
    if kind == "object":
        return held_object(rng, anatomy)
    if kind == "hat":
        hat = Hat(
            edge=float(rng.uniform(22, 48)),
            thickness=float(rng.uniform(5, 9)),
            colour=sample_colour(rng),
            second_colour=sample_colour(rng),
            texture=str(rng.choice(["rib", "knit", "stripes"])),
        )
        return Occluder("hat", [hat_shell(hat, anatomy, head, load_heads().triangles)])
    tone = subject.appearance.hand_albedo * rng.uniform(0.95, 1.05)
    return hand(rng, anatomy, load_heads().hands, tone, subject.clothes.colour)


def dress(subject: Subject, shot: Shot, view: View, rng: np.random.Generator) -> Scene:
    """Build the scene of a shot.

    Args:
        view: the camera and the poses of head and body.
        rng: for the details of the occluders.
    """
    heads = load_heads()
    # the few degrees by which the head was aligned do not matter for the direction of a smile
    offsets = heads.expression_offsets(shot.expression, subject.identity.ethnicity)
    head = subject.neutral + offsets
    landmarks = head[heads.landmarks68]
    head = without_shoulders(head, float(landmarks[8, 1]))
    worn = [_head_surface(subject, head)]
    if subject.cap is not None and "hat" not in shot.occluders:
        worn.append(subject.cap)
    if subject.curtain is not None:
        worn.append(subject.curtain)
    person = [s.moved(view.pose_worn(s.vertices, subject.anatomy)) for s in worn]
    person.append(subject.torso.moved(view.pose_body(subject.torso.vertices, subject.anatomy)))
    occluders: list[Surface] = []
    lenses: list[Surface] = []
    if shot.occluders:
        anatomy = measure(head, load_heads().triangles, landmarks)
        for kind in shot.occluders:
            thing = _wear(kind, rng, subject, anatomy, head)
            behind = [person[0], *occluders]
            occluders += _place(thing, thing.surfaces, view, subject, behind)
            lenses += _place(thing, thing.lenses, view, subject, behind)
    return Scene(
        person=person,
        occluders=occluders,
        lenses=lenses,
        landmarks=view.pose_head(landmarks),
        centre=view.pose_head(landmarks[27:36].mean(axis=0, keepdims=True))[0],
    )


def _place(
    thing: Occluder,
    surfaces: list[Surface],
    view: View,
    subject: Subject,
    behind: list[Surface],
) -> list[Surface]:
    """Pose the surfaces of an occluder: worn things bend with the neck, held ones do not."""
    if not thing.held:
        return [s.moved(view.pose_worn(s.vertices, subject.anatomy)) for s in surfaces]
    posed = [s.moved(view.pose_head(s.vertices)) for s in surfaces]
    # fingers may sink into the skin a little, hard things may not
    inside = 3.0 if thing.kind == "hand" else 0.0
    return move_in_front(posed, behind, view, inside)


def move_in_front(
    held: list[Surface], behind: list[Surface], view: View, inside: float
) -> list[Surface]:
    """Move what is held along the line of sight until it touches what is behind it.

    Both are rendered to small depth maps: the front of face and glasses, the back of the thing.
    ``inside`` percent of the overlap may stay hidden behind the face.
    """
    if not held:
        return held
    front = np.minimum.reduce([_depth_map(s, view, farthest=False) for s in behind])
    back = _depth_map(held[0], view, farthest=True)
    overlap = back - front
    overlap = overlap[np.isfinite(overlap)]
    if overlap.size == 0:
        return held
    shift = float(np.percentile(overlap, 100.0 - inside)) + 1.0
    middle = held[0].vertices.mean(axis=0)
    step = (shift / np.linalg.norm(middle) * middle).astype(np.float32)
    return [s.moved(s.vertices - step) for s in held]


def _depth_map(surface: Surface, view: View, farthest: bool) -> FloatArray:
    """Nearest or farthest depth (N, N) of a surface, not finite where it is not."""
    scale = _CLEARANCE_MAP / view.size
    xy = (view.project(surface.vertices) + 0.5) * scale - 0.5
    depth = surface.vertices[:, 2]
    _, _, found = rasterize_arrays(
        xy.astype(np.float32),
        np.float32(_FAR) - depth if farthest else depth,
        surface.triangles,
        _CLEARANCE_MAP,
        _CLEARANCE_MAP,
        cull=False,
    )
    return _FAR - found if farthest else found
