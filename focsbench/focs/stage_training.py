"""What the training stages do: load the start, run the iterations, save the networks."""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

from torch import nn

import focsbench
from focsbench.data.aligned import AlignedArrays
from focsbench.errors import InputError
from focsbench.face_models.recorded import recorded_model
from focsbench.focs.autoencoder import FaceAutoencoder
from focsbench.focs.batches import BatchStream, training_batches
from focsbench.focs.build import (
    ENCODER_FILE,
    UNET_FILE,
    build_autoencoder,
    build_recognizer,
    build_unet,
    load_autoencoder,
    load_unet,
    save_module,
)
from focsbench.focs.checkpoints import Checkpoints, discard_finished, fingerprint
from focsbench.focs.config import FocsConfig, OptimizerConfig
from focsbench.focs.distributed import train_on
from focsbench.focs.engine import Engine, Stateful
from focsbench.focs.events import Events
from focsbench.focs.loop import run_iterations, write_log
from focsbench.focs.masks import (
    MaskFunction,
    labelled_mask,
    segmentation_mask,
    skin_colour_mask,
    threshold_mask,
)
from focsbench.focs.schedule import em_phase
from focsbench.focs.seeding import iteration_seed
from focsbench.focs.training import AutoencoderTrainer, SegmentationTrainer, parameters_fixed
from focsbench.networks.recognition import RecognitionNetwork
from focsbench.networks.unet import UNet

# Code that decides what a checkpoint means.
_SOURCES = [Path(focsbench.__file__).parent / name for name in ("focs", "networks", "rendering")]
_ORDER = ("warmup", "mofa", "supervised", "init", "segmentation", "em", "skin", "adapted")

FixedMask = Literal["threshold", "labels", "skin"]

log = logging.getLogger(__name__)


