"""The face encoder: image to the latent parameters of the face model, pose and light."""

from __future__ import annotations

import itertools
from typing import NamedTuple

import torch
from torch import Tensor, nn

from focsbench.errors import ConfigError
from focsbench.networks.blocks import use_channels_last
from focsbench.networks.compact_resnet import CompactResNet
from focsbench.networks.config import EncoderConfig, LatentScales
from focsbench.networks.resnet50 import ResNet50

ANGLES, TRANSLATION, LIGHT = 3, 3, 27

# Start of each block in the released 1000-d output: shape 199, expression 100, colour 199
# coefficients, then camera and light; only the first 80/64/80 coefficients are used.
RELEASED_OUTPUTS = 1000
RELEASED_STARTS = (0, 199, 299, 498, 501, 504)


class LatentSizes(NamedTuple):
    """Numbers of coefficients of a face model; the defaults are the paper's (4.1: 257 in all)."""

    identity: int = 80
    expression: int = 64
    albedo: int = 80

    @property
    def blocks(self) -> tuple[int, int, int, int, int, int]:
        """Lengths of the six blocks of `Latents`."""
        return (*self, ANGLES, TRANSLATION, LIGHT)

    @property
    def total(self) -> int:
        """Length of all blocks together."""
        return sum(self.blocks)


PAPER_SIZES = LatentSizes()


class Latents(NamedTuple):
    """All parameters of one rendered face, a batch of B.

    identity (B, I), expression (B, E), albedo (B, A): coefficients of the face model, in the
    paper 80, 64 and 80.
    angles (B, 3): rotations about x, y, z in radians. translation (B, 3): mm, camera axes.
    light (B, 27): spherical harmonics, 9 red, 9 green, 9 blue, without the ambient offset.
    """

    identity: Tensor
    expression: Tensor
    albedo: Tensor
    angles: Tensor
    translation: Tensor
    light: Tensor

    def concatenate(self) -> Tensor:
        """Return all blocks in the order of the fields, (B, 257) at the sizes of the paper."""
        return torch.cat(tuple(self), dim=1)

    def detach(self) -> Latents:
        """Return the same values outside the graph."""
        return Latents(*(block.detach() for block in self))


def split_latents(raw: Tensor, scales: LatentScales, sizes: LatentSizes = PAPER_SIZES) -> Latents:
    """Cut (B, 257) or released (B, 1000) raw outputs into scaled blocks.

    The 257-d layout is the released one without its unused entries: identity, expression,
    albedo, angles, translation, light. Models with other numbers of modes make it longer or
    shorter (``sizes.total``).
    """
    if raw.shape[1] == RELEASED_OUTPUTS:
        pairs = zip(RELEASED_STARTS, sizes.blocks, strict=True)
        blocks = [raw[:, start : start + size] for start, size in pairs]
    else:
        blocks = list(torch.split(raw, list(sizes.blocks), dim=1))
    identity, expression, albedo, angles, translation, light = blocks
    per_axis = raw.new_tensor([scales.translation_xy, scales.translation_xy, scales.translation_z])
    return Latents(
        identity * scales.identity,
        expression * scales.expression,
        albedo * scales.albedo,
        angles * scales.angles,
        translation * per_axis,
        light * scales.light,
    )


class FaceEncoder(nn.Module):
    """Predict the latents of an aligned photograph; untrained, it answers the mean face.

    ``backbone`` is a ResNet-50 (paper 4.1) or the compact CPU network, by the configuration.

    sizes: numbers of coefficients of the face model.

    Raises:
        ConfigError: if the face model has more modes than the released output has places for.
    """

    def __init__(self, config: EncoderConfig, sizes: LatentSizes = PAPER_SIZES) -> None:
        super().__init__()
        self.scales, self.sizes = config.scales, sizes
        self.backbone: nn.Module
        if config.architecture == "compact":
            self.backbone = CompactResNet(config, sizes.total)
        elif config.head == "latents":
            self.backbone = ResNet50(sizes.total)
        else:
            self.backbone = ResNet50(RELEASED_OUTPUTS)
            places = [b - a for a, b in itertools.pairwise(RELEASED_STARTS)]
            if any(size > place for size, place in zip(sizes, places, strict=False)):
                raise ConfigError(
                    f"the released encoder has places for {places[:3]} coefficients, the face "
                    f"model has {list(sizes)} modes; set method.changes.encoder.head=latents."
                )
        use_channels_last(self)

    def forward(self, images: Tensor) -> Latents:
        """Map (B, 3, S, S) RGB in [0, 1] to scaled latents."""
        return split_latents(self.backbone(images), self.scales, self.sizes)

    def with_keypoints(self, images: Tensor) -> tuple[Latents, Tensor]:
        """Return the latents and the (B, K, 2) keypoints, pixels, of the compact network.

        Raises:
            ConfigError: if the encoder has no keypoints.
        """
        keypoints = None
        if isinstance(self.backbone, CompactResNet):
            raw, keypoints = self.backbone.with_keypoints(images)
        if keypoints is None:
            raise ConfigError("this encoder has no keypoints; choose architecture compact.")
        return split_latents(raw, self.scales, self.sizes), keypoints


def transplant(source: FaceEncoder, target: FaceEncoder) -> None:
    """Copy an encoder of one face model into an encoder of another one, in place.

    Everything is taken over but the outputs for the coefficients, which mean nothing in another
    model: the target answers its mean face with the pose and the light that the source sees.
    Both have the same configuration, apart from the numbers of coefficients.
    """
    state = source.state_dict()
    layer = "backbone.head" if isinstance(source.backbone, CompactResNet) else "backbone.fc"
    for name in (f"{layer}.weight", f"{layer}.bias"):
        kept = state[name]
        fitted = torch.zeros_like(target.state_dict()[name])
        if len(fitted) == RELEASED_OUTPUTS:
            first = RELEASED_STARTS[3]
            fitted[first:] = kept[first:]
        else:
            rest = ANGLES + TRANSLATION + LIGHT
            fitted[-rest:] = kept[-rest:]
        state[name] = fitted
    target.load_state_dict(state)
