from __future__ import annotations

import math

import pytest
import torch
from losses_support import random_fit, random_latents

from focsbench.focs.loss_config import ReconstructionConfig
from focsbench.focs.presets import PRESETS
from focsbench.focs.reconstruction_losses import (
    landmark_loss,
    likelihood_loss,
    log_likelihood,
    pixel_loss,
    preliminary_mask,
    regularisation_loss,
)
from focsbench.focs.reductions import safe_sqrt

RELEASED = PRESETS["released"]()
PAPER = PRESETS["paper"]()
QUICK = PRESETS["quick"]()


def naive_pixel_loss(fit, norm, reduction):
    batch, _, height, width = fit.target.shape
    sums, masks, areas = [0.0] * batch, 0.0, [0] * batch
    for b in range(batch):
        for y in range(height):
            for x in range(width):
                difference = fit.target[b, :, y, x] - fit.render[b, :, y, x]
                error = sum(float(d) ** 2 for d in difference)
                if norm == "l2":
                    error = math.sqrt(error)
                sums[b] += float(fit.mask[b, y, x]) * error
                masks += float(fit.mask[b, y, x])
                areas[b] += int(fit.region[b, y, x])
    if reduction == "all_pixels":
        return sum(sums) / (batch * height * width)
    if reduction == "mask_ratio":
        return sum(sums) / max(masks, 1)
    return sum(s / max(a, 1) for s, a in zip(sums, areas, strict=True)) / batch


@pytest.mark.parametrize("norm", ["l2", "squared"])
@pytest.mark.parametrize("reduction", ["mask_ratio", "region_ratio", "all_pixels"])
def test_pixel_loss_is_the_naive_loop(norm, reduction):
    fit = random_fit()
    found = pixel_loss(fit.target, fit.render, fit.mask, fit.region, norm, reduction)
    assert float(found) == pytest.approx(naive_pixel_loss(fit, norm, reduction), rel=1e-12)


@pytest.mark.parametrize("reduction", ["mask_ratio", "region_ratio", "all_pixels"])
def test_a_face_that_is_nowhere_costs_nothing_and_breaks_nothing(reduction):
    fit = random_fit()
    nothing = torch.zeros_like(fit.region)
    render = fit.render.requires_grad_()
    loss = pixel_loss(fit.target, render, nothing.double(), nothing, "l2", reduction)
    loss.backward()
    assert loss == 0
    assert render.grad.isfinite().all()


def test_the_gradient_of_the_norm_is_finite_where_the_fit_is_perfect():
    fit = random_fit()
    render = fit.target.clone().requires_grad_()
    pixel_loss(fit.target, render, fit.mask, fit.region, "l2", "mask_ratio").backward()
    assert (render.grad == 0).all()
    values = torch.tensor([0.0, 4.0], requires_grad=True)
    safe_sqrt(values).sum().backward()
    assert values.grad.tolist() == [0.0, 0.25]


def test_the_constants_of_the_likelihood():
    sigma, threshold = RELEASED.initialisation.sigma, RELEASED.initialisation.xi
    perfect = torch.zeros(1, 3, 1, 1, dtype=torch.float64)
    assert float(log_likelihood(perfect, perfect, sigma)) == pytest.approx(6.682850, abs=1e-6)
    border = torch.zeros_like(perfect)
    border[0, 1] = math.sqrt(threshold)
    assert threshold == pytest.approx((3 * 0.043) ** 2)
    assert float(log_likelihood(perfect, border, sigma)) == pytest.approx(2.182850, abs=1e-6)


def test_log_likelihood_is_a_product_of_gaussian_densities():
    fit = random_fit()
    sigma = 0.2
    found = log_likelihood(fit.target, fit.render, sigma)
    normal = torch.distributions.Normal(fit.render, torch.full_like(fit.render, sigma))
    torch.testing.assert_close(found, normal.log_prob(fit.target).sum(dim=1))


@pytest.mark.parametrize("measure", ["squared", "l2"])
def test_preliminary_masks_threshold_the_error_inside_the_region(measure):
    fit = random_fit()
    mask = preliminary_mask(fit.target, fit.render.requires_grad_(), fit.region, 0.5, measure)
    assert not mask.requires_grad
    for b, y, x in torch.cartesian_prod(*map(torch.arange, mask.shape)).tolist():
        error = float((fit.target[b, :, y, x] - fit.render[b, :, y, x]).detach().square().sum())
        if measure == "l2":
            error = math.sqrt(error)
        assert mask[b, y, x] == (error < 0.5 and bool(fit.region[b, y, x]))


