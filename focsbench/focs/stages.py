"""The training stages of the rows and what each one starts from.

A stage is a step function ``(inputs, out, config, workers)`` of the run plan: it reads the folders
of the stages it needs, trains, and writes weights and a training log into ``out``. Rows share
stages, and all of them start from one warm-up, so differences come from the masks alone.

``config`` holds ``method`` (fields of `FocsConfig`), ``face_model`` (its name) and ``seed``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from focsbench.focs.stage_training import StageTraining

Inputs = Mapping[str, Path]
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """One training stage: what runs it, what it reads, and which settings it looks at.

    function: ``module:name`` of the step function. Variants of a row share one function.
    needs: the steps whose folders it reads.
    parallel: the function spreads its own work over ``workers`` processes.
    changes: fields of the method that a variant has otherwise than the run (nested, as in
        ``FocsConfig.with_changes``).
    ignores: sections of the method that the stage does not look at; they are left out of its
        config, so that changing them does not train it again.
    """

    name: str
    function: str
    needs: tuple[str, ...]
    parallel: bool = False
    changes: Settings = field(default_factory=dict)
    ignores: frozenset[str] = frozenset()

    def method(self, settings: Settings) -> dict[str, Any]:
        """Return the settings of the method as this stage sees them."""
        merged = _merged(settings, self.changes)
        return {name: value for name, value in merged.items() if name not in self.ignores}

    def variant(self, name: str, changes: Settings) -> Stage:
        """Return the same stage under another name, with some fields changed."""
        return replace(self, name=name, changes=_merged(self.changes, changes))


def _merged(settings: Settings, changes: Settings) -> dict[str, Any]:
    """Return settings with the (nested) changes applied."""
    merged = dict(settings)
    for name, value in changes.items():
        nested = isinstance(value, Mapping) and isinstance(merged.get(name), Mapping)
        merged[name] = _merged(merged[name], value) if nested else value
    return merged


_OF_S = frozenset({"unet", "segmentation", "pretrain_optimizer", "segmentation_optimizer"})


def _stage(
    name: str, *needs: str, parallel: bool = False, ignores: frozenset[str] = frozenset()
) -> Stage:
    return Stage(
        name, f"focsbench.focs.stages:run_{name}", needs, parallel=parallel, ignores=ignores
    )


_EVERY_STAGE = (
    _stage("pack", "data", parallel=True),
    _stage("warmup", "pack", ignores=_OF_S),
    _stage("mofa", "pack", "warmup", ignores=_OF_S),
    _stage("supervised", "pack", "warmup", ignores=_OF_S),
    _stage("init", "pack", "warmup", ignores=_OF_S),
    _stage("segmentation", "pack", "init"),
    _stage("em", "pack", "init", "segmentation"),
)
STAGES: dict[str, Stage] = {stage.name: stage for stage in _EVERY_STAGE}


def run_pack(inputs: Inputs, out: Path, config: Settings, workers: int) -> None:
    """Align the training photographs once, so that training reads arrays."""
    from focsbench.data.aligned import pack

    size = int(config["method"]["image_size"])
    pack(inputs["data"] / "CelebAMask-HQ", "train", size, workers).save(out)


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


def _training(name: str, inputs: Inputs, out: Path, config: Settings) -> StageTraining:
    from focsbench.focs.stage_training import StageTraining

    return StageTraining(name, inputs, out, config)


def write_log(out: Path, log: list[dict[str, float]], name: str = "log.jsonl") -> None:
    """Write a training log as JSON lines."""
    lines = "".join(json.dumps(entry) + "\n" for entry in log)
    (out / name).write_text(lines, encoding="utf-8")
