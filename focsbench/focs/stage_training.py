"""What the training stages do: load the start, run the iterations, save the networks."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

from torch import Tensor

import focsbench
from focsbench.data.aligned import AlignedArrays
from focsbench.focs.autoencoder import Decoded, FaceAutoencoder
from focsbench.focs.batches import BatchStream
from focsbench.focs.build import (
    ENCODER_FILE,
    UNET_FILE,
    build_autoencoder,
    build_recognizer,
    build_unet,
    load_module,
    save_module,
)
from focsbench.focs.checkpoints import Checkpoints, Stateful, fingerprint
from focsbench.focs.config import FocsConfig, OptimizerConfig
from focsbench.focs.inference import (
    MaskFunction,
    segmentation_mask,
    skin_colour_mask,
    threshold_mask,
)
from focsbench.focs.loop import run_iterations
from focsbench.focs.schedule import em_phase
from focsbench.focs.seeding import iteration_seed
from focsbench.focs.stages import write_log
from focsbench.focs.training import AutoencoderTrainer, SegmentationTrainer
from focsbench.networks.recognition import RecognitionNetwork
from focsbench.networks.unet import UNet

# Code that decides what a checkpoint means.
_SOURCES = [Path(focsbench.__file__).parent / name for name in ("focs", "networks", "rendering")]
_ORDER = ("warmup", "mofa", "supervised", "init", "segmentation", "em", "skin", "adapted")

FixedMask = Literal["threshold", "labels", "skin"]


class StageTraining:
    """One training stage of a run: its data, networks, checkpoints and outputs."""

    def __init__(
        self, name: str, inputs: Mapping[str, Path], out: Path, settings: Mapping[str, Any]
    ) -> None:
        self.name = name
        self.config = _without_missing_network(FocsConfig.model_validate(settings["method"]))
        self._inputs = inputs
        self._out = out
        self._settings = dict(settings)
        # Stages see the images in different orders; a row's own order depends on the seed alone.
        self._seed = iteration_seed(int(settings["seed"]), 4, _ORDER.index(name))

    def autoencoder_stage(self, iterations: int, mask: FixedMask | None) -> None:
        """Train R alone under one kind of mask.

        mask: threshold (Eq. 9, with the robust loss), labels, skin (the colour detector on the
            augmented photographs), or None for all rendered pixels.
        """
        robust = mask == "threshold"
        network = self._autoencoder()
        schedule = self.config.init_optimizer
        trainer = AutoencoderTrainer(
            self.config, network, self._recognizer, schedule, iterations, robust=robust
        )
        functions: dict[FixedMask | None, MaskFunction] = {
            "threshold": threshold_mask(self.config),
            "skin": skin_colour_mask(self.config),
        }

        def step(iteration: int) -> dict[str, float]:
            batch = self._batches(iteration)
            function = _labels(batch.masks) if mask == "labels" else functions.get(mask)
            return trainer.step(iteration, batch, function)

        self._run(iterations, step, encoder=network.encoder, optimizer=trainer.optimizer)
        save_module(network.encoder, self._out / ENCODER_FILE)

    def segmentation_stage(self) -> None:
        """Train S on the preliminary masks of the initialised R."""
        iterations = self.config.schedule.unet_pretrain_iterations
        network, unet = self._autoencoder(), build_unet(self.config, self._seed)
        trainer = self._segmentation_trainer(unet, self.config.pretrain_optimizer, iterations)
        labels = threshold_mask(self.config)

        def step(iteration: int) -> dict[str, float]:
            return trainer.pretrain_step(iteration, self._batches(iteration), network, labels)

        self._run(iterations, step, unet=unet, optimizer=trainer.optimizer)
        save_module(unet, self._out / UNET_FILE)

    def em_stage(self) -> None:
        """Alternate E-steps (S learns) and M-steps (R learns)."""
        total = self.config.schedule.joint_iterations
        network, unet = self._autoencoder(), build_unet(self.config, self._seed)
        load_module(unet, self._inputs["segmentation"] / UNET_FILE)
        m_trainer = AutoencoderTrainer(
            self.config, network, self._recognizer, self.config.reconstruction_optimizer, total
        )
        e_trainer = self._segmentation_trainer(unet, self.config.segmentation_optimizer, total)
        mask = segmentation_mask(self.config, unet)

        def step(iteration: int) -> dict[str, float]:
            batch = self._batches(iteration)
            if em_phase(self.config.schedule, iteration) == "E":
                terms = e_trainer.step(iteration, batch, network, mask)
                return {f"S_{name}": value for name, value in terms.items()}
            unet.eval()
            terms = m_trainer.step(iteration, batch, mask)
            return {f"R_{name}": value for name, value in terms.items()}

        self._run(
            total,
            step,
            encoder=network.encoder,
            unet=unet,
            m_optimizer=m_trainer.optimizer,
            e_optimizer=e_trainer.optimizer,
        )
        save_module(network.encoder, self._out / ENCODER_FILE)
        save_module(unet, self._out / UNET_FILE)

    def adaptation_stage(self) -> None:
        """Train R on with the masks of a fixed S: M-steps on the images that will be evaluated."""
        iterations = self.config.schedule.adaptation_iterations
        network, unet = self._autoencoder(), build_unet(self.config, self._seed)
        load_module(unet, self._inputs["em"] / UNET_FILE)
        trainer = AutoencoderTrainer(
            self.config, network, self._recognizer, self.config.adaptation_optimizer, iterations
        )
        mask = segmentation_mask(self.config, unet.eval())

        def step(iteration: int) -> dict[str, float]:
            return trainer.step(iteration, self._batches(iteration), mask)

        self._run(iterations, step, encoder=network.encoder, optimizer=trainer.optimizer)
        save_module(network.encoder, self._out / ENCODER_FILE)
        save_module(unet, self._out / UNET_FILE)

    @cached_property
    def _batches(self) -> BatchStream:
        packed = "pack" if "pack" in self._inputs else "pack_evaluation"
        data = AlignedArrays.load(self._inputs[packed])
        return BatchStream(data, self.config.batch_size, self.config.augmentation, self._seed)

    @cached_property
    def _recognizer(self) -> RecognitionNetwork | None:
        return build_recognizer(self.config) if self.config.recognition.weights else None

    def _autoencoder(self) -> FaceAutoencoder:
        network = build_autoencoder(
            self.config, self._settings["face_model"], int(self._settings["seed"])
        )
        for start in ("em", "init", "warmup"):
            if start in self._inputs:
                load_module(network.encoder, self._inputs[start] / ENCODER_FILE)
                break
        return network

    def _segmentation_trainer(
        self, unet: UNet, optimizer: OptimizerConfig, iterations: int
    ) -> SegmentationTrainer:
        return SegmentationTrainer(
            self.config, unet, self._recognizer, optimizer, iterations, self._seed
        )

    def _run(self, iterations: int, step: Any, **parts: Stateful) -> None:
        folders = sorted(folder.name for folder in self._inputs.values())
        key = fingerprint(self.name, self._settings, folders, sources=_SOURCES)
        checkpoints = Checkpoints(self._out.parent.parent / "checkpoints", key)
        checkpoints.track(**parts)
        log = run_iterations(self.name, iterations, step, checkpoints, self.config.checkpoint_every)
        write_log(self._out, log)
        checkpoints.clear()


def _without_missing_network(config: FocsConfig) -> FocsConfig:
    """Drop the perceptual terms if there are no weights for F: a random network judges nothing."""
    if config.recognition.weights is not None:
        return config
    return config.with_changes(
        {
            "reconstruction": {"lambda_perceptual": 0.0},
            "segmentation": {"eta_dist": 0.0, "eta_presv": 0.0},
        }
    )


def _labels(masks: Tensor | None) -> MaskFunction:
    if masks is None:
        raise ValueError("the supervised row needs labelled masks")

    def mask(images: Tensor, decoded: Decoded) -> Tensor:
        return masks

    return mask
