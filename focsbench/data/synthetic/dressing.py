"""From a person and a shot to the surfaces of the scene, posed in camera space."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.data.synthetic.anatomy import Anatomy, measure
from focsbench.data.synthetic.hair import Hat, hair_curtain, hair_shell, hat_shell
from focsbench.data.synthetic.occluders_hands import SKIN, hand
from focsbench.data.synthetic.occluders_objects import held_object
from focsbench.data.synthetic.occluders_worn import Occluder, face_mask, glasses, scarf
from focsbench.data.synthetic.shots import Shot
from focsbench.data.synthetic.subjects import Subject, head_labels, load_heads
from focsbench.data.synthetic.surfaces import Surface
from focsbench.data.synthetic.torso import sample_colour, torso
from focsbench.data.synthetic.view import View
from focsbench.rendering.numba_rasterizer import rasterize_arrays
from focsbench.types import FloatArray

_CLEARANCE_MAP = 64


@dataclass(frozen=True)
class Scene:
    """Everything in camera space.

    person: head first, then hair, clothes. occluders: solid things in front of the face.
    lenses: see-through surfaces. landmarks: (68, 3) camera space. head_vertices: count of the
    first surface's vertices, whose per-pixel skin detail is painted.
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
        triangles=heads.triangles,
        colour=subject.paint[:, :3],
        uv=(heads.base[:, :2] / 90).astype(np.float32),
        labels=head_labels(),
        material=SKIN_OF_HEAD,
        highlight=subject.paint[:, -1],
    )


SKIN_OF_HEAD = SKIN.__class__(
    **{**SKIN.__dict__, "modulate": 0.0, "emboss": 0.10, "specular": 0.55, "gloss": 16.0}
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
    head = heads.head(subject.identity, shot.expression)
    anatomy = measure(head, heads.triangles, head[heads.landmarks68])
    worn = [_head_surface(subject, head)]
    hat = "hat" in shot.occluders
    if subject.style is not None:
        if not hat:
            worn.append(hair_shell(subject.style, anatomy, head, heads.triangles))
        if subject.style.length > 0:
            worn.append(hair_curtain(subject.style, anatomy))
    things = [_wear(kind, rng, subject, anatomy, head) for kind in shot.occluders]
    person = [s.moved(view.pose_worn(s.vertices, anatomy)) for s in worn]
    person.append(
        (lambda s: s.moved(view.pose_body(s.vertices, anatomy)))(torso(subject.clothes, anatomy))
    )
    occluders, lenses = [], []
    for thing in things:
        pose = view.pose_head if thing.held else lambda v: view.pose_worn(v, anatomy)
        solid = [s.moved(pose(s.vertices)) for s in thing.surfaces]
        if thing.held:
            solid = move_in_front(solid, person[0], view)
        occluders += solid
        lenses += [s.moved(pose(s.vertices)) for s in thing.lenses]
    return Scene(
        person=person,
        occluders=occluders,
        lenses=lenses,
        landmarks=view.pose_head(anatomy.landmarks),
        centre=view.pose_head(anatomy.landmarks[27:36].mean(axis=0, keepdims=True))[0],
    )


def move_in_front(held: list[Surface], head: Surface, view: View) -> list[Surface]:
    """Move what is held towards the camera until (almost) nothing of it is inside the head."""
    scale = _CLEARANCE_MAP / view.size
    xy = view.project(head.vertices)
    _, _, depth = rasterize_arrays(
        ((xy + 0.5) * scale - 0.5).astype(np.float32),
        head.vertices[:, 2].astype(np.float32),
        head.triangles,
        _CLEARANCE_MAP,
        _CLEARANCE_MAP,
        cull=False,
    )
    first = held[0].vertices
    pixel = np.round((view.project(first) + 0.5) * scale - 0.5).astype(int)
    inside = ((pixel >= 0) & (pixel < _CLEARANCE_MAP)).all(axis=1)
    surface = np.full(len(first), np.inf)
    surface[inside] = depth[pixel[inside, 1], pixel[inside, 0]]
    behind = first[:, 2] - surface
    touching = behind[np.isfinite(behind)]
    if touching.size == 0:
        return held
    shift = float(np.percentile(touching, 97)) + 1.0
    # what hovers far in front comes back to the face, too
    direction = first.mean(axis=0) / np.linalg.norm(first.mean(axis=0))
    return [s.moved(s.vertices - (shift * direction).astype(np.float32)) for s in held]
