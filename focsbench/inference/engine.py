"""What runs trained networks where nothing learns: PyTorch, or another engine by name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import cache
from pathlib import Path
from typing import ClassVar, Protocol

from torch import Tensor, nn

from focsbench import registry
from focsbench.errors import ConfigError
from focsbench.inference.names import TORCH, check_engine
from focsbench.registry import Kind

Run = Callable[..., Tensor]
"""An exported network: takes (B, …) float32 tensors on the CPU, gives one."""


class Engine(Protocol):
    """Exports a network to files and runs those. Found by entry point ``focsbench.engines``.

    name: that options and profiles take. version: of what exports and runs; a network is exported
    again for another one.
    """

    name: ClassVar[str]
    version: str

    def __init__(self) -> None:
        """Make the engine ready.

        Raises:
            ConfigError: if its package is not installed or this processor cannot run it.
        """
        ...

    def export(self, network: nn.Module, example: Sequence[Tensor], folder: Path) -> None:
        """Write a network into an empty folder.

        Args:
            network: in evaluation mode; takes as many tensors as ``example`` has, gives one.
            example: inputs; their first axis is the batch and may have any length later.
            folder: to write into.

        Raises:
            ConfigError: if the network has something that the engine cannot express.
        """
        ...

    def load(self, folder: Path) -> Run:
        """Make a network ready to run, on as many threads as PyTorch has in this process.

        Raises:
            CacheError: if the files cannot be read.
        """
        ...


@cache
def open_engine(name: str) -> Engine:
    """Return an engine other than PyTorch.

    Raises:
        ConfigError: if there is no such engine, or it cannot be used here.
    """
    check_engine(name)
    if name == TORCH:
        raise ConfigError(f"engine {TORCH}: runs networks as they are; nothing is exported.")
    engine: Engine = registry.load(Kind.ENGINE, name)()
    return engine
