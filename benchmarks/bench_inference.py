"""Races networks of the size of the paper run by an engine, and what is built from them.

    python benchmarks/bench_inference.py [--engine openvino]

ResNet-50 and the UNet of 34.5 million parameters at 224 pixels, a face model of 35,721 vertices.
Weights are random, which changes no cost, with batch statistics of images and outputs of the size
that faces have, so that the differences of the answers mean something.
"""

from __future__ import annotations

import argparse
import copy
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from bench_training import bfm_sized_model, plain_layout
from PIL import Image
from race import Race, Racer, Section, add_options, importable, show
from torch import Tensor, nn

from focsbench.errors import ConfigError
from focsbench.fit.fitter import FittedFace, Fitter
from focsbench.fit.refine import RefineSettings
from focsbench.fit.weights import Weights, shipped_weights
from focsbench.focs.autoencoder import Decoded, FaceAutoencoder, FaceDecoder
from focsbench.focs.build import (
    ENCODER_FILE,
    UNET_FILE,
    build_autoencoder,
    build_decoder,
    build_unet,
    save_module,
)
from focsbench.focs.masks import segmentation_mask
from focsbench.focs.presets import load_preset
from focsbench.inference.accelerate import accelerated_encoder, accelerated_unet
from focsbench.inference.check import probe, relative_error
from focsbench.inference.engine import open_engine
from focsbench.inference.exported import FlatEncoder, FlatUNet
from focsbench.landmarks.faces import Face

SIZE = 224
SPREAD = 0.3  # of the latents
ENGINE = "openvino"


@torch.no_grad()
def like_trained(network: nn.Module, inputs: int) -> nn.Module:
    """Give batch normalisation the statistics of images, and a head that starts at zero a size."""
    layers = [module for module in network.modules() if isinstance(module, nn.BatchNorm2d)]
    for layer in layers:
        layer.momentum = None  # the plain average
    network.train()(*probe(inputs, SIZE, batch=4))
    generator = torch.Generator().manual_seed(0)
    for module in network.modules():
        if isinstance(module, nn.Linear) and not module.weight.any():
            module.weight.normal_(0, SPREAD / module.in_features**0.5, generator=generator)
    return network.eval()


class Networks:
    """R and S of the preset ``paper`` as PyTorch has them, in its own layout, and exported."""

    def __init__(self, engine: str) -> None:
        self.config = load_preset("paper")
        self.model = bfm_sized_model()
        self.engine = engine
        encoder = build_autoencoder(self.config, self.model, 0).encoder
        self.encoder = like_trained(encoder, 1)
        self.unet = like_trained(build_unet(self.config, 0), 2)
        self.plain_encoder, self.plain_unet = copy.deepcopy((self.encoder, self.unet))
        plain_layout(self.plain_encoder)
        plain_layout(self.plain_unet)
        self.fast_encoder = accelerated_encoder(engine, self.encoder, SIZE)
        self.fast_unet = accelerated_unet(engine, self.unet, SIZE)

    def decoder(self, rasterizer: str) -> FaceDecoder:
        """The renderer by one backend."""
        config = self.config.with_changes({"rasterizer": rasterizer})
        return build_decoder(config, self.model)


def called(network: nn.Module, images: tuple[Tensor, ...]) -> Callable[[], Any]:
    """A call without gradients."""

    def work() -> Any:
        with torch.no_grad():
            return network(*images)

    return work


