"""When which network learns, and how fast: EM phases, learning rates, optimisers."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Literal

import torch
from torch import nn

from focsbench.focs.config import OptimizerConfig, ScheduleConfig

Phase = Literal["E", "M"]


def em_phase(schedule: ScheduleConfig, iteration: int) -> Phase:
    """Tell which step a joint iteration (from 0) belongs to.

    E: the segmentation network learns, M: the autoencoder does. Every cycle opens with E-steps
    (paper 4.1; released: 5001 E, then 24,999 M).
    """
    return "E" if iteration % schedule.cycle < schedule.e_iterations else "M"


def learning_rate(config: OptimizerConfig, iteration: int, total_iterations: int) -> float:
    """Learning rate at an iteration (from 0) of a stage of ``total_iterations``.

    The released schedulers count every joint iteration, whichever network it trains; pass that
    common count for both optimisers.
    """
    rate = config.learning_rate * config.factor
    if iteration < config.ramp_iterations:
        rate *= (iteration + 1) / (config.ramp_iterations + 1)
    if config.schedule == "step":
        return rate * config.decay ** ((config.start_iteration + iteration) // config.decay_every)
    if config.schedule == "cosine":
        progress = min(iteration / max(total_iterations, 1), 1.0)
        return rate * (config.floor + (1 - config.floor) * 0.5 * (1 + math.cos(math.pi * progress)))
    return rate


def build_optimizer(
    config: OptimizerConfig, parameters: Iterable[nn.Parameter]
) -> torch.optim.Optimizer:
    """Make the optimiser of a stage; set its rate each iteration with :func:`set_rate`."""
    rate = config.learning_rate * config.factor
    if config.name == "adadelta":
        return torch.optim.Adadelta(parameters, lr=rate)
    # fused: one pass over the parameters instead of a dozen small tensor operations each
    return torch.optim.Adam(parameters, lr=rate, betas=config.betas, fused=True)


def set_rate(optimizer: torch.optim.Optimizer, rate: float) -> None:
    """Set the learning rate of all parameter groups."""
    for group in optimizer.param_groups:
        group["lr"] = rate
