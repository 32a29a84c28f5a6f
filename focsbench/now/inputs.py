"""From the paths and options of a user to a checked request, or one clear sentence."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from focsbench.data.now import NoWItem, read_image_list
from focsbench.data.predictions import MM_PER_UNIT, PredictionFolder
from focsbench.errors import ConfigError, InputError
from focsbench.geometry.scan_alignment import AlignmentMode
from focsbench.now.evaluate import Request

IMAGE_LIST = "imagepathsvalidation.txt"
_MESHES = (".obj", ".ply")


def make_request(
    predictions: Path,
    dataset: Path,
    *,
    challenge: str | None = None,
    metrical_unit: str | None = None,
    mode: AlignmentMode = "official",
    name: str | None = None,
) -> Request:
    """Check what a user has given.

    Args:
        predictions: folder ``<subject>/<challenge>/<image>.obj`` (.ply) with ``.npy`` (.txt).
        dataset: root folder of NoW.
        challenge: only images of this challenge.
        metrical_unit: m, cm or mm for the metrical evaluation.
        mode: see :mod:`focsbench.geometry.scan_alignment`.
        name: of the method; default: name of the folder.

    Raises:
        FocsbenchError: naming the folder or option that cannot be used.
    """
    if not dataset.is_dir():
        raise InputError(f"{dataset}: this dataset folder does not exist; check the path.")
    listed = read_image_list(dataset / IMAGE_LIST)
    items = _chosen(listed, challenge)
    folder = PredictionFolder(predictions)
    _require_predictions(folder, items)
    method = predictions.resolve().name if name is None else name
    if not method or "/" in method or "\\" in method or not method.isprintable():
        raise ConfigError(f"--name {method!r}: not usable in file names; use letters and digits.")
    return Request(
        predictions=predictions,
        dataset=dataset,
        items=items,
        method=method,
        mode=mode,
        metrical_unit=metrical_unit,
        mm_per_unit=None if metrical_unit is None else _mm_per_unit(folder, metrical_unit),
        challenge=challenge,
        listed=len(listed),
    )


def _chosen(items: Sequence[NoWItem], challenge: str | None) -> list[NoWItem]:
    chosen = [item for item in items if challenge in (None, item.challenge)]
    if not chosen:
        known = ", ".join(dict.fromkeys(item.challenge for item in items))
        raise ConfigError(f"--challenge {challenge}: the image list knows {known}; name one.")
    return chosen


def _mm_per_unit(folder: PredictionFolder, unit: str) -> float:
    """Size of a unit; a manifest that names another unit is a mistake of one of the two."""
    stated = folder.manifest.get("unit", unit)
    if stated != unit:
        raise ConfigError(
            f"--metrical {unit}: {folder.folder / 'manifest.json'} says that the meshes are in "
            f"{stated!r}; correct one of the two."
        )
    return MM_PER_UNIT[unit]


def _require_predictions(folder: PredictionFolder, items: Sequence[NoWItem]) -> None:
    """Refuse a folder that holds the mesh of no image at all, and say where they may be."""
    if _holds(folder.folder, [item.key for item in items]):
        return
    if all(item.key in folder.manifest.get("failures", {}) for item in items):
        return  # nothing is there, and the method says so itself
    inside = sorted(path for path in folder.folder.iterdir() if path.is_dir())
    nested = [path for path in inside if _holds(path, [item.key for item in items])]
    if nested:
        hint = f"give {nested[0]} instead"
    elif _holds(folder.folder, [item.key.rpartition("/")[2] for item in items]):
        hint = "the meshes lie side by side; sort them into <subject>/<challenge>/"
    else:
        hint = f"expected {items[0].key}.obj (or .ply) and {items[0].key}.npy (or .txt)"
    raise InputError(f"{folder.folder}: no mesh of any of the {len(items)} images is here; {hint}.")


def _holds(folder: Path, keys: Sequence[str]) -> bool:
    return any((folder / f"{key}{suffix}").is_file() for key in keys for suffix in _MESHES)
