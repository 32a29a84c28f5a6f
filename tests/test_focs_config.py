from __future__ import annotations

import math
import subprocess
import sys

import pytest
import torch
from pydantic import BaseModel, ValidationError

from focsbench.errors import ConfigError
from focsbench.focs.config import FocsConfig, OptimizerConfig, ScheduleConfig
from focsbench.focs.presets import load_preset
from focsbench.focs.schedule import build_optimizer, em_phase, learning_rate, set_rate


def sections(model: type[BaseModel]):
    yield model
    for field in model.model_fields.values():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from sections(field.annotation)


def test_every_field_says_what_it_is():
    undocumented = [
        f"{section.__name__}.{name}"
        for section in set(sections(FocsConfig))
        for name, field in section.model_fields.items()
        if not field.description
    ]
    assert undocumented == []


@pytest.mark.parametrize("name", ["paper", "released", "quick", "smoke"])
def test_presets_are_valid_frozen_and_survive_json(name):
    config = load_preset(name)
    assert FocsConfig.model_validate_json(config.model_dump_json()) == config
    with pytest.raises(ValidationError):
        config.batch_size = 3


def test_an_unknown_preset_names_the_known_ones():
    with pytest.raises(ConfigError, match="'fast': choose one of paper, released, quick, smoke"):
        load_preset("fast")


def test_nested_changes_replace_only_what_they_name():
    config = load_preset("quick", {"schedule": {"m_iterations": 7}, "batch_size": 3})
    quick = load_preset("quick")
    assert (config.schedule.m_iterations, config.batch_size) == (7, 3)
    assert config.schedule.e_iterations == quick.schedule.e_iterations
    assert config.segmentation == quick.segmentation


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"schedule": {"m_iter": 5}}, r"schedule\.m_iter"),
        ({"batch_size": 0}, "batch_size"),
        ({"image_size": 100}, "multiple of 16"),
        ({"schedule": {"e_iterations": 0, "m_iterations": 0}}, "cannot both be 0"),
        ({"encoder": {"widths": [8, 16, 32]}}, "one entry more than blocks"),
        ({"recognition": {"architecture": "iresnet50"}}, "crops of 112 pixels"),
        ({"encoder": {"widths": [0, 0, 0, 0]}}, r"encoder\.widths\.0"),
        ({"encoder": {"blocks": [0, 1, 1]}}, r"encoder\.blocks\.0"),
        ({"recognition": {"widths": [16, 32, 0, 8]}}, r"recognition\.widths\.2"),
        ({"init_optimizer": {"betas": [2, 3]}}, r"init_optimizer\.betas\.0"),
        ({"init_optimizer": {"betas": [0.9, 1.0]}}, r"init_optimizer\.betas\.1"),
        ({"batch_size": 1}, "at least 2 for the compact encoder"),
        ({"reconstruction": {"lambda_area": 0.06}}, "set detach_mask to false"),
        ({"segmentation": {"neighbour_window": 4}}, "neighbour_window"),
        ({"schedule": 5}, "schedule"),
    ],
)
def test_a_bad_change_is_one_sentence_with_the_field(changes, message):
    with pytest.raises(ConfigError, match=message) as caught:
        load_preset("quick", changes)
    assert "\n" not in str(caught.value)


def test_one_image_at_a_time_is_enough_where_no_statistics_need_more():
    assert load_preset("paper", {"batch_size": 1}).batch_size == 1
    assert load_preset("quick", {"batch_size": 1, "encoder": {"keypoints": 0}}).batch_size == 1


def test_images_have_to_fit_a_unet_that_nobody_changed():
    with pytest.raises(ConfigError, match="image_size: 100 is not a multiple of 16"):
        load_preset("paper", {"image_size": 100})


def test_paper_and_released_differ_exactly_where_the_sources_do():
    paper, released = load_preset("paper"), load_preset("released")
    assert (paper.segmentation.eta_presv, released.segmentation.eta_presv) == (2.5, 0.25)
    assert (paper.segmentation.neighbour_window, released.segmentation.neighbour_window) == (3, 5)
    assert (paper.initialisation.xi, released.initialisation.xi) == (0.17, 0.016641)
    assert (paper.reconstruction.lambda_area, released.reconstruction.lambda_area) == (0.0, 0.06)
    assert (paper.reconstruction.detach_mask, released.reconstruction.detach_mask) == (True, False)
    for name in ("lambda_pixel", "lambda_perceptual", "lambda_landmark", "lambda_regularisation"):
        assert getattr(paper.reconstruction, name) == getattr(released.reconstruction, name)
    for name in ("eta_neighbour", "eta_dist", "eta_area", "eta_bin"):
        assert getattr(paper.segmentation, name) == getattr(released.segmentation, name)
    for name in ("unet", "recognition", "batch_size", "image_size", "augmentation"):
        assert getattr(paper, name) == getattr(released, name)


