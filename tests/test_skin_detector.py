"""The skin detector against a plain float64 reading of Deep3D's formulas."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from focsbench.focs.image_config import SkinDetectorConfig
from focsbench.focs.skin_detector import OTHER, SKIN, skin_mask, skin_probability, ycbcr


def naive_likelihood(colour, mixture):
    """Density of one YCbCr colour, component by component with the full matrices."""
    total = 0.0
    for weight, mean, determinant, upper in zip(*mixture, strict=True):
        inverse = np.zeros((3, 3))
        inverse[np.triu_indices(3)] = upper
        inverse = inverse + np.triu(inverse, 1).T
        difference = colour - np.array(mean)
        exponent = -0.5 * difference @ inverse @ difference
        total += weight * np.exp(exponent) / np.sqrt((2 * np.pi) ** 3 * determinant)
    return total


def naive_probability(rgb, prior):
    """Posterior of one colour, RGB from 0 to 255."""
    r, g, b = rgb
    colour = np.array(
        [
            16 + (65.481 * r + 128.553 * g + 24.966 * b) / 255,
            128 + (-37.797 * r - 74.203 * g + 112 * b) / 255,
            128 + (112 * r - 93.786 * g - 18.214 * b) / 255,
        ]
    )
    skin = prior * naive_likelihood(colour, SKIN)
    return skin / (skin + (1 - prior) * naive_likelihood(colour, OTHER))


def images_of(colours, dtype=torch.float32):
    """(1, 3, N, 1) image of N colours, RGB from 0 to 255."""
    return torch.from_numpy(np.asarray(colours) / 255).to(dtype).T[None, :, :, None]


@pytest.mark.parametrize("prior", [0.8, 0.3])
def test_random_colours_agree_with_the_reference(prior):
    colours = np.random.default_rng(0).integers(0, 256, (3000, 3))
    expected = np.array([naive_probability(colour, prior) for colour in colours])
    assert 0.05 < (expected > 0.5).mean() < 0.5  # the sample covers both sides
    exact = skin_probability(images_of(colours, torch.float64), prior)[0, :, 0]
    np.testing.assert_allclose(exact.numpy(), expected, rtol=1e-7, atol=1e-12)
    single = skin_probability(images_of(colours), prior)[0, :, 0]
    np.testing.assert_allclose(single.numpy(), expected, atol=2e-5)


@pytest.mark.parametrize("mixture", [SKIN, OTHER])
def test_the_constants_are_those_of_gaussian_mixtures(mixture):
    assert sum(mixture.weights) == pytest.approx(1, abs=1e-7)
    for determinant, upper in zip(mixture.determinants, mixture.inverses, strict=True):
        inverse = np.zeros((3, 3))
        inverse[np.triu_indices(3)] = upper
        inverse = inverse + np.triu(inverse, 1).T
        assert np.linalg.eigvalsh(inverse).min() > 0
        assert np.linalg.det(inverse) * determinant == pytest.approx(1, rel=1e-4)


def test_primary_colours_in_ycbcr():
    """BT.601 in video range: black, white, red, green, blue."""
    colours = [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255)]
    expected = [(16, 128, 128), (235, 128, 128), (81, 90, 240), (145, 54, 34), (41, 240, 110)]
    found = ycbcr(images_of(colours))[0, :, 0]
    np.testing.assert_array_equal(found.round().numpy(), expected)


@settings(deadline=None)
@given(st.lists(st.tuples(*[st.integers(0, 255)] * 3), min_size=1, max_size=50))
def test_every_colour_has_a_probability_and_the_mask_rounds_it(colours):
    images = images_of(colours)
    probability = skin_probability(images)
    assert torch.isfinite(probability).all()
    assert 0 <= probability.min() <= probability.max() <= 1
    rounded = skin_mask(images, SkinDetectorConfig())
    assert torch.equal(rounded, (probability >= 0.5).float())
    assert torch.equal(skin_mask(images, SkinDetectorConfig(mask="soft")), probability)


def test_skin_is_skin_and_grass_is_not():
    colours = [(224, 172, 145), (141, 85, 60), (90, 140, 60), (60, 90, 200)]
    mask = skin_mask(images_of(colours), SkinDetectorConfig())
    assert mask.flatten().tolist() == [1, 1, 0, 0]


def test_a_larger_prior_finds_more_skin():
    colours = np.random.default_rng(1).integers(0, 256, (500, 3))
    shares = [float(skin_probability(images_of(colours), p).mean()) for p in (0.1, 0.5, 0.9)]
    assert shares == sorted(shares)
    assert shares[0] < shares[2]
