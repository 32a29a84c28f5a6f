"""What runs one step, in this process or in a worker process. Imports nothing heavy."""

from __future__ import annotations

import importlib
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from focsbench import processes
from focsbench.runs.logs import log_to
from focsbench.runs.store import Store

StepFunction = Callable[[dict[str, Path], Path, dict[str, Any], int], None]

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Task:
    """A step with everything resolved, ready to be sent to any process that sees the store."""

    name: str
    key: str
    function: str
    parts: Mapping[str, Any]
    inputs: Mapping[str, Path]
    config: Mapping[str, Any]
    workers: int
    store: Path


def run_task(task: Task) -> None:
    """Call the function of a step and keep its folder as the artefact of the step."""
    module, _, name = task.function.partition(":")
    function: StepFunction = getattr(importlib.import_module(module), name)
    log.info("%s: started", task.name)
    with Store(task.store).writing(task.name, task.key, task.parts) as out:
        function(dict(task.inputs), out, dict(task.config), task.workers)
    log.info("%s: done", task.name)


def start_worker(log_file: Path | None) -> None:
    """Prepare a fresh worker process as all are (:mod:`focsbench.processes`); log to a file."""
    processes.start_worker()
    if log_file is not None:
        log_to(log_file)
