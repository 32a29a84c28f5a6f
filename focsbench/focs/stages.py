"""The training stages of the rows and what each one starts from.

A stage is a function ``(inputs, out, config, workers)`` of the run plan: it reads the folders of
the stages it needs, trains, and writes weights and a training log into ``out``. Rows share
stages: every row starts from one warm-up, so differences come from the masks alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True)
class Stage:
    """name, the function that runs it, and the stages (or ``data``) whose folders it reads.

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
