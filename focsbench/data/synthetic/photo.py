"""Taking the photograph: rasterise, shade, see through lenses, develop, label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.data.synthetic.developing import (
    PICTURED,
    RENDERED,
    add_noise,
    develop,
    quantise,
    reduce_image,
    rendered_size,
    smaller_labels,
)
from focsbench.data.synthetic.dressing import Scene, dress
from focsbench.data.synthetic.interpolation import gather
from focsbench.data.synthetic.lighting import Lighting, shadow_maps
from focsbench.data.synthetic.parts import BACKGROUND, LABEL
from focsbench.data.synthetic.shading import shade
from focsbench.data.synthetic.shots import Shot
from focsbench.data.synthetic.subjects import Subject, load_heads
from focsbench.data.synthetic.surfaces import PackedScene, Surface, pack, rasterize_scene
from focsbench.data.synthetic.view import View, view_of
from focsbench.face_models.skin_detail import ATTRIBUTES, apply_detail
from focsbench.types import BoolArray, FloatArray, IntArray

SUPERSAMPLING = RENDERED / PICTURED
NEAR_MM = 60.0  # nothing nearer to the camera is drawn
SEE_THROUGH = 0.5  # lenses up to this opacity let the eye behind them count as visible
HIDDEN_MARGIN_MM = 6.0


@dataclass(frozen=True)
class Photo:
    """A photograph and what is known about it.

    image: (S, S, 3) uint8. ideal: (S, S, 3) uint8 without occluders and noise, or None.
    labels: (S, S) uint8 part of the front-most surface (parts.py); clear lenses are ``eye_g``
        except before an eye, which stays visible. lens: (S, S) bool, covered by a lens.
    landmarks: (68, 2) exact pixels. hidden: (68,) bool, behind something.
    pixels_per_mm: at the face.
    """

    image: IntArray
    ideal: IntArray | None
    labels: IntArray
    lens: BoolArray
    landmarks: FloatArray
    hidden: BoolArray
    pixels_per_mm: float


@dataclass(frozen=True)
class _Layer:
    """One rendering at the supersampled size.

    colour: (R, R, 3), black where empty. cover: (R, R), share of the background that is hidden.
    labels: (R, R), 0 where empty. depth: (R, R) mm, inf where empty.
    """

    colour: FloatArray
    cover: FloatArray
    labels: IntArray
    depth: FloatArray


def _render(
    scene: PackedScene,
    view: View,
    lighting: Lighting,
    shadows: tuple[FloatArray, FloatArray],
    subject: Subject | None,
) -> _Layer:
    """Render packed surfaces; with a subject the first one is its head and gets skin detail."""
    size = rendered_size(view.size)
    xy = (view.project(scene.vertices) + 0.5) * SUPERSAMPLING - 0.5
    depth = np.where(scene.vertices[:, 2] > NEAR_MM, scene.vertices[:, 2], -1.0)
    ids, barycentrics, nearest = rasterize_scene(scene, xy, depth, size, perspective=True)
    painted = None
    if subject is not None:
        painted = _paint_head(scene, ids, barycentrics, subject)
    colour = shade(scene, ids, barycentrics, lighting, shadows, painted)
    labels = np.where(ids >= 0, scene.labels[np.maximum(ids, 0)], BACKGROUND).astype(np.uint8)
    return _Layer(colour, (ids >= 0).astype(np.float32), labels, nearest)


def _paint_head(
    scene: PackedScene, ids: IntArray, barycentrics: FloatArray, subject: Subject
) -> FloatArray:
    """Albedo with pores, freckles, brow hairs and sharp irises where the head is seen, else -1."""
    painted = np.full((*ids.shape, 3), -1.0, dtype=np.float32)
    pixels, values = gather(
        ids,
        barycentrics,
        scene.vertices[:, 2],
        scene.triangles,
        subject.paint,
        len(load_heads().triangles),
    )
    detail = subject.appearance.detail
    attributes = values[:, 3 : 3 + len(ATTRIBUTES)]
    painted.reshape(-1, 3)[pixels] = apply_detail(values[:, :3], attributes, detail)
    return painted


def _look_through(
    layer: _Layer,
    lenses: list[Surface],
    view: View,
    lighting: Lighting,
    shadows: tuple[FloatArray, FloatArray],
) -> tuple[_Layer, BoolArray]:
    """Put lenses over a layer; returns the new layer and where a lens is the front-most surface."""
    seen = np.zeros(layer.labels.shape, dtype=np.bool_)
    colour, cover, labels = layer.colour, layer.cover, layer.labels.copy()
    eyes = (labels == LABEL["l_eye"]) | (labels == LABEL["r_eye"])
    for lens in lenses:
        glass = _render(pack([lens]), view, lighting, shadows, subject=None)
        front = glass.depth < layer.depth
        seen |= front
        mixed = (1 - lens.opacity) * layer.colour + lens.opacity * glass.colour
        # highlights lie on the glass, however clear it is
        shine = np.clip(glass.colour - 0.8, 0, 1) * (1 - lens.opacity)
        colour = np.where(front[..., None], mixed + shine, colour)
        cover = np.where(front, np.maximum(cover, np.float32(lens.opacity)), cover)
        keep = eyes if lens.opacity <= SEE_THROUGH else np.zeros_like(eyes)
        labels[front & ~keep] = LABEL["eye_g"]
    return _Layer(colour, cover, labels, layer.depth), seen


def _develop(layer: _Layer, shot: Shot) -> FloatArray:
    return develop(layer.colour, layer.cover, shot.background, shot.exposure, shot.blur)


def _hidden(scene: Scene, layer: _Layer, lens: BoolArray, pixels: FloatArray) -> BoolArray:
    """Which landmarks lie behind another surface."""
    size = layer.labels.shape[0]
    spot = np.round((pixels + 0.5) * SUPERSAMPLING - 0.5).astype(int)
    inside = ((spot >= 0) & (spot < size)).all(axis=1)
    column, row = np.clip(spot, 0, size - 1).T
    behind = layer.depth[row, column] < scene.landmarks[:, 2] - HIDDEN_MARGIN_MM
    dark = lens[row, column] & (layer.labels[row, column] == LABEL["eye_g"])
    result: BoolArray = ~inside | behind | dark
    return result


def take_photo(
    subject: Subject, shot: Shot, size: int, rng: np.random.Generator, with_ideal: bool = False
) -> Photo:
    """Render a shot.

    Args:
        size: side of the photograph, pixels.
        rng: for occluder details and sensor noise.
        with_ideal: also render the noise-free picture without occluders. The shadows that the
            occluders cast on the face stay in it, so that it equals the photograph wherever the
            face is visible.
    """
    view = view_of(shot, size)
    scene = dress(subject, shot, view, rng)
    everything = pack([*scene.person, *scene.occluders])
    shadows = shadow_maps(everything, shot.lighting, scene.centre)
    solid = _render(everything, view, shot.lighting, shadows, subject)
    layer, lens = _look_through(solid, scene.lenses, view, shot.lighting, shadows)
    picture = _develop(layer, shot)
    ideal = None
    if with_ideal:
        bare = _render(pack(scene.person), view, shot.lighting, shadows, subject)
        ideal = quantise(_develop(bare, shot))
    pixels = view.project(scene.landmarks)
    return Photo(
        image=add_noise(picture, shot.noise, rng),
        ideal=ideal,
        labels=smaller_labels(layer.labels),
        lens=reduce_image(lens[..., None].astype(np.float32))[..., 0] >= 0.5,
        landmarks=pixels,
        hidden=_hidden(scene, layer, lens, pixels),
        pixels_per_mm=view.focal / shot.distance,
    )
