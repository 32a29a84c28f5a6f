"""What a row needs for itself: imported weights and a face model of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from focsbench.errors import ConfigError
from focsbench.face_models.sources import digest, source
from focsbench.profiles.profile import Profile, Row
from focsbench.weights.store import find


def row_settings(profile: Profile, row: str, declared: Callable[[str], str]) -> dict[str, Any]:
    """Return the settings of one row as a step keeps them; empty for a row that needs nothing.

    Weights are pinned and files come with their checksum, so that a result belongs to them.

    Args:
        profile: its field ``rows`` names weights and files.
        row: name of the baseline.
        declared: returns a class attribute of the baseline (``weights``: the name that its weights
            have by default, ``own_face_model``), or an empty string.

    Raises:
        ConfigError: if weights are not imported or a file is not named.
        InputError: if a file is not there or cannot be read.
    """
    given = profile.rows.get(row, Row())
    settings: dict[str, Any] = {}
    weights = given.weights or declared("weights")
    if weights:
        record = find(weights)
        if record is None:
            raise ConfigError(
                f"row {row} needs the weights '{weights}', which are not imported: focsbench "
                f"weights import FILE --name {weights} (docs/weights.md says which file)."
            )
        settings["weights"] = record.pinned
    model = declared("own_face_model")
    if model:
        file = given.face_model_file
        if file is None:
            raise ConfigError(
                f"row {row} needs {source(model).needs} ({source(model).origin}); name it with "
                f"--set rows.{row}.face_model_file=PATH."
            )
        settings["face_model_sha256"] = digest(model, file)
        settings["face_model_file"] = str(file.resolve())
    return settings
