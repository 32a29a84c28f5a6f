"""The first steps of a run: the face model, and the data to train and test on."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from focsbench.runs.datasets import FOLDERS
from focsbench.runs.files import write_json


def face_model_step(
    inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int
) -> None:
    """Make sure that the face model is in the user's cache, and note what it is.

    config: name of the model; the version of the package that it is built from.
    """
    from focsbench.face_models import load_face_model

    del inputs, workers
    model = load_face_model(config["name"])
    facts = {"name": model.name, "vertices": len(model.mean_shape)}
    write_json(out / "face_model.json", facts)


def synthetic_data_step(
    inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int
) -> None:
    """Write the embedded benchmark. config: fields of SyntheticConfig."""
    from focsbench.data.synthetic import write_benchmark
    from focsbench.data.synthetic.config import SyntheticConfig

    del inputs
    write_benchmark(out, SyntheticConfig.model_validate(config["synthetic"]), workers)


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
