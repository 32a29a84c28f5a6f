"""Which files of weights are known: how they are recognised, and what becomes of their names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

if TYPE_CHECKING:
    from torch import nn

Role = Literal["encoder", "unet", "recognition", "deep3d"]
Shapes = Mapping[str, tuple[int, ...]]

FOCUS_LICENCE = (
    "authors' weights, terms not stated; their code: MIT, no defamatory or pornographic use, cite "
    "the paper; trained on CelebA-HQ with BFM 2017, both for non-commercial research only"
)
ARCFACE_LICENCE = "insightface: models for non-commercial research only (its code: MIT)"


@dataclass(frozen=True)
class Kind:
    """One kind of published weights.

    name, title, role: as in the record. signature: names that its tensors have, behind ``inside``
    and whatever a file wraps around that (one of ``wrappers``, or anything where there is none).
    prefix: of the names in the network, instead of ``inside``. settings: of the network. dropped:
    starts of names that are left out. may_lack: starts of names that the network keeps as it has
    them.
    """

    name: str
    title: str
    role: Role
    signature: tuple[str, ...]
    licence: str
    origin: str
    inside: str = ""
    wrappers: tuple[str, ...] = ()
    prefix: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    dropped: tuple[str, ...] = ()
    may_lack: tuple[str, ...] = ()

    def start(self, names: Shapes) -> str | None:
        """Return what stands before the names of this kind in a file, or None."""
        first = f"{self.inside}{self.signature[0]}"
        starts = {name.removesuffix(first) for name in names if name.endswith(first)}
        return min((s for s in starts if self._fits(s, names)), key=len, default=None)

    def _fits(self, start: str, names: Shapes) -> bool:
        separate = not start or start.endswith(".")
        known = not self.wrappers or start in self.wrappers
        wanted = (f"{start}{self.inside}{name}" for name in self.signature)
        return separate and known and all(name in names for name in wanted)

    def network(self) -> nn.Module:
        """Build the network, on the current device."""
        return _NETWORKS[self.role](dict(self.settings))


def _encoder(settings: dict[str, Any]) -> nn.Module:
    from focsbench.networks.config import EncoderConfig
    from focsbench.networks.resnet import FaceEncoder

    return FaceEncoder(EncoderConfig(**settings))


def _unet(settings: dict[str, Any]) -> nn.Module:
    from focsbench.networks.config import UNetConfig
    from focsbench.networks.unet import UNet

    return UNet(UNetConfig(**settings))


def _recognition(settings: dict[str, Any]) -> nn.Module:
    from focsbench.networks.config import RecognitionConfig
    from focsbench.networks.recognition import RecognitionNetwork

    return RecognitionNetwork(RecognitionConfig(**settings))


def _deep3d(settings: dict[str, Any]) -> nn.Module:
    from focsbench.networks.deep3d import Deep3DEncoder

    return Deep3DEncoder()


_NETWORKS: dict[Role, Callable[[dict[str, Any]], nn.Module]] = {
    "encoder": _encoder,
    "unet": _unet,
    "recognition": _recognition,
    "deep3d": _deep3d,
}

# Settings that the released UNet has; presets for small machines differ.
_RELEASED_UNET = {
    "width": 64, "depth": 5, "input_stride": 1, "blur_logits": False, "up_kernel": 3,
    "norm": "batch", "dropout": 0.5, "logit_gain": 5.0,
}  # fmt: skip

RELEASED_ENCODER = Kind(
    name="released-encoder",
    title="network R of the paper's authors",
    role="encoder",
    signature=("layer4.2.conv3.weight", "fc.weight"),
    licence=FOCUS_LICENCE,
    origin="docker image chunluli/focus:1.2, MoFA_UNet_Save/*/enc_net_*.model",
    inside="vgg.",
    prefix="backbone.",
    settings={"architecture": "resnet50", "head": "released", "weights_face_model": "bfm2017"},
)
RELEASED_UNET = Kind(
    name="released-unet",
    title="network S of the paper's authors",
    role="unet",
    signature=("Conv4.double_conv.0.0.weight", "Up_conv2.double_conv.3.weight", "Conv.weight"),
    licence=FOCUS_LICENCE,
    origin="docker image chunluli/focus:1.2, MoFA_UNet_Save/*/unet_*.model",
    settings=_RELEASED_UNET,
)
DEEP3D = Kind(
    name="deep3d",
    title="Deep3D (PyTorch), epoch 20",
    role="deep3d",
    signature=("backbone.layer4.2.conv3.weight", "final_layers.0.weight", "final_layers.6.bias"),
    licence="Deep3DFaceRecon_pytorch: MIT; trained with BFM 2009, for non-commercial research only",
    origin="github.com/sicxu/Deep3DFaceRecon_pytorch, checkpoints/*/epoch_20.pth",
)
IMAGENET = Kind(
    name="imagenet-resnet50",
    title="ResNet-50 trained on ImageNet",
    role="encoder",
    signature=("layer4.2.conv3.weight", "layer1.0.conv3.weight", "fc.weight"),
    licence="torchvision: BSD-3-Clause; trained on ImageNet, whose images are for research only",
    origin="torchvision, resnet50-*.pth, or the same names elsewhere",
    wrappers=("", "module.", "state_dict.", "state_dict.module.", "model."),
    prefix="backbone.",
    settings={"architecture": "resnet50", "weights_face_model": None},
    dropped=("fc.",),
    may_lack=("backbone.fc.",),
)
DLIB = Kind(
    name="dlib-recognition",
    title="dlib's face recognition ResNet",
    role="recognition",
    signature=("backbone.stem.weight", "backbone.stages.4.0.conv2.weight"),
    licence="CC0-1.0 (public domain)",
    origin="package face-recognition-models, dlib_face_recognition_resnet_model_v1.dat",
    settings={"architecture": "dlib", "crop_size": 150, "embedding": 128, "distance": "l2"},
)


def arcface(depth: int) -> Kind:
    """Return the kind of an ArcFace network of insightface (depth 18, 34, 50 or 100)."""
    return Kind(
        name=f"arcface-r{depth}",
        title=f"ArcFace iresnet{depth}",
        role="recognition",
        signature=("prelu.weight", "layer1.0.prelu.weight", "features.running_mean"),
        licence=ARCFACE_LICENCE,
        origin="github.com/deepinsight/insightface, backbone.pth or an ONNX recognition model",
        prefix="backbone.",
        settings={
            "architecture": f"iresnet{depth}", "crop_size": 112, "embedding": 512,
            "distance": "cosine",
        },
    )  # fmt: skip


def recognise(names: Shapes) -> Kind | None:
    """Return the kind of a file by the names of its tensors, the most particular first."""
    for kind in (DEEP3D, RELEASED_ENCODER, RELEASED_UNET, DLIB):
        if kind.start(names) is not None:
            return kind
    depth = _iresnet_depth(names)
    if depth is not None:
        return arcface(depth)
    return IMAGENET if IMAGENET.start(names) is not None else None


def _iresnet_depth(names: Shapes) -> int | None:
    from focsbench.networks.iresnet_shapes import IRESNETS

    start = arcface(50).start(names)
    if start is None:
        return None
    blocks = tuple(
        sum(f"{start}layer{stage}.{block}.conv1.weight" in names for block in range(64))
        for stage in (1, 2, 3, 4)
    )
    return next((depth for depth, known in IRESNETS.items() if known == blocks), None)