def onnx_runtime(
    network: nn.Module, images: tuple[Tensor, ...], threads: int
) -> Callable[[], Tensor]:
    """The same network as ONNX Runtime runs it, with a fixed batch."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "network.onnx"
        torch.onnx.export(network, images, file, dynamo=True, external_data=False, verbose=False)
        session = onnxruntime.InferenceSession(file, options, ["CPUExecutionProvider"])
    names = [given.name for given in session.get_inputs()]
    feed = {name: image.numpy() for name, image in zip(names, images, strict=True)}
    return lambda: torch.from_numpy(session.run(None, feed)[0])


def network_race(networks: Networks, which: str, batch: int, threads: int) -> Race:
    """One network on a batch."""
    images = probe(1 if which == "encoder" else 2, SIZE, batch)
    plain, own, fast = (getattr(networks, f"{kind}{which}") for kind in ("plain_", "", "fast_"))
    flat = (FlatEncoder if which == "encoder" else FlatUNet)(own)
    peers = [Racer("PyTorch eager", called(plain, images))]
    if batch == 1 or which == "encoder":
        peers.append(Racer("PyTorch, channels last", called(own, images)))
    if batch == 1 and importable("onnxruntime") and importable("onnxscript"):
        peers.append(Racer("ONNX Runtime", onnx_runtime(flat.eval(), images, threads)))

    def difference(mine: tuple[Tensor, ...], theirs: tuple[Tensor, ...] | Tensor) -> float:
        if isinstance(theirs, Tensor):  # ONNX Runtime gives what was exported
            mine = mine.concatenate() if which == "encoder" else mine.logit
            return relative_error([mine], [theirs])
        return relative_error(mine, theirs)

    name = "ResNet-50" if which == "encoder" else "UNet"
    fastest = Racer(networks.engine, called(fast, images))
    return Race(f"{name}, batch of {batch}", fastest, peers, difference, "relative", "wall")


def face_race(networks: Networks, masked: bool) -> Race:
    """One photograph to its rendered face, and its mask."""
    (image,) = probe(1, SIZE)

    def racer(name: str, encoder: nn.Module, unet: nn.Module, rasterizer: str) -> Racer:
        autoencoder = FaceAutoencoder(encoder, networks.decoder(rasterizer)).eval()
        mask = segmentation_mask(networks.config, unet)

        def work() -> Tensor:
            with torch.no_grad():
                decoded: Decoded = autoencoder(image)
                return mask(image, decoded) if masked else decoded.image

        return Racer(name, work)

    plain = (networks.plain_encoder, networks.plain_unet)
    own, fast = (networks.encoder, networks.unet), (networks.fast_encoder, networks.fast_unet)
    return Race(
        f"one photograph: encode{', decode, render, segment' if masked else ', decode and render'}",
        racer(f"{networks.engine}, fused renderer", *fast, "auto"),
        [
            racer("PyTorch eager, plain rendering", *plain, "torch"),
            racer("PyTorch, channels last, fused renderer", *own, "auto"),
        ],
        lambda mine, theirs: (mine - theirs).abs().max().item(),
        "of a value",
        "wall",
    )


def photograph(fitter: Fitter) -> tuple[Image.Image, Face]:
    """Noise, and the landmarks of the mean face in it."""
    model = fitter.model
    pixels = 1.5 * model.mean_shape[model.landmarks68][:, :2] * [1, -1] + [200, 220]
    noise = np.random.default_rng(0).integers(60, 190, (440, 400, 3), dtype=np.uint8)
    return Image.fromarray(noise), Face.around(pixels)


def fit_race(case: str, ours: Fitter, theirs: Fitter, names: tuple[str, str]) -> Race:
    """``focsbench fit`` of one face, without its files."""
    photo, face = photograph(ours)

    def difference(mine: FittedFace, other: FittedFace) -> float:
        return float(np.abs(mine.render - other.render).max())

    return Race(
        case,
        Racer(names[0], lambda: ours.fit(photo, face)),
        [Racer(names[1], lambda: theirs.fit(photo, face))],
        difference,
        "of a pixel value",
        "wall",
    )


def fit_races(engine: str) -> Iterator[Race]:
    """Yield the fit with networks of full size, and the refinement with the ones that ship."""

    def plain(weights: Weights) -> Weights:
        return replace(weights, config=weights.config.with_changes({"rasterizer": "torch"}))

    with tempfile.TemporaryDirectory() as folder:
        config = load_preset("paper")
        encoder = like_trained(build_autoencoder(config, "anny", 0).encoder, 1)
        encoder.backbone.fc.weight.data *= 0.1  # a fit that misses the landmarks is refused
        save_module(encoder, Path(folder) / ENCODER_FILE)
        save_module(like_trained(build_unet(config, 0), 2), Path(folder) / UNET_FILE)
        weights = Weights(config, "anny", Path(folder), "random")
        yield fit_race(
            "fit one face, networks alone (--no-refine)",
            Fitter(weights, None, engine=engine),
            Fitter(plain(weights), None),
            (f"{engine}, fused renderer", "PyTorch, plain rendering"),
        )
    settings = RefineSettings(iterations=20, mask_every=10)
    yield fit_race(
        "fit one face, shipped encoder, 20 of 200 iterations of the refinement",
        Fitter(shipped_weights(), settings, engine=engine),
        Fitter(plain(shipped_weights()), settings),
        (f"{engine}, fused renderer", "PyTorch, plain rendering"),
    )


def races_of(engine: str, threads: int) -> Iterator[Race]:
    """Yield all races of an engine, on all threads."""
    torch.set_num_threads(threads)
    try:
        open_engine(engine)
    except ConfigError:
        importable("openvino")  # says that it is not there
        return
    networks = Networks(engine)
    for which in ("encoder", "unet"):
        for batch in (1, 12):
            yield network_race(networks, which, batch, threads)
    yield face_race(networks, masked=False)
    yield face_race(networks, masked=True)
    del networks
    yield from fit_races(engine)


def section(engine: str) -> Section:
    """The section of one engine."""
    return Section(
        "Inference",
        "Networks of the size of the paper (ResNet-50; UNet of 34.5 million parameters) at 224 "
        "pixels and a face model of 35,721 vertices, run by `--engine "
        f"{engine}`. *PyTorch eager* has the layout of networks that PyTorch gives them; without "
        "`--engine`, focsbench runs them channels last. The differences of networks are relative "
        "to the largest value of an output (at most 5e-3 is accepted), others absolute. The paper "
        "gives 49 ms for a photograph on a GPU.",
        lambda threads: races_of(engine, threads),
        ("openvino", "onnxruntime"),
    )


SECTION = section(ENGINE)


def main() -> None:
    """Run the races of one engine."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--engine", default=ENGINE)
    options = parser.parse_args()
    show(section(options.engine), options)


if __name__ == "__main__":
    main()
