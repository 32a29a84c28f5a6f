"""The step that makes sure of the face model."""

from __future__ import annotations

from pathlib import Path
from typing import Any


def face_model_step(
    inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int
) -> None:
    """Make sure that the face model is there and usable, and note what it is.

    A model that is built from an installed package is in the user's cache afterwards. One that is
    read from a file stays in that file: its licence may not allow copies in a run folder.

    config: name of the model; the version of the package that it is built from, or the path of
        its file and the hash of all that is read.
    """
    from focsbench.face_models.recorded import record

    del inputs, workers
    file = config.get("file")
    record(out, config["name"], None if file is None else Path(file))
