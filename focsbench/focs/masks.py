"""Which pixels show the face: a mask M from the photograph and what was decoded of it."""

from __future__ import annotations

from collections.abc import Callable

from torch import Tensor, nn

from focsbench.focs.autoencoder import Decoded
from focsbench.focs.config import FocsConfig
from focsbench.focs.perceptual import background
from focsbench.focs.reconstruction_losses import preliminary_mask
from focsbench.focs.skin_detector import skin_mask

MaskFunction = Callable[[Tensor, Decoded], Tensor]


def threshold_mask(config: FocsConfig) -> MaskFunction:
    """Masks of Eq. 9: rendered pixels with a small error."""
    start = config.initialisation

    def mask(images: Tensor, decoded: Decoded) -> Tensor:
        return preliminary_mask(images, decoded.image, decoded.region, start.xi, start.xi_measure)

    return mask


def skin_colour_mask(config: FocsConfig) -> MaskFunction:
    """Masks of the skin detector, which looks at the photograph alone."""

    def mask(images: Tensor, decoded: Decoded) -> Tensor:
        return skin_mask(images, config.skin_detector)

    return mask


def labelled_mask(masks: Tensor | None) -> MaskFunction:
    """The masks of a batch, which has to have some: what a person labelled as visible face."""
    assert masks is not None
    known = masks

    def mask(images: Tensor, decoded: Decoded) -> Tensor:
        return known

    return mask


def segmentation_mask(config: FocsConfig, unet: nn.Module) -> MaskFunction:
    """Probabilities of the segmentation network (in whatever mode the caller put it).

    unet: a `UNet`, or what an engine makes of one.
    """

    def mask(images: Tensor, decoded: Decoded) -> Tensor:
        render = background(decoded.image, images, decoded.region, config.segmentation.background)
        probability: Tensor = unet(render, images).probability
        return probability

    return mask
