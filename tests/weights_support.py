"""Files of the same names and shapes as published weights. The numbers are made up: they are not
the published weights, and nothing here says how good those are."""

from __future__ import annotations

import sys
import types

import torch
from torch import nn

from focsbench.networks.config import EncoderConfig, RecognitionConfig, UNetConfig
from focsbench.networks.deep3d import Deep3DEncoder
from focsbench.networks.recognition import RecognitionNetwork
from focsbench.networks.resnet import FaceEncoder
from focsbench.networks.unet import UNet

HOMES = {  # where the authors' pickles say that a class is defined
    "FaceEncoder": "encoder.encoder",
    "ResNet50": "torchvision.models.resnet",
    "Bottleneck": "torchvision.models.resnet",
    "UNet": "UNet.UNet",
    "DoubleConvolution": "UNet.unet_modules",
    "UpConvolution": "UNet.unet_modules",
}


def made_up(network: nn.Module) -> dict[str, torch.Tensor]:
    """A state of the right shapes that shows every wrong way of mapping it: every tensor has
    numbers of its own. Half precision, so that files stay small."""
    state = {}
    for place, (name, value) in enumerate(network.state_dict().items()):
        if value.dtype == torch.int64:
            state[name] = torch.tensor(1000 + place)
            continue
        count = value.numel()
        numbers = (torch.arange(count) % 97).half() / 64 + place / 8
        state[name] = numbers.reshape(tuple(value.shape))
    return state


def meta(make):
    with torch.device("meta"):
        return make()


def encoder_state():
    return made_up(meta(lambda: FaceEncoder(EncoderConfig()).backbone))


def unet_state():
    return made_up(meta(lambda: UNet(UNetConfig())))


def deep3d_state():
    return made_up(meta(Deep3DEncoder))


def arcface_state(depth: int = 18):
    config = RecognitionConfig(architecture=f"iresnet{depth}")
    return made_up(meta(lambda: RecognitionNetwork(config).backbone))


def with_homes(network: nn.Module, monkeypatch) -> nn.Module:
    """Make a network look as if its classes were those of the authors, for a pickle."""
    for module in network.modules():
        name = type(module).__name__
        if name in HOMES:
            packages = HOMES[name].split(".")
            for end in range(len(packages)):
                package = ".".join(packages[: end + 1])
                if package not in sys.modules:
                    monkeypatch.setitem(sys.modules, package, types.ModuleType(package))
            home = sys.modules[HOMES[name]]
            if not hasattr(home, name):
                alias = type(name, (type(module),), {"__module__": HOMES[name]})
                monkeypatch.setattr(home, name, alias, raising=False)
            module.__class__ = getattr(home, name)
        for own in ("config", "levels", "scales", "sizes"):  # ours alone
            module.__dict__.pop(own, None)
    return network


def filled(network: nn.Module, state) -> nn.Module:
    """Put a state into a network of shapes only."""
    network.load_state_dict(state, assign=True)
    return network


def released_encoder(monkeypatch) -> nn.Module:
    """The authors' encoder as a whole module: its ResNet is called vgg."""
    network = meta(lambda: FaceEncoder(EncoderConfig()))
    network.vgg = filled(network._modules.pop("backbone"), encoder_state())
    network.net, network.shape_dim, network.light_idx = "res50", 199, 531
    return with_homes(network, monkeypatch)


def released_unet(monkeypatch) -> nn.Module:
    network = filled(meta(lambda: UNet(UNetConfig())), unet_state())
    return with_homes(network, monkeypatch)
