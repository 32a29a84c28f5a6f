"""The training stages of a plan: those that its rows and its sweep need, each once."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from focsbench.errors import ConfigError
from focsbench.focs.stages import STAGES, Stage
from focsbench.runs.plan import Step
from focsbench.runs.step_maker import StepMaker
from focsbench.runs.sweep_plan import sweep_stages


def training_steps(make: StepMaker) -> Iterator[Step]:
    """Yield the training stages.

    Raises:
        ConfigError: if a row names a stage that does not exist.
    """
    for stage in _needed(make).values():
        config = training_config(make, stage)
        if stage.evaluation:
            config["split"] = make.profile.evaluation_split
        yield make.step(
            stage.name,
            stage.function,
            ("face_model", *stage.needs) if stage.fits else stage.needs,
            config,
            parallel=stage.parallel,
            iterations=_iterations(make, stage),
            needs=None if stage.parallel else make.training_needs,
            data="now" if stage.evaluation else "celeba",
        )


def training_config(make: StepMaker, stage: Stage) -> dict[str, Any]:
    """Return the config that all training stages have."""
    model = {"face_model": make.profile.face_model} if stage.fits else {}
    return {**model, "seed": make.profile.seed, "method": stage.method(make.method)}


def _needed(make: StepMaker) -> dict[str, Stage]:
    needed: dict[str, Stage] = {}
    for row, names in make.stages.items():
        for name in names:
            _add_stage(name, f"baseline {row}", make, needed)
    sweep = make.profile.sweep
    for name in sweep_stages(sweep) if sweep is not None else ():
        _add_stage(name, "the eta sweep", make, needed)
    return needed


def _add_stage(name: str, asker: str, make: StepMaker, needed: dict[str, Stage]) -> None:
    """Add a stage after the stages that it needs."""
    if name in needed or name == "data":
        return
    if name not in STAGES:
        raise ConfigError(f"{asker} needs the training stage {name}, which does not exist.")
    stage = STAGES[name].in_run(make.method)
    for other in stage.needs:
        _add_stage(other, f"stage {name}", make, needed)
    needed[name] = stage


def _iterations(make: StepMaker, stage: Stage) -> int:
    """Return the cost of a stage in iterations of R; rows of R have those of the method."""
    schedule = make.schedule
    return {
        "run_pack": 0,
        "run_pack_evaluation": 0,
        "refuse": 0,
        "run_warmup": schedule.warmup_iterations,
        "run_init": schedule.init_iterations,
        "run_segmentation": schedule.unet_pretrain_iterations,
        # Both networks and F work in these. What hangs on them should not wait behind rows.
        "run_em": 5 * schedule.joint_iterations // 4,
        "run_adapted": schedule.adaptation_iterations,
    }.get(stage.function.partition(":")[2], schedule.matched_iterations)
