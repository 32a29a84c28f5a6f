"""Target files, macro factors, random identities and expressions."""

from __future__ import annotations

import gzip
import importlib.util

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focsbench.errors import InputError
from focsbench.face_models import anny_files, anny_targets
from focsbench.face_models.anny_expressions import draw_expression
from focsbench.face_models.anny_identity import (
    CUT,
    average_identity,
    draw_identity,
    identity_target_names,
    identity_weights,
    macro_weights,
    slider_weights,
)

UNIT = st.floats(0, 1)


@pytest.fixture(scope="module")
def folder():
    return anny_files.data_folder()


@pytest.fixture(scope="module")
def sliders(folder):
    return anny_targets.local_sliders(folder)


@pytest.fixture(scope="module")
def asymmetry(folder):
    return anny_targets.asymmetry_sliders(folder)


def test_targets_skip_comments_and_read_short_numbers(tmp_path):
    text = b"# a comment\n2 0 -.001 .5\n\n4 1 2 3\n"
    (tmp_path / "a.target").write_bytes(text)
    (tmp_path / "a.target.gz").write_bytes(gzip.compress(text))
    expected = np.zeros((6, 3))
    expected[2], expected[4] = (0, -0.001, 0.5), (1, 2, 3)
    for name in ("a.target", "a.target.gz"):
        offsets = anny_files.read_target(tmp_path / name, 6)
        np.testing.assert_allclose(offsets, expected, rtol=1e-6)


def test_a_missing_package_says_how_to_install_it(monkeypatch):
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(InputError, match="pip install"):
        anny_files.data_folder()


def test_the_base_mesh_is_complete_and_symmetric(folder):
    base = anny_files.read_base_mesh(folder)
    assert base.vertices.shape == (19158, 3)
    assert base.quads.shape == base.quad_uv.shape == (18486, 4)
    pairs = np.loadtxt(folder / "mpfb2/mesh_metadata/hm08.mirror", usecols=(0, 1), dtype=int)
    mirror = np.arange(len(base.vertices))
    mirror[pairs[:, 0]] = pairs[:, 1]
    np.testing.assert_array_equal(mirror[mirror], np.arange(len(mirror)))
    body = base.vertices[: anny_files.BODY_VERTICES]
    np.testing.assert_allclose(base.vertices[mirror][: len(body)] * [-1, 1, 1], body, atol=1e-6)


def test_every_slider_has_its_files_and_every_file_its_slider(folder, sliders, asymmetry):
    names = [name for name in identity_target_names(sliders, asymmetry) if name]
    assert all(anny_targets.target_path(folder, name).is_file() for name in names)
    local = {name for name in names if "/" in name and not name.startswith("asym/")}
    on_disk = {
        f"{part}/{path.name.split('.')[0]}"
        for part in anny_targets.LOCAL_FOLDERS
        for path in (folder / "mpfb2/targets" / part).glob("*.target.gz")
    }
    assert local == on_disk
    assert len(local) == 290
    assert len(asymmetry) == 29


def test_expression_files(folder):
    names = anny_targets.arkit_names(folder)
    assert len(names) == 51
    assert "jawOpen" in names
    assert "tongueOut" not in names
    assert len(anny_targets.unit_names(folder)) == 34


@given(UNIT, UNIT, UNIT, UNIT, st.tuples(UNIT, UNIT, UNIT).filter(lambda e: sum(e) > 0.01))
@settings(max_examples=50, deadline=None)
def test_macro_weights_are_a_partition_and_equal_the_naive_rule(sex, age, muscle, weight, mix):
    ethnicity = np.array(mix) / sum(mix)
    average = average_identity(2, 1, 1)
    identity = type(average)(
        sex, age, muscle, weight, ethnicity, average.sliders, average.asymmetry, average.warp
    )
    weights = dict(zip(anny_targets.macro_targets(), macro_weights(identity), strict=True))
    races = {k: v for k, v in weights.items() if not k.startswith("universal")}
    assert sum(races.values()) == pytest.approx(1)
    assert sum(weights.values()) == pytest.approx(2)
    assert min(weights.values()) >= 0
    factors = {"female": 1 - sex, "male": sex, "young": 1 - age, "old": age}
    factors |= dict(zip(anny_targets.ETHNICITIES, ethnicity, strict=True))
    for name, value in (("muscle", muscle), ("weight", weight)):
        stops = np.interp(value, [0, 0.5, 1], [0, 1, 2])
        for stop, label in enumerate(("min", "average", "max")):
            factors[label + name] = max(0.0, 1 - abs(stops - stop))
    for name, value in weights.items():
        parts = [part for part in name.split("-") if part != "universal"]
        assert value == pytest.approx(np.prod([factors[part] for part in parts]), abs=1e-9)


def test_slider_weights_split_signs():
    np.testing.assert_array_equal(slider_weights(np.array([-0.5, 0.25])), [0.5, 0, 0, 0.25])


def test_identities_are_deterministic_bounded_adults(sliders, asymmetry):
    draws = [
        draw_identity(np.random.default_rng(s), sliders, asymmetry, 10, 0.3) for s in range(60)
    ]
    again = draw_identity(np.random.default_rng(7), sliders, asymmetry, 10, 0.3)
    np.testing.assert_array_equal(identity_weights(draws[7]), identity_weights(again))
    for identity in draws:
        assert 0 <= identity.sex <= 1
        assert 0 <= identity.age <= 1
        assert identity.ethnicity.sum() == pytest.approx(1)
        assert np.abs(identity.sliders).max() <= 1
        assert np.abs(identity.warp).max() <= 1.5 * CUT
        one_way = [i for i, slider in enumerate(sliders) if not slider.negative]
        assert (identity.sliders[one_way] >= 0).all()


def test_the_two_sides_of_a_face_are_alike_but_not_equal(sliders, asymmetry):
    left = [i for i, s in enumerate(sliders) if "/l-" in s.positive]
    right = [i for i, s in enumerate(sliders) if "/r-" in s.positive]
    assert [sliders[i].control for i in left] == [sliders[i].control for i in right]
    draws = [draw_identity(np.random.default_rng(s), sliders, asymmetry, 0, 0.2) for s in range(80)]
    values = np.array([identity.sliders for identity in draws])
    correlation = np.corrcoef(values[:, left].ravel(), values[:, right].ravel())[0, 1]
    assert 0.9 < correlation < 0.99


def test_no_spread_leaves_the_macro_factors_only(sliders, asymmetry):
    identity = draw_identity(np.random.default_rng(0), sliders, asymmetry, 5, 0.0)
    assert not identity.sliders.any()
    assert not identity.asymmetry.any()
    assert not identity.warp.any()


def test_expressions_are_natural(folder):
    names = (*anny_targets.arkit_names(folder), "unit-nose-compression")
    draws = np.array([draw_expression(np.random.default_rng(s), names) for s in range(300)])
    assert draws.min() >= 0
    assert draws.max() <= 1
    smiles = draws[:, [names.index("mouthSmileLeft"), names.index("mouthSmileRight")]]
    assert np.corrcoef(smiles.T)[0, 1] > 0.9
    assert 0.2 < (smiles[:, 0] > 0.2).mean() < 0.5
    # Both eyes look the same way: never out with the one and out with the other.
    out = draws[:, [names.index("eyeLookOutLeft"), names.index("eyeLookOutRight")]]
    assert (out.min(axis=1) == 0).all()
    assert not draw_expression(np.random.default_rng(0), names, strength=0.0)[
        : names.index("eyeLookDownLeft")
    ].any()
