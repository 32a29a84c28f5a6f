"""The step that takes in the real datasets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from focsbench.data.staging import stage
from focsbench.files import write_json
from focsbench.runs.datasets import FOLDERS
from focsbench.runs.store import FAILURES


def real_data_step(
    inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int
) -> None:
    """Put folders of links to real datasets where the embedded benchmark has its own.

    config: sources, by dataset name the plain fields of :mod:`focsbench.profiles.sources`.
    """
    del inputs
    write_json(out / "sources.json", config["sources"])
    failures: dict[str, str] = {}
    for name, source in config["sources"].items():
        failed = stage(name, source, out / FOLDERS[name, "test"], workers)
        failures |= {f"{name}/{item}": reason for item, reason in failed.items()}
    write_json(out / FAILURES, failures)
