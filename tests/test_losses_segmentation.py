from __future__ import annotations

import itertools
import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from losses_support import random_fit

from focsbench.focs.loss_config import InitialisationConfig, SegmentationConfig
from focsbench.focs.perceptual import background, embedding_distance, shallow_distance
from focsbench.focs.presets import PRESETS
from focsbench.focs.segmentation_losses import (
    area_loss,
    binary_loss,
    mask_cross_entropy,
    neighbour_error,
    neighbour_loss,
)

RELEASED = PRESETS["released"]().segmentation
PAPER = PRESETS["paper"]().segmentation
QUICK = PRESETS["quick"]().segmentation


def naive_neighbour_loss(fit, config):
    target, render, mask = fit.target.numpy(), fit.render.numpy(), fit.mask.numpy()
    batch, _, height, width = target.shape
    radius = config.neighbour_window // 2
    queries, candidates = target, render
    if config.neighbour_masking == "before":
        queries, candidates = target * mask[:, None], render * mask[:, None]
    if config.neighbour_direction == "render_to_target":
        queries, candidates = candidates, queries
    errors = np.zeros((batch, height, width))
    for b, y, x in np.ndindex(batch, height, width):
        best = math.inf
        for dy, dx in itertools.product(range(-radius, radius + 1), repeat=2):
            if 0 <= y + dy < height and 0 <= x + dx < width:
                difference = queries[b, :, y, x] - candidates[b, :, y + dy, x + dx]
                best = min(best, float((difference**2).sum()))
        error = best if config.neighbour_norm == "squared" else math.sqrt(best)
        errors[b, y, x] = error * (mask[b, y, x] if config.neighbour_masking == "after" else 1)
    if config.neighbour_reduction == "interior_mean":
        return errors[:, radius : height - radius, radius : width - radius].mean()
    if config.neighbour_reduction == "mask_ratio":
        return errors.sum() / max(mask.sum(), 1)
    return (errors.sum(axis=(1, 2)) / fit.region.numpy().sum(axis=(1, 2))).mean()


@pytest.mark.parametrize("window", [1, 3, 5])
@pytest.mark.parametrize("direction", ["target_to_render", "render_to_target"])
@pytest.mark.parametrize("norm", ["l2", "squared"])
@pytest.mark.parametrize("masking", ["after", "before"])
@pytest.mark.parametrize("reduction", ["region_ratio", "mask_ratio", "interior_mean"])
def test_neighbour_loss_is_the_naive_loop(window, direction, norm, masking, reduction):
    config = SegmentationConfig(
        neighbour_window=window,
        neighbour_direction=direction,
        neighbour_norm=norm,
        neighbour_masking=masking,
        neighbour_reduction=reduction,
    )
    fit = random_fit()
    found = neighbour_loss(fit.target, fit.render, fit.mask, fit.region, config)
    assert float(found) == pytest.approx(naive_neighbour_loss(fit, config), rel=1e-9)


@pytest.mark.parametrize("config", [RELEASED, PAPER, QUICK])
def test_a_shift_within_the_window_costs_nothing_inside(config):
    target = torch.rand(1, 3, 12, 12)
    render = target.roll((1, -1), dims=(2, 3))
    error = neighbour_error(target, render, config.neighbour_window)
    assert (error[:, 2:-2, 2:-2] == 0).all()


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.sampled_from([(1, 3), (3, 5), (5, 7)]))
def test_larger_neighbourhoods_never_raise_the_error(seed, windows):
    fit = random_fit(seed, batch=1, height=5, width=6)
    small, large = (neighbour_error(fit.target, fit.render, window) for window in windows)
    assert (large <= small).all()


def test_neighbour_gradient_of_the_mask_is_the_error_per_area():
    fit = random_fit()
    mask = fit.mask.requires_grad_()
    neighbour_loss(fit.target, fit.render, mask, fit.region, PAPER).backward()
    error = neighbour_error(fit.target, fit.render, 3)
    area = fit.region.sum(dim=(1, 2), keepdim=True)
    torch.testing.assert_close(mask.grad, error / area / 2)


def test_released_neighbour_gradients_are_finite_where_both_images_are_masked_out():
    fit = random_fit()
    mask = (fit.mask * 0).requires_grad_()
    neighbour_loss(fit.target, fit.render, mask, fit.region, RELEASED).backward()
    assert mask.grad.isfinite().all()


def test_area_loss_is_one_without_and_zero_with_the_whole_face():
    region = torch.rand(3, 6, 6) > 0.4
    assert area_loss(torch.zeros(3, 6, 6), region) == 1
    assert area_loss(region.float(), region) == 0
    nowhere = torch.zeros_like(region)
    assert area_loss(nowhere.float(), nowhere) == 0


def test_area_loss_is_the_naive_ratio():
    fit = random_fit()
    ratios = [
        1 - float(mask.sum()) / int(region.sum())
        for mask, region in zip(fit.mask, fit.region, strict=True)
    ]
    assert float(area_loss(fit.mask, fit.region)) == pytest.approx(sum(ratios) / len(ratios))