class StageTraining:
    """One training stage of a run: its data, networks, checkpoints and outputs.

    engine: what trains; None: what the settings ask for, possibly several processes, each of
        which makes its own object of this class.
    """

    def __init__(
        self,
        name: str,
        inputs: Mapping[str, Path],
        out: Path,
        settings: Mapping[str, Any],
        engine: Engine | None = None,
    ) -> None:
        self.name = name
        asked = FocsConfig.model_validate(settings["method"])
        self.config = _without_missing_network(asked)
        self._losses_dropped = self.config != asked
        self._inputs = inputs
        self._out = out
        self._settings = dict(settings)
        # Stages see the images in different orders; a row's own order depends on the seed alone.
        self._seed = iteration_seed(int(settings["seed"]), 4, _ORDER.index(name))
        self._engine = engine or Engine()

    def autoencoder_stage(self, iterations: int, mask: FixedMask | None) -> None:
        """Train R alone under one kind of mask.

        mask: threshold (Eq. 9, with the robust loss), labels, skin (the colour detector on the
            augmented photographs), or None for all rendered pixels.

        Raises:
            InputError: if there are no labels where they are the mask.
        """
        self._on_all_devices("_train_autoencoder", iterations, mask)

    def segmentation_stage(self) -> None:
        """Train S on the preliminary masks of the initialised R."""
        self._on_all_devices("_train_segmentation")

    def em_stage(self) -> None:
        """Alternate E-steps (S learns) and M-steps (R learns)."""
        self._on_all_devices("_train_em")

    def adaptation_stage(self) -> None:
        """Train R on with the masks of a fixed S: M-steps on the images that will be evaluated."""
        self._on_all_devices("_train_adaptation")

    def _on_all_devices(self, method: str, *arguments: Any) -> None:
        made_of = (self.name, dict(self._inputs), self._out, self._settings)
        train_on(self.config.scale, self.config.batch_size, _train, made_of, method, arguments)

    def _train_autoencoder(self, iterations: int, mask: FixedMask | None) -> None:
        if mask == "labels" and not self._batches.labelled:
            raise InputError(
                f"{self._packed / 'masks.npy'}: the visible face of no training photograph is "
                "labelled; train on a dataset with masks, or leave out the supervised rows."
            )
        network = self._autoencoder()
        encoder = network.encoder
        trainer = self._autoencoder_trainer(
            network, self.config.init_optimizer, iterations, robust=mask == "threshold"
        )
        functions: dict[FixedMask | None, MaskFunction] = {
            "threshold": threshold_mask(self.config),
            "skin": skin_colour_mask(self.config),
        }

        def step(iteration: int) -> dict[str, float]:
            batch = self._batches(iteration)
            function = labelled_mask(batch.masks) if mask == "labels" else functions.get(mask)
            return trainer.step(iteration, batch, function)

        self._run(iterations, step, encoder=encoder, optimizer=trainer.optimizer)
        self._save(encoder, ENCODER_FILE)

    def _train_segmentation(self) -> None:
        iterations = self.config.schedule.unet_pretrain_iterations
        network, unet = self._autoencoder(), self._unet()
        network.encoder = self._engine.frozen(network.encoder)
        trainer = self._segmentation_trainer(unet, self.config.pretrain_optimizer, iterations, None)
        labels = threshold_mask(self.config)

        def step(iteration: int) -> dict[str, float]:
            return trainer.pretrain_step(iteration, self._batches(iteration), network, labels)

        self._run(iterations, step, unet=unet, optimizer=trainer.optimizer)
        self._save(unet, UNET_FILE)

    def _train_em(self) -> None:
        total = self.config.schedule.joint_iterations
        network, unet = self._autoencoder(), self._unet("segmentation")
        encoder = network.encoder
        m_trainer = self._autoencoder_trainer(network, self.config.reconstruction_optimizer, total)
        e_trainer = self._segmentation_trainer(
            unet, self.config.segmentation_optimizer, total, self._recognizer
        )
        learning = segmentation_mask(self.config, e_trainer.network)
        fixed = segmentation_mask(self.config, self._engine.frozen(unet))

        def step(iteration: int) -> dict[str, float]:
            batch = self._batches(iteration)
            if em_phase(self.config.schedule, iteration) == "E":
                terms = e_trainer.step(iteration, batch, network, learning)
                return {f"S_{name}": value for name, value in terms.items()}
            unet.eval()
            with parameters_fixed(unet):
                terms = m_trainer.step(iteration, batch, fixed)
            return {f"R_{name}": value for name, value in terms.items()}

        self._run(
            total,
            step,
            encoder=encoder,
            unet=unet,
            m_optimizer=m_trainer.optimizer,
            e_optimizer=e_trainer.optimizer,
        )
        self._save(encoder, ENCODER_FILE)
        self._save(unet, UNET_FILE)

    def _train_adaptation(self) -> None:
        iterations = self.config.schedule.adaptation_iterations
        network, unet = self._autoencoder(), self._unet("em")
        encoder = network.encoder
        trainer = self._autoencoder_trainer(network, self.config.adaptation_optimizer, iterations)
        unet.eval().requires_grad_(False)
        mask = segmentation_mask(self.config, self._engine.frozen(unet))

        def step(iteration: int) -> dict[str, float]:
            return trainer.step(iteration, self._batches(iteration), mask)

        self._run(iterations, step, encoder=encoder, optimizer=trainer.optimizer)
        self._save(encoder, ENCODER_FILE)
        self._save(unet, UNET_FILE)

    @property
    def _packed(self) -> Path:
        return self._inputs["pack" if "pack" in self._inputs else "pack_evaluation"]

    @cached_property
    def _batches(self) -> BatchStream:
        data = AlignedArrays.load(self._packed)
        return training_batches(data, self.config, self._seed, self._engine)

    @cached_property
    def _recognizer(self) -> RecognitionNetwork | None:
        if self.config.recognition.weights is None:
            if self._losses_dropped and self._engine.rank == 0:
                log.warning(
                    "%s trains without perceptual losses, because recognition.weights names no "
                    "network (docs/weights.md)",
                    self.name,
                )
            return None
        network = build_recognizer(self.config).to(self._engine.device)
        return cast(RecognitionNetwork, self._engine.frozen_recognizer(network))

    def _autoencoder(self) -> FaceAutoencoder:
        model = recorded_model(self._inputs, self._settings["face_model"])
        starts = [name for name in ("em", "init", "warmup") if name in self._inputs]
        if starts:
            file = self._inputs[starts[0]] / ENCODER_FILE
            network = load_autoencoder(self.config, model, file)
        else:
            network = build_autoencoder(self.config, model, int(self._settings["seed"]))
        return network.to(self._engine.device)

    def _unet(self, start: str | None = None) -> UNet:
        if start is None:
            unet = build_unet(self.config, self._seed)
        else:
            unet = load_unet(self.config, self._inputs[start] / UNET_FILE)
        return unet.to(self._engine.device)

    def _autoencoder_trainer(
        self,
        network: FaceAutoencoder,
        optimizer: OptimizerConfig,
        iterations: int,
        robust: bool = False,
    ) -> AutoencoderTrainer:
        return AutoencoderTrainer(
            self.config, network, self._recognizer, optimizer, iterations, robust, self._engine
        )

    def _segmentation_trainer(
        self,
        unet: UNet,
        optimizer: OptimizerConfig,
        iterations: int,
        recognizer: RecognitionNetwork | None,
    ) -> SegmentationTrainer:
        return SegmentationTrainer(
            self.config, unet, recognizer, optimizer, iterations, self._seed, self._engine
        )

    def _run(self, iterations: int, step: Any, **parts: Stateful) -> None:
        folders = sorted(folder.name for folder in self._inputs.values())
        key = fingerprint(self.name, self._settings, folders, sources=_SOURCES)
        run, artefact = self._out.parent.parent, _artefact_name(self._out)
        checkpoints = Checkpoints(run / "checkpoints", key, f"{self._out.parent.name}/{artefact}")
        checkpoints.track(**parts, **self._engine.state())
        first = self._engine.rank == 0
        if first:
            discard_finished(run / "checkpoints")
        events = Events.wanted(artefact) if first else None
        schedule = self.config.schedule
        entries = run_iterations(
            self.name,
            iterations,
            step,
            checkpoints,
            self.config.checkpoint_every,
            schedule.collapse_iterations,
            self._engine,
            events,
        )
        if events:
            events.close()
        if first:
            write_log(self._out, entries)

    def _save(self, module: nn.Module, name: str) -> None:
        if self._engine.rank == 0:
            save_module(module, self._out / name)


def _train(
    engine: Engine,
    made_of: tuple[str, dict[str, Path], Path, dict[str, Any]],
    method: str,
    arguments: tuple[Any, ...],
) -> None:
    """Run one stage in one of its processes."""
    getattr(StageTraining(*made_of, engine), method)(*arguments)


def _artefact_name(out: Path) -> str:
    """Return what the folder of a stage is called once it is complete.

    While it is written, its name has a prefix and a random suffix.
    """
    return re.sub(r"^\.partial-(.+)-\w{8}$", r"\1", out.name)


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
