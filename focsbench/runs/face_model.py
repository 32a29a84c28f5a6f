"""The step that makes sure of the face model."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from focsbench.files import write_json


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
