"""The images that can be scored for every compared method."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.files import write_json
from focsbench.now.pair import read_pair
from focsbench.now.pairing import ScanItem
from focsbench.progress import track
from focsbench.storage import may_pass
from focsbench.types import FloatArray

from .now_scans import read_crops

PAIRED = "paired.json"


def write_paired(
    predictions: Mapping[str, Path],
    items: Sequence[ScanItem],
    folder: Path,
    *,
    metrical: bool,
) -> None:
    """Write the compared methods, and the keys for which all of them can be scored.

    The files are read and diagnosed, not only looked for: one that cannot be scored would leave its
    method with another pool than the others. Methods that the protocol cannot measure at all,
    without meshes or, if it is metrical, without a unit, take no part.

    Args:
        predictions: folder by method.
        items: the images.
        folder: has the cropped scans of their subjects.
        metrical: whether the unit of the predictions counts.

    Raises:
        InputError: if a file cannot be read for a reason that may pass: the next attempt may find
            an image that this one would take from all methods.
    """
    compared = _compared(predictions, metrical)
    crops = read_crops(folder, items) if compared else {}
    keys = [
        item.key
        for item in track(items, "images of all methods", total=len(items))
        if compared
        and all(
            _scorable(each, item.key, crops[item.subject].landmarks, unit)
            for each, unit in compared.values()
        )
    ]
    write_json(folder / PAIRED, {"methods": list(compared), "keys": keys})


def read_paired(folder: Path) -> frozenset[str]:
    """Return the keys that :func:`write_paired` wrote.

    Raises:
        InputError: if the protocol was not prepared.
    """
    path = folder / PAIRED
    try:
        return frozenset(json.loads(path.read_bytes())["keys"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise InputError(f"{path}: {error}; prepare the protocol again.") from None


def _compared(
    predictions: Mapping[str, Path], metrical: bool
) -> dict[str, tuple[PredictionFolder, float | None]]:
    """Return the folder and the millimetres per unit of every method that can be measured."""
    found: dict[str, tuple[PredictionFolder, float | None]] = {}
    for method, path in sorted(predictions.items()):
        folder = PredictionFolder(path)
        if folder.provides("neutral"):
            with suppress(InputError):  # without a unit; every one of its rows says so
                found[method] = (folder, folder.mm_per_unit() if metrical else None)
    return found


def _scorable(
    folder: PredictionFolder, key: str, scan_landmarks: FloatArray, mm_per_unit: float | None
) -> bool:
    try:
        read_pair(folder, key, scan_landmarks, mm_per_unit)
    except InputError as error:
        if may_pass(error):
            raise
        return False
    return True