def test_accepting_by_threshold_is_comparing_likelihoods():
    """Eq. 9 with the released xi is Eq. 8 against a background three sigmas away."""
    fit = random_fit(seed=3, height=30, width=30)
    render = fit.target + 0.2 * (fit.render - fit.target)
    start = RELEASED.initialisation
    mask = preliminary_mask(fit.target, render, fit.region, start.xi, start.xi_measure)
    background = -4.5 + 6.682850
    more_likely = log_likelihood(fit.target, render, start.sigma) > background
    assert 0.2 < mask.mean() < 0.6
    assert torch.equal(mask.bool(), more_likely & fit.region)


def test_a_perfect_fit_on_a_fraction_of_the_image():
    target = torch.rand(2, 3, 10, 10, dtype=torch.float64)
    region = torch.zeros(2, 10, 10, dtype=torch.bool)
    region[:, :3] = True
    loss = likelihood_loss(target, target, region.double(), region, 0.043)
    assert float(loss) == pytest.approx(-6.682850 * 0.3, abs=1e-6)


def test_the_likelihood_loss_pulls_like_the_squared_error():
    fit = random_fit()
    render = fit.render.requires_grad_()
    loss = likelihood_loss(fit.target, render, fit.mask, fit.region, 0.043)
    (gradient,) = torch.autograd.grad(loss, render)
    squared = pixel_loss(fit.target, render, fit.mask, fit.region, "squared", "all_pixels")
    (expected,) = torch.autograd.grad(squared / (2 * 0.043**2), render)
    torch.testing.assert_close(gradient, expected)


def naive_landmark_loss(target, predicted, config):
    total = weights = 0.0
    for b in range(len(target)):
        for j in range(68):
            weight = 1.0
            if j in (28, 29, 30) or 60 <= j <= 67:
                weight = config.landmark_weight
            elif j <= 16:
                weight = config.contour_weight
            if config.landmark_weight_squared:
                weight *= weight
            total += weight * sum(float(d) ** 2 for d in predicted[b, j] - target[b, j])
            weights += weight
    divisor = {"coordinates": 2 * 68 * len(target), "points": 68 * len(target), "weights": weights}
    return total / divisor[config.landmark_reduction]


@pytest.mark.parametrize("squared", [True, False])
@pytest.mark.parametrize("reduction", ["coordinates", "points", "weights"])
def test_landmark_loss_is_the_naive_loop(squared, reduction):
    config = ReconstructionConfig(
        landmark_weight=3.0,
        contour_weight=0.5,
        landmark_weight_squared=squared,
        landmark_reduction=reduction,
    )
    target, predicted = 50 * torch.rand(2, 3, 68, 2, dtype=torch.float64)
    found = landmark_loss(target, predicted, config)
    assert float(found) == pytest.approx(naive_landmark_loss(target, predicted, config))


def test_the_released_landmark_loss_of_one_pixel():
    target = torch.rand(4, 68, 2) * 224
    found = landmark_loss(target, target + 1.0, RELEASED.reconstruction)
    assert float(found) == pytest.approx(65.544118, abs=1e-4)
    deep3d = landmark_loss(target, target + 1.0, PAPER.reconstruction)
    assert float(deep3d) == pytest.approx((57 * 1 + 11 * 20) * 2 / 68, abs=1e-4)


def test_the_weighted_mean_does_not_depend_on_the_weight_for_equal_errors():
    target = torch.rand(2, 68, 2)
    found = landmark_loss(target, target + 2.0, QUICK.reconstruction)
    assert float(found) == pytest.approx(8.0, abs=1e-4)


def test_regularisation_is_the_weighted_sum_of_squares():
    latents = random_latents()
    config = ReconstructionConfig(
        regularise_identity=1.0,
        regularise_expression=0.8,
        regularise_albedo=0.017,
        regularise_angles=2.0,
        regularise_translation=3.0,
        regularise_light=4.0,
        regularisation_divisor=10.0,
    )
    weights = (1.0, 0.8, 0.017, 2.0, 3.0, 4.0)
    expected = 0.0
    for weight, block in zip(weights, latents, strict=True):
        for row in block.tolist():
            expected += weight * sum(value**2 for value in row) / 10.0 / 2
    assert float(regularisation_loss(latents, config).detach()) == pytest.approx(expected)


def test_released_regularisation_leaves_pose_and_light_free():
    latents = random_latents()
    loss = regularisation_loss(latents, RELEASED.reconstruction)
    squares = sum(float(block.detach().square().sum()) for block in latents[:3])
    assert float(loss.detach()) == pytest.approx(squares / (2 * 224))
    loss.backward()
    assert [block.grad is not None for block in latents] == [True] * 3 + [False] * 3


def test_paper_regularisation_is_the_mean_square_of_all_parameters():
    latents = random_latents()
    loss = regularisation_loss(latents, PAPER.reconstruction)
    expected = latents.concatenate().square().mean()
    torch.testing.assert_close(loss, expected)
