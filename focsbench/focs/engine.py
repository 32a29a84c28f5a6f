"""What carries out training: here one ordinary process; `distributed` has several, and others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

import torch
from torch import Tensor, nn

from focsbench.errors import ConfigError
from focsbench.focs.scale_config import ScaleConfig


class Stateful(Protocol):
    """Networks, optimisers and loss scales: anything with a state dict."""

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state_dict: dict[str, Any]) -> Any: ...


class Engine:
    """One process on one device, everything in float32.

    rank, world: number of this process and of all; each trains on its share of every batch.
    skips: the optimiser leaves out steps whose gradient is not finite (float16 and its scale).
    """

    rank = 0
    world = 1
    skips = False

    def __init__(self, device: torch.device | None = None) -> None:
        self.device = device or torch.device("cpu")

    def prepare(
        self, module: nn.Module, optimizer: torch.optim.Optimizer
    ) -> tuple[nn.Module, torch.optim.Optimizer]:
        """Return a network as its training calls it, and its optimiser.

        The network that was given stays the one to save: parameters are shared.
        """
        return module, optimizer

    def frozen(self, module: nn.Module) -> nn.Module:
        """Return a network as it is called when its parameters do not learn."""
        return module

    def frozen_recognizer(self, network: nn.Module) -> nn.Module:
        """Return F as it is called; unlike others it is not called by ``forward``."""
        return network

    def backward(self, loss: Tensor) -> None:
        """Compute gradients, averaged over the processes."""
        loss.backward()  # type: ignore[no-untyped-call]

    def clip(
        self, module: nn.Module | None, optimizer: torch.optim.Optimizer, limit: float | None
    ) -> float:
        """Scale the gradient down to a largest norm; return the norm that it had."""
        parameters = [p for group in optimizer.param_groups for p in group["params"]]
        if limit is None:
            gradients = [p.grad for p in parameters if p.grad is not None]
            return float(torch.nn.utils.get_total_norm(gradients))
        return float(torch.nn.utils.clip_grad_norm_(parameters, limit))

    def mean(self, values: Tensor) -> Tensor:
        """Average numbers over the processes."""
        return values

    def wait(self) -> None:
        """Return when all processes are here."""

    def state(self) -> Mapping[str, Stateful]:
        """Return what checkpoints have to keep besides networks and optimisers."""
        return {}


def choose_device(config: ScaleConfig) -> str:
    """Return ``cpu`` or ``cuda``.

    Raises:
        ConfigError: if the settings ask for devices that are not there.
    """
    available = torch.cuda.device_count() if config.accelerator != "cpu" else 0
    if config.accelerator == "cpu" or (config.accelerator == "auto" and not available):
        return "cpu"
    if available < config.devices:
        raise ConfigError(
            f"scale.devices is {config.devices}, but {available} CUDA devices are here; "
            "lower scale.devices or set scale.accelerator to cpu."
        )
    return "cuda"
