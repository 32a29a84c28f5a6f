"""Outputs of published methods as a predictions folder: one adapter per method, one file each."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from focsbench.registry import unknown

if TYPE_CHECKING:
    from focsbench.convert.adapter import Adapter

ADAPTERS = {
    "3ddfa_v2": "focsbench.convert.tddfa_v2:TDDFAv2",
    "deca": "focsbench.convert.deca:DECA",
    "deep3d": "focsbench.convert.deep3d:Deep3D",
    "mica": "focsbench.convert.mica:MICA",
}


def adapter_class(name: str) -> type[Adapter]:
    """Return the adapter of a method.

    Raises:
        ConfigError: for an unknown name; says which there are.
    """
    if name not in ADAPTERS:
        raise unknown("adapter", name, ADAPTERS)
    module, _, attribute = ADAPTERS[name].partition(":")
    found: type[Adapter] = getattr(import_module(module), attribute)
    return found
