"""Photographs of the embedded benchmark against a ray caster that shares no code with them."""

from __future__ import annotations

import numpy as np
import pytest

from focsbench.data.synthetic.config import SyntheticConfig
from focsbench.data.synthetic.dressing import dress
from focsbench.data.synthetic.parts import BACKGROUND, IS_FACE, LABEL, OTHER
from focsbench.data.synthetic.photo import take_photo
from focsbench.data.synthetic.seeds import generator
from focsbench.data.synthetic.shots import OCCLUDERS, portrait, selfie, studio
from focsbench.data.synthetic.subjects import load_heads, sample_subject
from focsbench.data.synthetic.view import view_of

SIZE = 128
CONFIG = SyntheticConfig(photo_size=SIZE)


@pytest.fixture(scope="module")
def subject():
    return sample_subject(generator(2, "subject"), CONFIG.identity_spread)


def shoot(subject, occluders, number=0, maker=portrait, with_ideal=False):
    rng = generator(2, "shot", number)
    shot = maker(rng, CONFIG, load_heads().expression_names, occluders)
    return shot, take_photo(subject, shot, SIZE, generator(2, "photo", number), with_ideal)


def first_hit(scene_surfaces, focal, pixels):
    """Label of the front-most triangle under each pixel, by brute-force ray casting (float64)."""
    labels = np.zeros(len(pixels), dtype=int)
    nearest = np.full(len(pixels), np.inf)
    middle = (SIZE - 1) / 2
    rays = np.column_stack([(pixels - middle) / focal, np.ones(len(pixels))])
    for surface in scene_surfaces:
        a, b, c = (surface.vertices[surface.triangles[:, k]].astype(float) for k in range(3))
        in_front = (np.stack([a, b, c])[..., 2] > 60).all(axis=0)
        e1, e2 = b - a, c - a
        for index, ray in enumerate(rays):
            p = np.cross(ray, e2)
            det = (e1 * p).sum(-1)
            det[np.abs(det) < 1e-12] = np.nan
            u = (-a * p).sum(-1) / det
            q = np.cross(-a, e1)
            v = (q @ ray) / det
            t = (e2 * q).sum(-1) / det
            hit = (u >= 0) & (v >= 0) & (u + v <= 1) & (t > 0) & in_front
            if hit.any():
                t = np.where(hit, t, np.inf)
                if t.min() < nearest[index]:
                    nearest[index] = t.min()
                    labels[index] = surface.labels[t.argmin()]
    return labels


def plain_pixels(labels, count, rng):
    """Pixels (N, 2) whose neighbours all carry their label: no border runs through them."""
    core = labels[1:-1, 1:-1]
    same = np.ones_like(core, dtype=bool)
    for row in (0, 1, 2):
        for column in (0, 1, 2):
            same &= labels[row : row + SIZE - 2, column : column + SIZE - 2] == core
    rows, columns = np.nonzero(same)
    pick = rng.choice(len(rows), min(count, len(rows)), replace=False)
    return np.column_stack([columns[pick] + 1, rows[pick] + 1]).astype(float)


@pytest.mark.parametrize("kind", ["hand", "scarf", "object", "mask", "sunglasses"])
def test_labels_name_the_front_most_surface(subject, kind):
    shot, photo = shoot(subject, (kind,))
    view = view_of(shot, SIZE)
    scene = dress(subject, shot, view, generator(2, "photo", 0))
    pixels = plain_pixels(photo.labels, 150, np.random.default_rng(0))
    expected = first_hit([*scene.person, *scene.occluders], view.focal, pixels)
    column, row = pixels.astype(int).T
    found = photo.labels[row, column]
    glass = photo.lens[row, column]
    np.testing.assert_array_equal(found[~glass], expected[~glass])
    assert (found[glass] == LABEL["eye_g"]).all()  # dark lenses hide even eyes


@pytest.mark.parametrize("kind", list(OCCLUDERS))
def test_occluders_hide_part_of_the_face_but_not_all(subject, kind):
    shares = []
    for number in range(3):
        rng = generator(2, "shot", number)
        shot = portrait(rng, CONFIG, load_heads().expression_names, ())
        bare = take_photo(subject, shot, SIZE, generator(2, "photo", number))
        worn = type(shot)(**{**shot.__dict__, "occluders": (kind,)})
        photo = take_photo(subject, worn, SIZE, generator(2, "photo", number))
        shares.append(IS_FACE[photo.labels].sum() / IS_FACE[bare.labels].sum())
    assert min(shares) > 0.08
    assert np.mean(shares) < (1.05 if kind == "hat" else 0.98)


def test_ideal_equals_the_photograph_where_the_face_is_visible(subject):
    for number, kind in enumerate(("hand", "scarf", "object", "mask")):
        _, photo = shoot(subject, (kind,), number, with_ideal=True)
        face = IS_FACE[photo.labels]
        padded = np.pad(face, 2)
        core = np.ones_like(face)
        for row in range(5):
            for column in range(5):
                core &= padded[row : row + SIZE, column : column + SIZE]
        difference = photo.image[core].astype(float) - photo.ideal[core]
        assert np.sqrt((difference**2).mean()) < 5  # sensor noise alone, of 255
        assert abs(difference.mean()) < 0.5


def test_photographs_repeat_and_differ(subject):
    _, first = shoot(subject, ("hand",), 4)
    _, second = shoot(subject, ("hand",), 4)
    np.testing.assert_array_equal(first.image, second.image)
    np.testing.assert_array_equal(first.labels, second.labels)
    _, other = shoot(subject, ("hand",), 5)
    assert (first.image != other.image).mean() > 0.5


@pytest.mark.parametrize("maker", [portrait, studio, selfie])
def test_landmarks_lie_in_the_picture_and_on_the_face(subject, maker):
    for number in range(4):
        _, photo = shoot(subject, (), number, maker)
        assert photo.landmarks.min() > 2
        assert photo.landmarks.max() < SIZE - 3
        column, row = photo.landmarks[30].round().astype(int)  # nose tip
        assert photo.labels[row, column] in (LABEL["nose"], LABEL["skin"])
        height = np.ptp(photo.landmarks[:, 1])
        assert 0.3 * SIZE < height < 0.75 * SIZE


def test_landmarks_behind_an_occluder_are_marked(subject):
    _, bare = shoot(subject, (), 1, studio)
    _, scarfed = shoot(subject, ("scarf",), 1, studio)
    _, shaded = shoot(subject, ("sunglasses",), 1, studio)
    assert scarfed.hidden[5:12].all()
    assert not bare.hidden[48:60].any()
    assert shaded.hidden[36:48].mean() > 0.9
    assert not shaded.hidden[48:60].any()


def test_clear_lenses_leave_eyes_visible(subject):
    found = 0
    for number in range(4):
        _, photo = shoot(subject, ("glasses",), number, studio)
        eyes = np.isin(photo.labels, [LABEL["l_eye"], LABEL["r_eye"]])
        found += int((photo.lens & eyes).sum())
        skin = photo.lens & (photo.labels == LABEL["skin"])
        assert skin.sum() <= 0.1 * max(photo.lens.sum(), 1)  # borders only
    assert found > 0


def test_scene_fills_the_expected_labels(subject):
    _, photo = shoot(subject, ("object",), 2)
    present = set(np.unique(photo.labels).tolist())
    assert {BACKGROUND, LABEL["skin"], LABEL["neck"], LABEL["cloth"], OTHER} <= present
