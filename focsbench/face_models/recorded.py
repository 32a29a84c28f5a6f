"""What the step ``face_model`` of a run leaves for the steps after it: name, file and checksum."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from focsbench.errors import CacheError, InputError
from focsbench.face_models import load_face_model
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.face_models.sources import digest
from focsbench.files import write_json

STEP = "face_model"
FILE = "face_model.json"


def record(folder: Path, name: str, file: Path | None) -> None:
    """Load a face model once, which checks it, and note in ``folder`` what it is.

    Raises:
        ConfigError, InputError, CacheError: as `load_face_model`.
    """
    model = load_face_model(name, file)
    facts = {
        "name": name,
        "model": model.name,
        "vertices": len(model.mean_shape),
        "triangles": len(model.triangles),
        "modes": list(model.modes),
        "file": None if file is None else str(file),
        "sha256": digest(name, file),
    }
    write_json(folder / FILE, facts)


def recorded_file(inputs: Mapping[str, Path], name: str) -> Path | None:
    """Return the file of the run's face model, None if it needs none.

    Args:
        inputs: folder by name of the steps that a step reads; without ``face_model`` among them
            the model is one that needs no file.
        name: of the face model.

    Raises:
        CacheError: if the note is damaged.
        InputError: if the file is gone or is another one than at the start of the run.
    """
    if STEP not in inputs:
        return None
    path = inputs[STEP] / FILE
    try:
        facts = json.loads(path.read_text(encoding="utf-8"))
        file, sha256 = facts["file"], facts["sha256"]
    except (OSError, ValueError, KeyError, TypeError):
        raise CacheError(f"{path}: cannot be read; delete its folder and run again.") from None
    if file is None:
        return None
    if digest(name, Path(file)) != sha256:
        raise InputError(f"{file}: has changed since the run looked at it; run again.")
    return Path(file)


def recorded_model(inputs: Mapping[str, Path], name: str) -> MorphableModel:
    """Load the face model of a run. Raises as `load_face_model` and :func:`recorded_file`."""
    return load_face_model(name, recorded_file(inputs, name))
