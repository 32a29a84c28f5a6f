"""What runs one step, in this process or in a worker process. Imports nothing heavy."""

from __future__ import annotations

import importlib
import logging
import os
import platform
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from focsbench import processes
from focsbench.items import Surroundings, surrounded_by
from focsbench.journal import Journal
from focsbench.runs.environment import package_version
from focsbench.runs.logs import log_to, step_of_log
from focsbench.runs.store import Making, Store
from focsbench.threads import KERNELS, LINEAR_ALGEBRA

StepFunction = Callable[[dict[str, Path], Path, dict[str, Any], int], None]
NUMERIC = ("torch", "numpy", "scipy", "numba", "anny")  # packages that decide the last digits

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A step with everything resolved, ready to be sent to any process that sees the store.

    replace: put its result in the place of one that is there.
    attempt: 1 for the first. shuffle: seed of the order of its items, None for their own order.
    """

    name: str
    key: str
    function: str
    parts: Mapping[str, Any]
    inputs: Mapping[str, Path]
    config: Mapping[str, Any]
    workers: int
    store: Path
    place: Mapping[str, Any] = field(default_factory=dict)
    replace: bool = False
    attempt: int = 1
    shuffle: int | None = None


def run_task(task: Task, surroundings: Surroundings | None = None) -> None:
    """Call the function of a step and keep its folder as the artefact of the step.

    surroundings: how its items are done; the journal and the order are added here.
    """
    module, _, name = task.function.partition(":")
    function: StepFunction = getattr(importlib.import_module(module), name)
    making = Making(task.place, task.replace, _circumstances(task))
    with step_of_log(task.name):
        log.info("started")
        with Store(task.store).writing(task.name, task.key, task.parts, making) as out:
            around = replace(
                surroundings or Surroundings(), journal=Journal(out), shuffle=task.shuffle
            )
            with surrounded_by(around):
                config = {**task.config, **task.place}
                function(dict(task.inputs), out, config, task.workers)
        log.info("done")


def _circumstances(task: Task) -> dict[str, Any]:
    """Return what is worth knowing about the making of a result, beside what decides it."""
    return {
        "host": platform.node(),
        "workers": task.workers,
        "attempt": task.attempt,
        "threads": {name: os.environ.get(name, "") for name in (*LINEAR_ALGEBRA, KERNELS)},
        "packages": {name: package_version(name) for name in NUMERIC},
    }


def start_worker(log_file: Path | None) -> None:
    """Prepare a fresh worker process as all are (:mod:`focsbench.processes`); log to a file."""
    processes.start_worker()
    if log_file is not None:
        log_to(log_file)
