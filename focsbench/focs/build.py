"""Networks of a configuration, fresh or from the folders of earlier stages."""

from __future__ import annotations

from pathlib import Path

from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn

from focsbench.errors import CacheError, brief
from focsbench.face_models import load_face_model
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.focs.autoencoder import FaceAutoencoder, FaceDecoder
from focsbench.focs.config import FocsConfig
from focsbench.focs.seeding import seeded
from focsbench.networks.names import ENCODER_FILE as ENCODER_FILE  # also found here
from focsbench.networks.names import UNET_FILE as UNET_FILE
from focsbench.networks.pretrained import load_weights, weights_path
from focsbench.networks.recognition import RecognitionNetwork
from focsbench.networks.resnet import FaceEncoder, LatentSizes, transplant
from focsbench.networks.unet import UNet

# What ImageNet trains there says nothing of faces: the layer then starts at zero, as always.
ENCODER_HEAD = ("backbone.fc.weight", "backbone.fc.bias")
_LARGEST = 4 << 30  # bytes of the weights of one network
_AGAIN = "delete its folder and run again"


def build_decoder(config: FocsConfig, face_model: str | MorphableModel) -> FaceDecoder:
    """Make the renderer of the face region of a model, given by its name or as it is."""
    model = load_face_model(face_model) if isinstance(face_model, str) else face_model
    return FaceDecoder(
        model.crop("face"),
        config.image_size,
        config.rasterizer,
        config.interpolation,
        config.renormalize_normals,
    )


def build_autoencoder(
    config: FocsConfig, face_model: str | MorphableModel, seed: int
) -> FaceAutoencoder:
    """Make R; without pre-trained weights its random layers depend on ``seed`` alone."""
    model = load_face_model(face_model) if isinstance(face_model, str) else face_model
    sizes = LatentSizes(*model.modes)
    with seeded(seed):
        encoder = FaceEncoder(config.encoder, sizes)
        if config.encoder.weights is not None:
            path = weights_path(config.encoder.weights)
            if config.encoder.weights_face_model in (None, model.name):
                load_weights(encoder, path, optional=ENCODER_HEAD)
            else:
                # Coefficients of one model mean nothing in another: they start at the mean face.
                trained = FaceEncoder(config.encoder)
                load_weights(trained, path)
                transplant(trained, encoder)
    return FaceAutoencoder(encoder, build_decoder(config, model))


def build_unet(config: FocsConfig, seed: int) -> UNet:
    """Make S; without pre-trained weights its random start depends on ``seed`` alone."""
    with seeded(seed):
        network = UNet(config.unet)
    if config.unet.weights is not None:
        load_weights(network, weights_path(config.unet.weights))
    return network


def load_autoencoder(
    config: FocsConfig, face_model: str | MorphableModel, file: Path, advice: str = _AGAIN
) -> FaceAutoencoder:
    """Make R with the encoder that a stage saved.

    The weights that its training started from need not be there any more.

    Raises:
        CacheError: as :func:`load_module`.
    """
    own = config.encoder.model_copy(update={"weights": None})
    network = build_autoencoder(config.model_copy(update={"encoder": own}), face_model, seed=0)
    load_module(network.encoder, file, advice)
    return network


def load_unet(config: FocsConfig, file: Path, advice: str = _AGAIN) -> UNet:
    """Make S as a stage saved it; see :func:`load_autoencoder`."""
    own = config.unet.model_copy(update={"weights": None})
    network = build_unet(config.model_copy(update={"unet": own}), seed=0)
    load_module(network, file, advice)
    return network


def build_recognizer(config: FocsConfig) -> RecognitionNetwork:
    """Make the frozen recognition network F."""
    with seeded(0):
        network = RecognitionNetwork(config.recognition)
    if config.recognition.weights is not None:
        load_weights(network, weights_path(config.recognition.weights))
    return network.freeze()


def save_module(module: nn.Module, path: Path) -> None:
    """Write parameters and buffers of a trained network as safetensors."""
    save_file({name: value.contiguous() for name, value in module.state_dict().items()}, path)


def load_module(module: nn.Module, path: Path, advice: str = _AGAIN) -> None:
    """Load a network that a stage saved.

    Args:
        module: receives parameters and buffers.
        path: of the file.
        advice: what to do where the file cannot be used; by default that for a folder of a run.

    Raises:
        CacheError: if the file is missing or belongs to another architecture.
    """
    if not path.is_file() or path.stat().st_size > _LARGEST:
        raise CacheError(
            f"{path}: missing, or no file of less than {_LARGEST >> 30} GiB; {advice}."
        )
    try:
        module.load_state_dict(load_file(path))
    except (OSError, RuntimeError, MemoryError, SafetensorError) as error:
        raise CacheError(f"{path}: {brief(error)}; {advice}.") from None