def naive_binary_loss(fit, config):
    total = 0.0
    for mask, region in zip(fit.mask.numpy(), fit.region.numpy(), strict=True):
        values = -((mask - 0.5) ** 2) if config.bin_form == "squared" else 0.5 - abs(mask - 0.5)
        if config.bin_reduction == "all_pixels":
            total += values.mean()
        else:
            total += values[region].sum() / region.sum()
    return total / len(fit.mask)


@pytest.mark.parametrize("form", ["squared", "absolute"])
@pytest.mark.parametrize("reduction", ["all_pixels", "region_ratio"])
def test_binary_loss_is_the_naive_loop(form, reduction):
    fit = random_fit()
    config = SegmentationConfig(bin_form=form, bin_reduction=reduction)
    found = binary_loss(fit.mask, fit.region, config)
    assert float(found) == pytest.approx(naive_binary_loss(fit, config))


def test_released_binary_loss_of_binary_and_of_undecided_masks():
    region = torch.zeros(2, 10, 10, dtype=torch.bool)
    region[:, :3] = True
    assert binary_loss(region.float(), region, RELEASED) == 0
    undecided = binary_loss(0.5 * region, region, RELEASED)
    assert float(undecided) == pytest.approx(0.5 * 0.3)


@pytest.mark.parametrize("form", ["squared", "absolute"])
def test_binary_loss_pushes_away_from_one_half(form):
    mask = torch.tensor([[[0.2, 0.9]]], requires_grad=True)
    config = SegmentationConfig(bin_form=form)
    binary_loss(mask, torch.ones(1, 1, 2, dtype=torch.bool), config).backward()
    assert mask.grad[0, 0, 0] > 0 > mask.grad[0, 0, 1]


def naive_cross_entropy(logit, label, double):
    if double:
        logit = 1 / (1 + math.exp(-logit))
    probability = 1 / (1 + math.exp(-logit))
    return -math.log(probability) if label else -math.log(1 - probability)


@pytest.mark.parametrize("double", [True, False])
@pytest.mark.parametrize("domain", ["all_pixels", "region"])
def test_mask_cross_entropy_is_the_naive_loop(double, domain):
    fit = random_fit()
    logit, label = 4 * fit.mask - 2, (fit.mask > 0.5).double()
    config = InitialisationConfig(pretrain_double_sigmoid=double, pretrain_domain=domain)
    total = 0.0
    for values, labels, region in zip(logit, label, fit.region, strict=True):
        costs = [
            naive_cross_entropy(float(value), bool(one), double)
            for value, one, inside in zip(
                values.flatten(), labels.flatten(), region.flatten(), strict=True
            )
            if bool(inside) or domain == "all_pixels"
        ]
        total += sum(costs) / len(costs) / len(logit)
    found = mask_cross_entropy(logit, label, fit.region, config)
    assert float(found) == pytest.approx(total)


def test_a_second_sigmoid_prefers_empty_masks():
    """Half of the pixels are face: the released loss answers 'no face', plain entropy 1/2."""
    logit = torch.zeros(1, 1, 2, requires_grad=True)
    label = torch.tensor([[[0.0, 1.0]]])
    region = torch.ones(1, 1, 2, dtype=torch.bool)
    for double, sign in ((True, 1), (False, 0)):
        config = InitialisationConfig(pretrain_double_sigmoid=double)
        loss = mask_cross_entropy(logit, label, region, config)
        (gradient,) = torch.autograd.grad(loss, logit)
        assert float(gradient.sum().sign()) == sign


def test_embedding_distance_is_one_minus_the_mean_cosine():
    rng = np.random.default_rng(0)
    first, second = rng.normal(size=(2, 4, 6))
    cosines = [
        a @ b / np.linalg.norm(a) / np.linalg.norm(b) for a, b in zip(first, second, strict=True)
    ]
    found = embedding_distance(torch.from_numpy(first), torch.from_numpy(second))
    assert float(found) == pytest.approx(1 - np.mean(cosines))
    same = embedding_distance(torch.from_numpy(first), torch.from_numpy(3 * first))
    assert float(same) == pytest.approx(0, abs=1e-12)


@pytest.mark.parametrize("width_normalised", [True, False])
def test_shallow_distance_is_the_naive_loop(width_normalised):
    rng = np.random.default_rng(1)
    first, second = rng.normal(size=(2, 2, 3, 4, 5))
    found = shallow_distance(torch.from_numpy(first), torch.from_numpy(second), width_normalised)
    if width_normalised:
        first = first / np.linalg.norm(first, axis=3, keepdims=True)
        second = second / np.linalg.norm(second, axis=3, keepdims=True)
    total = 0.0
    for b, y, x in np.ndindex(2, 4, 5):
        a, c = first[b, :, y, x], second[b, :, y, x]
        total += 1 - a @ c / np.linalg.norm(a) / np.linalg.norm(c)
    assert float(found) == pytest.approx(total / 40)


def test_composites_show_the_photograph_around_the_render():
    fit = random_fit()
    assert background(fit.render, fit.target, fit.region, "black") is fit.render
    composite = background(fit.render, fit.target, fit.region, "composite")
    inside = fit.region[:, None].expand_as(composite)
    assert torch.equal(composite[inside], fit.render[inside])
    assert torch.equal(composite[~inside], fit.target[~inside])
