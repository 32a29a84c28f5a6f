"""Perceptual distances between the features of the recognition network F (paper Eq. 2, 4, 6)."""

from __future__ import annotations

from typing import Literal, Protocol

from torch import Tensor
from torch.nn import functional

from focsbench.focs.loss_config import Background, Feature

Distance = Literal["cosine", "l2"]
_SMALLEST_SQUARE = 1e-12  # the root of zero has no gradient


class Recognizer(Protocol):
    """What the losses need of F; both take (B, 3, S, S) images and (B, 68, 2) landmarks."""

    @property
    def distance(self) -> Distance:
        """How embeddings are compared."""
        ...

    def embed(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Return (B, D) embeddings."""
        ...

    def shallow(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Return (B, C, h, w) features of the first stage."""
        ...


def embedding_distance(first: Tensor, second: Tensor, distance: Distance = "cosine") -> Tensor:
    """Mean distance of (B, D) embeddings: 1 - cos (any length), or the length of the difference."""
    if distance == "l2":
        squares = (first - second).square().sum(dim=1)
        return squares.clamp_min(_SMALLEST_SQUARE).sqrt().mean()
    return 1.0 - functional.cosine_similarity(first, second, dim=1, eps=1e-6).mean()


def shallow_distance(first: Tensor, second: Tensor, width_normalised: bool) -> Tensor:
    """Mean cosine distance over the channels at every position of (B, C, h, w) feature maps.

    ``width_normalised``: each row of each map gets unit L2 norm first, as in the released code.
    """
    if width_normalised:
        first, second = functional.normalize(first, dim=3), functional.normalize(second, dim=3)
    return 1.0 - functional.cosine_similarity(first, second, dim=1, eps=1e-6).mean()


def features(net: Recognizer, kind: Feature, images: Tensor, landmarks: Tensor) -> Tensor:
    """Return the chosen features of images."""
    return (net.embed if kind == "embedding" else net.shallow)(images, landmarks)


def feature_distance(
    first: Tensor, second: Tensor, kind: Feature, width_normalised: bool, distance: Distance
) -> Tensor:
    """Mean distance of the chosen kind of features; shallow ones are compared by cosines."""
    if kind == "embedding":
        return embedding_distance(first, second, distance)
    return shallow_distance(first, second, width_normalised)


def background(render: Tensor, target: Tensor, region: Tensor, kind: Background) -> Tensor:
    """Put the render (B, 3, H, W) on ``black`` (as it is) or on the photograph (``composite``).

    Args:
        render: zero outside the region.
        target: (B, 3, H, W) photograph.
        region: (B, H, W) bool, rendered pixels.
    """
    if kind == "black":
        return render
    return target * (~region)[:, None] + render * region[:, None]
