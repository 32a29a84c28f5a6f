"""The face recognition network F of the perceptual losses, and the loss that trains it."""

from __future__ import annotations

import math
from typing import Literal, Protocol, cast

import torch
from torch import Tensor, nn
from torch.nn import functional

from focsbench.networks.blocks import ResidualBlock, use_channels_last
from focsbench.networks.config import RecognitionConfig
from focsbench.networks.dlib_resnet import DlibResNet
from focsbench.networks.face_crop import dlib_chip, face_crop
from focsbench.networks.iresnet import IResNet
from focsbench.networks.iresnet_shapes import IRESNETS


class _Backbone(Protocol):
    def shallow(self, crops: Tensor) -> Tensor: ...

    def deep(self, shallow: Tensor) -> Tensor: ...


class SmallRecognizer(nn.Module):
    """Four residual stages on grids of 1/2 to 1/16 of the crop, then one linear layer."""

    def __init__(self, config: RecognitionConfig) -> None:
        super().__init__()
        first, second, third, fourth = config.widths
        self.stem = nn.Sequential(
            nn.Conv2d(3, first, 3, 2, 1, bias=False), nn.BatchNorm2d(first), nn.ReLU(inplace=True)
        )
        self.stage1 = ResidualBlock(first, first, 1, "batch")
        self.stages = nn.Sequential(
            ResidualBlock(first, second, 2, "batch"),
            ResidualBlock(second, third, 2, "batch"),
            ResidualBlock(third, fourth, 2, "batch"),
        )
        grid = -(-config.crop_size // 16)
        self.fc = nn.Linear(fourth * grid**2, config.embedding)
        self.features = nn.BatchNorm1d(config.embedding)

    def shallow(self, crops: Tensor) -> Tensor:
        """Map (B, 3, C, C) crops to (B, widths[0], C/2, C/2) features of the first stage."""
        out: Tensor = self.stage1(self.stem(crops))
        return out

    def deep(self, shallow: Tensor) -> Tensor:
        """Map the features of the first stage to (B, embedding), any length."""
        out: Tensor = self.features(self.fc(self.stages(shallow).flatten(1)))
        return out


def _backbone(config: RecognitionConfig) -> nn.Module:
    if config.architecture == "small":
        return SmallRecognizer(config)
    if config.architecture == "dlib":
        return DlibResNet()
    return IResNet(IRESNETS[int(config.architecture.removeprefix("iresnet"))])


class RecognitionNetwork(nn.Module):
    """Crop by landmarks, then compute shallow features or an embedding.

    As a judge it is frozen: call ``freeze()`` after loading weights.
    """

    def __init__(self, config: RecognitionConfig) -> None:
        super().__init__()
        self.config = config
        self.backbone = _backbone(config)
        use_channels_last(self)

    @property
    def distance(self) -> Literal["cosine", "l2"]:
        """How embeddings are compared."""
        return self.config.distance

    def freeze(self) -> RecognitionNetwork:
        """Switch to evaluation for good: no parameter gradients, fixed batch statistics."""
        self.requires_grad_(False)
        return self.eval()

    def crop(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Crop (B, 3, S, S) images in [0, 1] by (B, 68, 2) landmarks to the input range of F."""
        if self.config.architecture == "dlib":
            return dlib_chip(images, landmarks, self.config.crop_size)
        crops = face_crop(images, landmarks, self.config.crop_size)
        return 2.0 * crops - 1.0 if self.config.input_range == "signed" else crops

    def shallow(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Feature map of the first stage, (B, C, h, w); released: (B, 64, 56, 56)."""
        return self._net().shallow(self.crop(images, landmarks))

    def embed(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Identity embedding, (B, D): of unit length where cosines compare them, else as it is."""
        return self.embed_crops(self.crop(images, landmarks))

    def embed_crops(self, crops: Tensor) -> Tensor:
        """Embed crops that are already in the input range (used to train F), (B, D)."""
        net = self._net()
        embedding = net.deep(net.shallow(crops))
        return functional.normalize(embedding, dim=1) if self.distance == "cosine" else embedding

    def forward(self, images: Tensor, landmarks: Tensor) -> Tensor:
        """Same as :meth:`embed`."""
        return self.embed(images, landmarks)

    def _net(self) -> _Backbone:
        return cast(_Backbone, self.backbone)


class ArcFaceHead(nn.Module):
    """Additive angular margin loss (Deng et al. 2019): the classifier used to train F.

    The true class must win although its angle is enlarged by ``margin`` radians.
    """

    def __init__(
        self, embedding: int, classes: int, scale: float = 32.0, margin: float = 0.3
    ) -> None:
        super().__init__()
        self.scale, self.margin = scale, margin
        self.weight = nn.Parameter(torch.empty(classes, embedding))
        nn.init.normal_(self.weight, std=0.01)

    def logits(self, embeddings: Tensor) -> Tensor:
        """Scaled cosines without margin, (B, classes), from (B, D) embeddings of any length."""
        return self.scale * functional.linear(
            functional.normalize(embeddings, dim=1), functional.normalize(self.weight, dim=1)
        )

    def forward(self, embeddings: Tensor, labels: Tensor) -> Tensor:
        """Mean cross-entropy with the margin on the true class; labels (B,) int64."""
        cosine = self.logits(embeddings) / self.scale
        true = cosine.gather(1, labels[:, None]).clamp(-1.0 + 1e-6, 1.0 - 1e-6)
        # Beyond pi the cosine would rise again; keep it monotonic there (as InsightFace does).
        angle = torch.acos(true)
        limit = torch.pi - self.margin
        harder = torch.where(
            angle < limit,
            torch.cos(angle + self.margin),
            true - self.margin * math.sin(self.margin),
        )
        return functional.cross_entropy(
            self.scale * cosine.scatter(1, labels[:, None], harder), labels
        )
