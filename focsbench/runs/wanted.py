"""What the options of a command mean: policies per step, and the place where steps run."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from focsbench import registry
from focsbench.errors import ConfigError
from focsbench.runs.backends import Backend, InProcess, ProcessPool
from focsbench.runs.outcome import Policy

EXECUTORS = ("pool", "inprocess", "ray")


def parse_policies(texts: Sequence[str]) -> tuple[tuple[str, Policy], ...]:
    """Return (pattern of step names, policy) from ``score:*=always`` or ``always``.

    Raises:
        ConfigError: if there is no such policy.
    """
    parsed = []
    for text in texts:
        pattern, _, word = text.rpartition("=")
        try:
            parsed.append((pattern or "*", Policy(word)))
        except ValueError:
            raise registry.unknown("policy", word, list(map(str, Policy))) from None
    return tuple(parsed)


def wanted_backend(executor: str, address: str | None) -> Callable[[int, Path], Backend]:
    """Return what makes the backend that an option names, from workers and log file.

    Raises:
        ConfigError: if there is no such executor, or an address that it has no use for.
    """
    if executor not in EXECUTORS:
        raise registry.unknown("executor", executor, EXECUTORS)
    if address is not None and executor != "ray":
        raise ConfigError(f"--address {address}: only --executor ray has an address; add it.")
    if executor == "ray":
        from focsbench.runs.ray_backend import RayBackend

        return partial(RayBackend, address)
    return ProcessPool if executor == "pool" else _in_process


def _in_process(_workers: int, _log_file: Path) -> Backend:
    return InProcess()
