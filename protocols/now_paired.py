"""The images that every compared method has a prediction of."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.files import write_json
from focsbench.now.pairing import ScanItem
from focsbench.progress import track

PAIRED = "paired.json"


def write_paired(predictions: Mapping[str, Path], items: Sequence[ScanItem], folder: Path) -> None:
    """Write the compared methods, and the keys for which all of them are readable.

    The files are read, not only looked for: one that cannot be scored would leave its method with
    another pool than the others. Methods without meshes take no part.
    """
    folders = {method: PredictionFolder(path) for method, path in sorted(predictions.items())}
    compared = {name: folder for name, folder in folders.items() if folder.provides("neutral")}
    keys = [
        item.key
        for item in track(items, "images of all methods", total=len(items))
        if compared and all(_readable(each, item.key) for each in compared.values())
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


def _readable(folder: PredictionFolder, key: str) -> bool:
    try:
        folder.geometry(key)
    except InputError:
        return False
    return True
