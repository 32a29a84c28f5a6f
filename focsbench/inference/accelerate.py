"""Networks R and S run by a chosen engine, checked against the networks themselves."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from focsbench import registry
from focsbench.errors import ConfigError
from focsbench.inference.check import TOLERANCE, export_error, probe
from focsbench.inference.engine import Engine, Run, open_engine
from focsbench.inference.exported import ExportedEncoder, ExportedUNet, FlatEncoder, FlatUNet
from focsbench.inference.kept_exports import export_key, kept_export
from focsbench.inference.names import TORCH
from focsbench.networks.resnet import FaceEncoder
from focsbench.networks.unet import UNet
from focsbench.paths import cache_dir
from focsbench.progress import track
from focsbench.registry import Kind
from focsbench.runs.sources import SourceTree

log = logging.getLogger(__name__)


def accelerated_encoder(name: str, encoder: nn.Module, image_size: int) -> nn.Module:
    """Return an encoder as an engine runs it.

    Args:
        name: of the engine; ``torch`` gives the encoder back.
        encoder: a trained `FaceEncoder` in evaluation mode.
        image_size: side of its images, pixels.

    Raises:
        ConfigError: if the engine is unknown or cannot be used here, if the network cannot be
            exported, or if the exported one is off by more than :data:`~.check.TOLERANCE`.
    """
    if name == TORCH:
        return encoder
    if not isinstance(encoder, FaceEncoder):
        raise _not_ours(name, encoder)
    facts = {"scales": encoder.scales.model_dump(), "sizes": list(encoder.sizes)}
    engine = open_engine(name)
    run = _exported(engine, FlatEncoder(encoder), 1, image_size, facts)
    return _checked(engine, encoder, ExportedEncoder(run, encoder.sizes), 1, image_size)


def accelerated_unet(name: str, unet: nn.Module, image_size: int) -> nn.Module:
    """Return a segmentation network as an engine runs it; see :func:`accelerated_encoder`."""
    if name == TORCH:
        return unet
    if not isinstance(unet, UNet):
        raise _not_ours(name, unet)
    engine = open_engine(name)
    run = _exported(engine, FlatUNet(unet), 2, image_size, unet.config.model_dump())
    return _checked(engine, unet, ExportedUNet(run), 2, image_size)


def _exported(
    engine: Engine, network: nn.Module, inputs: int, size: int, facts: Mapping[str, Any]
) -> Run:
    """Load the export of a network, and make it first where it is not kept yet."""
    network.eval()
    target = registry.target(Kind.ENGINE, engine.name)
    behind = {
        "network": dict(facts),
        "image_size": size,
        "engine": engine.version,
        "torch": torch.__version__,
        "code": SourceTree().version(type(network).__module__, target),
    }
    folder = cache_dir() / "engines" / engine.name / export_key(network, behind)

    def write(draft: Any) -> None:
        for _ in track([None], f"export for {engine.name}", total=1):
            engine.export(network, probe(inputs, size), draft)

    return engine.load(kept_export(folder, write))


def _checked(
    engine: Engine, network: nn.Module, exported: nn.Module, inputs: int, size: int
) -> nn.Module:
    """Return the exported network if it answers on the probe what the network answers."""
    error = export_error(network, exported, probe(inputs, size))
    log.info("%s: relative error of %s %.1e", engine.name, type(network).__name__, error)
    if not error <= TOLERANCE:
        raise ConfigError(
            f"engine {engine.name}: its answers differ from those of PyTorch by {error:.1e} of the "
            f"largest value, more than {TOLERANCE:.0e}; take another --engine, such as {TORCH}."
        )
    return exported.eval()


def _not_ours(name: str, network: nn.Module) -> ConfigError:
    return ConfigError(
        f"engine {name}: a network of the kind {type(network).__name__} cannot be exported; take "
        f"--engine {TORCH}."
    )
