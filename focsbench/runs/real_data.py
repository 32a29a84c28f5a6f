"""The steps that take in the real datasets, each by itself, and the one that joins them.

A run that gets one more dataset, or a changed one, does again what reads that dataset only.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

from focsbench.data.staging import stage
from focsbench.files import write_json
from focsbench.runs.artefact import FAILURES
from focsbench.runs.datasets import FOLDERS


def real_data_step(
    inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int
) -> None:
    """Put a folder of links to a real dataset where the embedded benchmark has its own.

    config: dataset, its name; source, the plain fields of :mod:`focsbench.profiles.sources`.
    """
    del inputs
    name = config["dataset"]
    write_json(out / "source.json", config["source"])
    failed = stage(name, config["source"], out / FOLDERS[name, "test"], workers)
    write_json(out / FAILURES, failed)


def join_data_step(
    inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int
) -> None:
    """Link the folders of all real datasets into one, for what reads several.

    config: datasets, the step by dataset name.
    """
    del workers
    for name, step in config["datasets"].items():
        folder = FOLDERS[name, "test"]
        # Beside each other in the store, which may be moved as a whole.
        target = os.path.join("..", inputs[step].name, folder)  # noqa: PTH118 - not resolved
        (out / folder).symlink_to(target, target_is_directory=True)
