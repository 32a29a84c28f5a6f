"""The step that takes in the real datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from focsbench.files import write_json
from focsbench.runs.datasets import FOLDERS


def real_data_step(
    inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int
) -> None:
    """Link the folders of real datasets to where the embedded benchmark has its own.

    config: folders, a path by dataset name.
    """
    del inputs, workers
    write_json(out / "folders.json", config["folders"])
    for name, folder in config["folders"].items():
        (out / FOLDERS[name, "test"]).symlink_to(folder, target_is_directory=True)