def test_smoke_is_a_short_quick():
    quick, smoke = load_preset("quick"), load_preset("smoke")
    assert smoke.with_changes(quick.model_dump(include={"schedule", "batch_size"})) == quick
    assert smoke.schedule.matched_iterations + smoke.schedule.warmup_iterations < 50


@pytest.mark.parametrize(
    ("iteration", "phase"), [(0, "E"), (5000, "E"), (5001, "M"), (29_999, "M"), (30_000, "E")]
)
def test_the_released_cycle(iteration, phase):
    assert em_phase(load_preset("released").schedule, iteration) == phase


def test_the_budget_of_rows_without_masks_counts_the_m_steps():
    for joint in (0, 3, 8, 17, 40):
        schedule = ScheduleConfig(
            init_iterations=11, joint_iterations=joint, e_iterations=3, m_iterations=5
        )
        m_steps = sum(em_phase(schedule, iteration) == "M" for iteration in range(joint))
        assert schedule.matched_iterations == 11 + m_steps
        assert schedule.em_cycles == joint / 8


def test_released_learning_rates():
    config = load_preset("released")
    joint = config.schedule.joint_iterations

    def rate(optimizer, iteration, total=joint):
        return learning_rate(optimizer, iteration, total)

    assert rate(config.reconstruction_optimizer, 0) == pytest.approx(0.04377253, abs=5e-9)
    assert rate(config.segmentation_optimizer, 0) == pytest.approx(0.00262635, abs=5e-9)
    start = rate(config.init_optimizer, 300_000, 300_000)
    assert start == pytest.approx(0.05471566, abs=5e-9)
    after = rate(config.segmentation_optimizer, 200_000)
    assert after / rate(config.segmentation_optimizer, 0) == pytest.approx(0.129, abs=1e-3)


def test_paper_segmentation_learns_at_six_hundredths():
    config = load_preset("paper")
    for iteration in (0, 5000, 123_456):
        slow = learning_rate(config.segmentation_optimizer, iteration, 200_000)
        fast = learning_rate(config.reconstruction_optimizer, iteration, 200_000)
        assert slow / fast == pytest.approx(0.06)


def test_cosine_rates_fall_from_full_to_floor():
    config = OptimizerConfig(learning_rate=2.0, schedule="cosine", floor=0.1)
    assert learning_rate(config, 0, 100) == 2.0
    assert learning_rate(config, 50, 100) == pytest.approx(2.0 * 0.55)
    assert learning_rate(config, 100, 100) == pytest.approx(0.2)
    rates = [learning_rate(config, iteration, 100) for iteration in range(100)]
    assert rates == sorted(rates, reverse=True)
    assert all(math.isfinite(rate) for rate in (learning_rate(config, 0, 0), *rates))


def test_a_ramp_starts_low_and_ends_at_the_schedule():
    config = OptimizerConfig(learning_rate=1.0, schedule="constant", ramp_iterations=4)
    rates = [learning_rate(config, iteration, 10) for iteration in range(6)]
    assert rates == pytest.approx([0.2, 0.4, 0.6, 0.8, 1.0, 1.0])


def test_optimisers_are_the_configured_ones():
    parameter = torch.nn.Parameter(torch.ones(3))
    adadelta = build_optimizer(OptimizerConfig(), [parameter])
    assert isinstance(adadelta, torch.optim.Adadelta)
    group = adadelta.param_groups[0]
    assert (group["rho"], group["eps"], group["weight_decay"]) == (0.9, 1e-6, 0)
    adam = build_optimizer(OptimizerConfig(name="adam"), [parameter])
    assert isinstance(adam, torch.optim.Adam)
    set_rate(adam, 0.5)
    parameter.sum().backward()
    adam.step()  # the first step of Adam is the learning rate, whatever the gradient
    torch.testing.assert_close(parameter.detach(), torch.full((3,), 0.5))


def test_settings_load_without_torch():
    code = "import sys, focsbench.focs.presets; assert 'torch' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
