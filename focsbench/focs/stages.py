"""The training stages of the rows and what each one starts from.

A stage is a step function ``(inputs, out, config, workers)`` of the run plan: it reads the folders
of the stages it needs, trains, and writes weights and a training log into ``out``. Rows share
stages, and all of them start from one warm-up, so differences come from the masks alone.

``config`` holds ``method`` (fields of `FocsConfig`), ``face_model`` (its name) and ``seed``, and
``split`` for stages that read the images of the evaluation.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from focsbench.errors import ConfigError
from focsbench.files import write_json
from focsbench.focs.nested import Settings, has, merged, without

if TYPE_CHECKING:
    from focsbench.focs.stage_training import StageTraining
    from focsbench.types import FaceDataset

Inputs = Mapping[str, Path]


@dataclass(frozen=True)
class Stage:
    """One training stage: what runs it, what it reads, and which settings it looks at.

    function: ``module:name`` of the step function. Variants of a row share one function.
    needs: the steps whose folders it reads.
    parallel: the function spreads its own work over ``workers`` processes.
    evaluation: it reads the images that will be evaluated; its config has their ``split``.
    fits: it reads the face model; the others are the same for every model.
    changes: fields of the method that a variant has otherwise than the run (nested, as in
        ``FocsConfig.with_changes``).
    only: sections of the method that the stage looks at; empty for all of them. The others, and
        those in ``ignores`` (``section`` or ``section.field``), are left out of its config, so
        that changing them does not train it again.
    compares_perceptual: it differs from others by the perceptual losses of the mask alone, so it
        is refused in a run that has none.
    """

    name: str
    function: str
    needs: tuple[str, ...]
    parallel: bool = False
    evaluation: bool = False
    fits: bool = True
    changes: Settings = field(default_factory=dict)
    only: frozenset[str] = frozenset()
    ignores: frozenset[str] = frozenset()
    compares_perceptual: bool = False

    def in_run(self, settings: Settings) -> Stage:
        """Return the stage of a run with these settings: itself, or at once its refusal."""
        if not self.compares_perceptual or settings["recognition"]["weights"] is not None:
            return self
        return replace(self, function=f"{__name__}:refuse", needs=(), fits=False)

    def method(self, settings: Settings) -> dict[str, Any]:
        """Return the settings of the method as this stage sees them."""
        view = merged(settings, self.changes)
        if self.only:
            view = {name: value for name, value in view.items() if name in self.only}
        for path in self.ignores:
            view = without(view, path.split("."))
        return view

    def variant(self, name: str, changes: Settings) -> Stage:
        """Return the same stage under another name, with some fields changed.

        What is changed is looked at, even if the original ignores it.
        """
        ignores = frozenset(path for path in self.ignores if not has(changes, path.split(".")))
        return replace(self, name=name, changes=merged(self.changes, changes), ignores=ignores)


# Fields that only some of the stages look at, by those that do.
_OF_S = frozenset({"unet", "segmentation", "pretrain_optimizer", "segmentation_optimizer"})
_OF_EM = frozenset(
    {"reconstruction_optimizer", "segmentation_optimizer", "schedule.freeze_batchnorm"}
)
_OF_ADAPTATION = frozenset({"adaptation_optimizer", "schedule.adaptation_iterations"})
_OF_ROWS = frozenset({"augmentation.occlusion", "skin_detector"})
_PACKED = frozenset({"image_size"})
# The iterations of the method, which rows of R alone get as many of.
_OF_BUDGET = frozenset(
    {"schedule.joint_iterations", "schedule.e_iterations", "schedule.m_iterations"}
)


def _stage(
    name: str,
    *needs: str,
    parallel: bool = False,
    only: frozenset[str] = frozenset(),
    ignores: frozenset[str] = _OF_ADAPTATION | _OF_ROWS,
) -> Stage:
    function = f"focsbench.focs.stages:run_{name}"
    fits = only != _PACKED
    return Stage(name, function, needs, parallel, fits=fits, only=only, ignores=ignores)


# What training R alone does not look at, and what its start does not either.
_OF_OTHERS = _OF_S | _OF_EM | _OF_ADAPTATION | _OF_ROWS | {"schedule.unet_pretrain_iterations"}
_BEFORE_EM = _OF_OTHERS | _OF_BUDGET
# S learns labels first: without the terms of its loss, and without a mask that could collapse.
_OF_LABELS = frozenset({"pretrain_optimizer", "unet", "schedule.unet_pretrain_iterations"})
_OF_START = {"init_optimizer", "schedule.warmup_iterations", "schedule.init_iterations"}
_NOT_OF_LABELS = (_BEFORE_EM - _OF_LABELS) | _OF_START | {"schedule.collapse_iterations"}
_SUPERVISED = _stage("supervised", "pack", "warmup", ignores=_OF_OTHERS)
_EM = _stage("em", "pack", "init", "segmentation")
_NO_FACE_NETWORK: dict[str, float] = {"eta_dist": 0.0, "eta_presv": 0.0}

_EVERY_STAGE = (
    _stage("pack", "data", parallel=True, only=_PACKED),
    _stage("warmup", "pack", ignores=_BEFORE_EM | {"schedule.init_iterations"}),
    _stage("mofa", "pack", "warmup", ignores=_OF_OTHERS),
    _SUPERVISED,
    _SUPERVISED.variant("cutmix", {"augmentation": {"occlusion": {"kind": "cutmix"}}}),
    _SUPERVISED.variant("cutout", {"augmentation": {"occlusion": {"kind": "cutout"}}}),
    _stage("skin", "pack", "warmup", ignores=_OF_OTHERS - {"skin_detector"}),
    _stage("init", "pack", "warmup", ignores=_BEFORE_EM),
    _stage("segmentation", "pack", "init", ignores=_NOT_OF_LABELS),
    _EM,
    # The ablations of paper 4.4. A neighbourhood of one pixel is that pixel: Eq. 1 is then the
    # pixel loss of Eq. 5, with the weight and the reductions that the neighbour loss has.
    _EM.variant("em_baseline", {"segmentation": {"neighbour_window": 1, **_NO_FACE_NETWORK}}),
    replace(
        _EM.variant("em_neighbour", {"segmentation": _NO_FACE_NETWORK}), compares_perceptual=True
    ),
    replace(
        _EM.variant("em_perceptual", {"segmentation": {"eta_neighbour": 0.0}}),
        compares_perceptual=True,
    ),
    replace(_stage("pack_evaluation", "data", parallel=True, only=_PACKED), evaluation=True),
    _stage("adapted", "pack_evaluation", "em", ignores=_OF_ROWS),
)
STAGES: dict[str, Stage] = {stage.name: stage for stage in _EVERY_STAGE}


def run_pack(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """Align the training photographs once, so that training reads arrays."""
    from focsbench.data.layouts import open_dataset

    size = int(config["method"]["image_size"])
    root = inputs["data"] / "CelebAMask-HQ"
    _pack(open_dataset(root, "celeba", "train", size), out, workers)


def run_pack_evaluation(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """Align the NoW images that will be evaluated, for the adaptation to them."""
    from focsbench.data.now import NoWImages

    folder = "val_NoW" if config["split"] == "val" else "NoW"
    size = int(config["method"]["image_size"])
    _pack(NoWImages(inputs["data"] / folder, size), out, workers)


def _pack(dataset: FaceDataset, out: Path, workers: int) -> None:
    from focsbench.data.aligned import pack

    write_json(out / "failures.json", pack(dataset, out, workers))


def run_warmup(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """R on all rendered pixels: the common start of every row."""
    training = _training("warmup", inputs, out, config)
    training.autoencoder_stage(training.config.schedule.warmup_iterations, mask=None)


def run_mofa(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """R on all rendered pixels, for as many iterations as the method gets in total."""
    training = _training("mofa", inputs, out, config)
    training.autoencoder_stage(training.config.schedule.matched_iterations, mask=None)


def run_supervised(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """R on the labelled visible face, for as many iterations as the method gets in total."""
    training = _training("supervised", inputs, out, config)
    training.autoencoder_stage(training.config.schedule.matched_iterations, mask="labels")


def run_skin(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """R on what a colour detector calls skin, for as many iterations as the method in total."""
    training = _training("skin", inputs, out, config)
    training.autoencoder_stage(training.config.schedule.matched_iterations, mask="skin")


def run_init(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """R with the occlusion-robust loss (Eq. 8-9)."""
    training = _training("init", inputs, out, config)
    training.autoencoder_stage(training.config.schedule.init_iterations, mask="threshold")


def run_segmentation(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """S on the preliminary masks of the initialised R."""
    _training("segmentation", inputs, out, config).segmentation_stage()


def run_em(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """R and S in turn (paper 3.2)."""
    _training("em", inputs, out, config).em_stage()


def run_adapted(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """R trained on, without labels, on the NoW images themselves; S stays as it is."""
    _training("adapted", inputs, out, config).adaptation_stage()


def refuse(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """Take the place of a stage that compares perceptual losses where the run has none."""
    raise ConfigError(
        "this ablation is about the perceptual losses of the mask, which need a recognition "
        "network; name its weights with --set method.changes.recognition.weights=NAME "
        "(docs/weights.md), or leave the row out."
    )


def _training(name: str, inputs: Inputs, out: Path, config: Settings) -> StageTraining:
    from focsbench.focs.stage_training import StageTraining

    return StageTraining(name, inputs, out, config)
