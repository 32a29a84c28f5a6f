"""Names of engines, for options and profiles. Imports nothing heavy."""

from __future__ import annotations

from focsbench import registry
from focsbench.registry import Kind

TORCH = "torch"


def engine_names() -> tuple[str, ...]:
    """Return the names that ``--engine`` takes, the default first."""
    return (TORCH, *registry.names(Kind.ENGINE))


def check_engine(name: str) -> None:
    """Raise ConfigError if no engine has this name; whether it is installed is not looked at."""
    if name != TORCH and name not in engine_names():
        raise registry.unknown("engine", name, engine_names())
