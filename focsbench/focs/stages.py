"""The training stages of the rows and what each one starts from.

A stage is a step function ``(inputs, out, config, workers)`` of the run plan: it reads the folders
of the stages it needs, trains, and writes weights and a training log into ``out``. Rows share
stages, and all of them start from one warm-up, so differences come from the masks alone.

``config`` holds ``method`` (fields of `FocsConfig`), ``face_model`` (its name) and ``seed``.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from focsbench.focs.stage_training import StageTraining

Inputs = Mapping[str, Path]
Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Stage:
    """name, the function that runs it, and the steps whose folders it reads.

    parallel: the function spreads its own work over ``workers`` processes.
    """

    name: str
    function: str
    needs: tuple[str, ...]
    parallel: bool = False


def _stage(name: str, *needs: str, parallel: bool = False) -> Stage:
    return Stage(name, f"focsbench.focs.stages:run_{name}", needs, parallel)


STAGES: dict[str, Stage] = {
    stage.name: stage
    for stage in (
        _stage("pack", "data", parallel=True),
        _stage("warmup", "pack"),
        _stage("mofa", "pack", "warmup"),
        _stage("supervised", "pack", "warmup"),
        _stage("init", "pack", "warmup"),
        _stage("segmentation", "pack", "init"),
        _stage("em", "pack", "init", "segmentation"),
    )
}


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
