"""The procedural appearance: plausible colours, two separate brows, and a fair linear model."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focsbench.face_models import anny_albedo
from focsbench.face_models.anny_albedo import (
    ALBEDO_MODES,
    build_albedo,
    model_weights,
    principal_components,
    sample_appearance,
    surface_fields,
)
from focsbench.face_models.anny_appearance import (
    Traits,
    brow_cover,
    paint,
    sample_brow,
    sample_traits,
)
from focsbench.face_models.anny_heads import AnnyHeads
from focsbench.face_models.mesh_parts import sphere_centre
from focsbench.face_models.skin_colour import (
    MELANIN_RANGE,
    luminance,
    sample_melanin,
    skin_rgb,
    srgb_encode,
)
from focsbench.face_models.skin_detail import apply_detail, pixel_attributes
from focsbench.face_models.surface_fields import SurfaceFields


@pytest.fixture(scope="module")
def heads() -> AnnyHeads:
    return AnnyHeads.load()


@pytest.fixture(scope="module")
def fields(heads: AnnyHeads) -> SurfaceFields:
    return surface_fields(heads)


@pytest.fixture(scope="module")
def model(heads: AnnyHeads) -> tuple[np.ndarray, np.ndarray]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(anny_albedo, "_SAMPLES", 500)  # fewer than in use: the tests stay quick
        return build_albedo(heads, np.random.default_rng(7))


def _plain(fields: SurfaceFields, traits: Traits) -> np.ndarray:
    return paint(fields, traits)[0]


def test_srgb_encode_matches_the_standard() -> None:
    linear = np.array([0.0, 0.001, 0.0031308, 0.18, 0.5, 1.0], np.float32)
    expected = [0.0, 0.01292, 0.04045, 0.461356, 0.735357, 1.0]
    np.testing.assert_allclose(srgb_encode(linear), expected, atol=2e-5)


@given(st.floats(0, 3.4), st.floats(0.1, 1.2), st.floats(0.05, 1.0))
@settings(max_examples=50, deadline=None)
def test_more_melanin_or_blood_never_brightens(melanin: float, blood: float, more: float) -> None:
    here = skin_rgb(np.float32(melanin), np.float32(blood))
    assert np.all(skin_rgb(np.float32(melanin + more), np.float32(blood)) <= here + 1e-6)
    assert np.all(skin_rgb(np.float32(melanin), np.float32(blood + more)) <= here + 1e-6)
    assert here[0] > here[1] > here[2]


def test_sphere_centre_of_a_cap() -> None:
    rng = np.random.default_rng(0)
    direction = rng.normal(size=(200, 3))
    direction[:, 2] = np.abs(direction[:, 2])
    direction /= np.linalg.norm(direction, axis=1, keepdims=True)
    centre = np.array([30.0, -2.0, 5.0])
    np.testing.assert_allclose(sphere_centre(centre + 15.0 * direction), centre, atol=1e-4)


def test_skin_tones_cover_light_to_dark() -> None:
    rng = np.random.default_rng(1)
    melanin = np.array([sample_melanin(rng) for _ in range(400)], np.float32)
    level = luminance(skin_rgb(melanin, np.full_like(melanin, 0.44)))
    low, high = np.percentile(level, [5, 95])
    assert low < 0.35
    assert high > 0.75
    assert melanin.min() >= MELANIN_RANGE[0]
    assert melanin.max() <= MELANIN_RANGE[1]


def test_brows_are_two_and_follow_the_trait(fields: SurfaceFields) -> None:
    rng = np.random.default_rng(2)
    middle = np.abs(fields.position[:, 0]) <= 6.0
    for _ in range(200):
        brow = sample_brow(rng)
        cover = brow_cover(fields.position, brow)
        assert cover[middle].max() == 0.0
        assert cover[fields.position[:, 0] > 0].max() > 0.5 * brow.density
        assert cover[fields.position[:, 0] < 0].max() > 0.5 * brow.density


def test_glabella_looks_like_the_forehead(heads: AnnyHeads, fields: SurfaceFields) -> None:
    rng = np.random.default_rng(3)
    x, y, z = fields.position.T
    front = (fields.skin > 0.99) & (z > 10)
    glabella = front & (np.abs(x) < 6) & (np.abs(y - 18) < 7)
    forehead = front & (np.abs(x) < 20) & (y > 30) & (y < 50)
    assert glabella.sum() >= 4
    for _ in range(100):
        albedo = _plain(fields, sample_traits(rng, fields, rich=False))
        forehead_level = luminance(albedo[forehead]).mean()
        assert luminance(albedo[glabella]).min() > 0.8 * forehead_level


def test_lips_are_redder_than_skin(fields: SurfaceFields) -> None:
    rng = np.random.default_rng(4)
    lips = fields.lips > 0.9
    cheek = fields.cheeks > 0.8
    for _ in range(50):
        traits = replace(sample_traits(rng, fields, rich=False), beard=0.0, moustache=0.0)
        albedo = _plain(fields, traits)
        ratio = albedo[:, 0] / albedo[:, 1]
        assert ratio[lips].mean() > 1.02 * ratio[cheek].mean()


def test_paintings_are_mirror_symmetric_without_mottle(
    heads: AnnyHeads, fields: SurfaceFields
) -> None:
    traits = sample_traits(np.random.default_rng(5), fields, rich=False)
    albedo = _plain(fields, replace(traits, mottle=np.zeros_like(traits.mottle)))
    np.testing.assert_allclose(albedo, albedo[heads.mirror], atol=0.08)
    assert np.abs(albedo - albedo[heads.mirror]).mean() < 2e-3


def test_appearance_ranges_and_determinism(heads: AnnyHeads) -> None:
    for seed in range(20):
        first = sample_appearance(heads, np.random.default_rng(seed))
        again = sample_appearance(heads, np.random.default_rng(seed))
        for name in ("albedo", "specular", "hair_cover", "hand_albedo", "skin_rgb", "hair_rgb"):
            value = getattr(first, name)
            assert value.dtype == np.float32
            assert value.min() >= 0.0
            assert value.max() <= 1.0
            np.testing.assert_array_equal(value, getattr(again, name))
        assert first.albedo.shape == heads.base.shape
        np.testing.assert_array_equal(first.detail.moles, again.detail.moles)


def test_caller_can_fix_melanin_and_sex(heads: AnnyHeads) -> None:
    rng = np.random.default_rng(6)
    dark = [sample_appearance(heads, rng, melanin=2.5) for _ in range(5)]
    light = [sample_appearance(heads, rng, melanin=0.1) for _ in range(5)]
    brightest = max(luminance(a.skin_rgb) for a in dark)
    assert brightest < 0.6 * min(luminance(a.skin_rgb) for a in light)
    traits = [
        sample_traits(rng, surface_fields(heads), rich=True, masculinity=0.0) for _ in range(50)
    ]
    assert all(t.beard == 0.0 and t.stubble == 0.0 for t in traits)


def test_detail_is_bounded_deterministic_and_local(heads: AnnyHeads, fields: SurfaceFields) -> None:
    person = sample_appearance(heads, np.random.default_rng(8))
    attributes = pixel_attributes(fields, person.hair_cover)
    painted = apply_detail(person.albedo, attributes, person.detail)
    assert painted.min() >= 0.0
    assert painted.max() <= 1.0
    np.testing.assert_array_equal(painted, apply_detail(person.albedo, attributes, person.detail))
    plain_skin = (fields.skin > 0.99) & (person.hair_cover < 0.01) & (fields.freckle_zone < 0.01)
    change = np.abs(painted - person.albedo)[plain_skin]
    assert 0.0 < change.mean() < 0.08


def test_principal_components_recover_known_modes() -> None:
    rng = np.random.default_rng(9)
    modes = np.linalg.qr(rng.normal(size=(30, 3)))[0].T * np.array([[3.0], [2.0], [1.0]])
    codes = rng.normal(size=(1000, 3))
    samples = (codes @ modes + 5.0).astype(np.float32)
    mean, found = principal_components(samples, np.ones(30, np.float32), 3)
    np.testing.assert_allclose(mean, 5.0, atol=0.2)
    norms = np.linalg.norm(found, axis=1)
    np.testing.assert_allclose(norms, [3.0, 2.0, 1.0], rtol=0.08)
    alignment = np.abs(np.sum(found / norms[:, None] * modes / [[3.0], [2.0], [1.0]], axis=1))
    assert alignment.min() > 0.99


def test_model_shapes_and_plausible_mean(
    model: tuple[np.ndarray, np.ndarray], heads: AnnyHeads, fields: SurfaceFields
) -> None:
    mean, basis = model
    assert mean.shape == heads.base.shape
    assert basis.shape == (ALBEDO_MODES, *heads.base.shape)
    assert mean.dtype == basis.dtype == np.float32
    assert mean.min() >= 0.0
    assert mean.max() <= 1.0
    cheek = mean[fields.cheeks > 0.8].mean(axis=0)
    assert cheek[0] > cheek[1] > cheek[2]


def _residuals(
    model: tuple[np.ndarray, np.ndarray], fields: SurfaceFields, albedos: list[np.ndarray]
) -> np.ndarray:
    """RMS residual per image on the visible face after the best weighted fit of the model."""
    mean, basis = model
    weights = np.repeat(model_weights(fields), 3)
    design = basis.reshape(ALBEDO_MODES, -1).T * weights[:, None]
    targets = np.stack([(a - mean).ravel() * weights for a in albedos], axis=1)
    codes = np.linalg.lstsq(design, targets, rcond=None)[0]
    error = (targets - design @ codes) ** 2
    return np.asarray(np.sqrt(error.sum(axis=0) / (weights**2).sum()))


def test_generator_is_richer_than_the_model(
    model: tuple[np.ndarray, np.ndarray], heads: AnnyHeads, fields: SurfaceFields
) -> None:
    rng = np.random.default_rng(10)
    plain = [_plain(fields, sample_traits(rng, fields, rich=False)) for _ in range(20)]
    rich = [sample_appearance(heads, rng).albedo for _ in range(20)]
    plain_error = _residuals(model, fields, plain).mean()
    rich_error = _residuals(model, fields, rich).mean()
    assert plain_error < 0.02
    assert 1.3 * plain_error < rich_error < 0.06
