"""Checks of predictions on disk: written by the machinery for a method, or found in a folder."""

from __future__ import annotations

import tempfile
from pathlib import Path

import numpy as np
from PIL import Image

from focsbench import registry
from focsbench.data.predictions import MM_PER_UNIT, PredictionFolder, read_reconstruction
from focsbench.errors import InputError
from focsbench.mock_run.check import Check, Fault, NotApplicable
from focsbench.mock_run.subject import MOST_IMAGES, FolderTrial, MethodTrial
from focsbench.registry import Kind
from focsbench.runs.predict import write_predictions
from focsbench.types import Reconstruction

_SUFFIXES = {
    ".obj": "", ".ply": "", ".npy": "", ".txt": "", "_render.png": "", "_region.png": "",
    "_visible.png": "", "_parameters.npz": "",
}  # fmt: skip
_PROVIDED = (".obj", ".ply", "_render.png", "_region.png", "_visible.png", "_parameters.npz")
_LISTS = frozenset({"manifest.json", "seconds.json", "README.txt", "SHA256SUMS", "failures.json"})
_PROTOCOLS = ("celeba_rmse", "celeba_segmentation", "now")


def written(trial: MethodTrial) -> None:
    for part in trial.parts:
        folder = _folder(trial, part.dataset)
        folder.mkdir()
        failures = write_predictions(part.baseline, part.images, folder, trial.size)
        if failures:
            key, reason = next(iter(failures.items()))
            raise Fault(f"{key}: cannot be written: {reason}")


def round_trip(trial: MethodTrial) -> None:
    for part, sample, answer in trial.pairs():
        read = read_reconstruction(_folder(trial, part.dataset), sample.key)
        _require_equal(sample.key, answer, read)


def _require_equal(key: str, answer: Reconstruction, read: Reconstruction) -> None:
    if answer.neutral is not None and read.neutral is not None:
        gap = float(np.abs(answer.neutral.vertices - read.neutral.vertices).max())
        if gap > 1e-3 or not np.array_equal(answer.neutral.triangles, read.neutral.triangles):
            raise Fault(
                f"{key}: the mesh is {gap:.3g} mm off when read again; move it to the origin, "
                "since files hold single precision."
            )
    for name, step in (("render", 0.51 / 255), ("visible", 0.51 / 255), ("region", 0)):
        one, other = getattr(answer, name), getattr(read, name)
        if one is None:
            continue
        gap = np.abs(np.clip(one.astype(float), 0, 1) - other.astype(float)).max()
        if gap > step:
            raise Fault(f"{key}: the {name} read again differs by {gap:.3g}; give 8-bit accuracy.")


def masks_on_disk(trial: MethodTrial) -> None:
    found = False
    for part in trial.parts:
        for path in sorted(_folder(trial, part.dataset).rglob("*_region.png")):
            found = True
            _require_binary(path)
    if not found:
        raise NotApplicable("it gives no region")


def _require_binary(path: Path) -> None:
    with Image.open(path) as image:
        levels = {level for _, level in image.convert("L").getcolors(256) or ()}
    if not levels <= {0, 255}:
        raise Fault(f"{path}: a region holds other values than 0 and 255; write it without blur.")


def scored(trial: MethodTrial) -> None:
    """Every protocol of the tiny data that measures what the method gives has a number."""
    found = False
    for name in _PROTOCOLS:
        protocol = registry.load(Kind.PROTOCOL, name)()
        for part in trial.parts:
            if part.dataset != protocol.dataset:
                continue
            folder = _folder(trial, part.dataset)
            with tempfile.TemporaryDirectory(dir=trial.scratch) as scratch:
                shared, output = Path(scratch, "shared"), Path(scratch, "output")
                shared.mkdir()
                output.mkdir()
                protocol.prepare({trial.name: folder}, part.images, shared)
                rows = protocol.score(trial.name, folder, part.images, shared, output)
            found = found or bool(rows)
            for row in rows:
                if row.status != "ok" or row.value is None or not np.isfinite(row.value):
                    raise Fault(f"{name} cannot score {row.item}: {row.reason or 'no number'}")
    if not found:
        raise NotApplicable("it gives nothing that the protocols of the tiny data measure")


def _folder(trial: MethodTrial, dataset: str) -> Path:
    return trial.scratch / f"predictions_{dataset}"


def folder_opens(trial: FolderTrial) -> None:
    try:
        trial.predictions = PredictionFolder(trial.folder)
    except InputError as error:
        raise Fault(str(error)) from error
    manifest = trial.predictions.manifest
    size, unit = manifest.get("image_size"), manifest.get("unit")
    trial.image_size = size if isinstance(size, int) else None
    trial.unit_known = unit in MM_PER_UNIT
    trial.keys = _keys(trial.folder)
    if not trial.keys:
        raise Fault(f"{trial.folder}: holds no prediction; expected <key>.ply or <key>_render.png.")


def _keys(folder: Path) -> list[str]:
    """Keys of the files of a folder, links not followed out of it."""
    found = set()
    for path in sorted(folder.rglob("*")):
        for suffix in _PROVIDED:
            name = path.relative_to(folder).as_posix()
            if path.is_file() and name.endswith(suffix):
                found.add(name.removesuffix(suffix))
    return sorted(found)


def manifest_complete(trial: FolderTrial) -> None:
    assert trial.predictions is not None
    manifest = trial.predictions.manifest
    if not manifest:
        raise NotApplicable("there is no manifest: the plain official form")
    for name in ("method", "label", "unit", "dataset", "image_size"):
        if name not in manifest:
            raise Fault(f"manifest.json names no {name}; add it.")
    if manifest["unit"] not in MM_PER_UNIT:
        raise Fault(
            f"manifest.json: unit {manifest['unit']!r}; name one of {', '.join(MM_PER_UNIT)}."
        )
    failed = [key for key in manifest.get("failures", {}) if key in trial.keys]
    if failed:
        raise Fault(f"manifest.json says that {failed[0]} failed, but its files are there.")


def no_links(trial: FolderTrial) -> None:
    for path in sorted(trial.folder.rglob("*")):
        if path.is_symlink():
            raise Fault(f"{path}: a link; put the file itself into the folder.")


def plain_files(trial: FolderTrial) -> None:
    for path in sorted(trial.folder.rglob("*")):
        name = path.relative_to(trial.folder).as_posix()
        if not (path.is_dir() or path.is_file()):
            raise Fault(f"{path}: neither file nor folder; delete it.")
        if path.is_dir() or name in _LISTS:
            continue
        if not any(name.endswith(suffix) for suffix in _SUFFIXES):
            raise Fault(f"{path}: not a file of a prediction; delete it.")


def files_readable(trial: FolderTrial) -> None:
    assert trial.predictions is not None
    failed = trial.predictions.manifest.get("failures", {})
    keys = [key for key in trial.keys if key not in failed]
    step = max(len(keys) / MOST_IMAGES, 1.0)
    for number in range(min(len(keys), MOST_IMAGES)):
        try:
            trial.read(keys[int(number * step)])
        except InputError as error:
            raise Fault(str(error)) from error
    if not trial.answers:
        raise Fault(f"{trial.folder}: by its manifest the method failed on every image.")


def folder_masks(trial: FolderTrial) -> None:
    found = False
    for key in trial.answers:
        path = trial.folder / f"{key}_region.png"
        if path.is_file():
            found = True
            _require_binary(path)
    if not found:
        raise NotApplicable("it gives no region")


_SOUND = (
    "triangles_valid", "render_scale", "visible_range", "parameters_usable", "render_with_region",
    "region_not_empty", "same_again",
)  # fmt: skip
OF_METHODS: tuple[Check[MethodTrial], ...] = (
    Check(
        "written",
        "The answers can be written as a predictions folder.",
        written,
        _SOUND,
    ),
    Check("round_trip", "Written and read again, they are the same.", round_trip, ("written",)),
    Check("masks_on_disk", "Regions on disk hold 0 and 255 only.", masks_on_disk, ("written",)),
    Check(
        "scored",
        "The protocols give every answer a number.",
        scored,
        ("written", "mesh_sound", "landmark_order"),
    ),
)
OF_FOLDERS: tuple[Check[FolderTrial], ...] = (
    Check("folder_opens", "The folder holds predictions.", folder_opens),
    Check(
        "manifest_complete",
        "The manifest names method, unit, dataset and image size.",
        manifest_complete,
        ("folder_opens",),
    ),
    Check("no_links", "No file is a link.", no_links, ("folder_opens",)),
    Check(
        "plain_files", "There is nothing but files of predictions.", plain_files, ("folder_opens",)
    ),
    Check(
        "files_readable",
        f"Meshes, landmarks, images and parameters can be read (of {MOST_IMAGES} images).",
        files_readable,
        ("folder_opens",),
    ),
    Check("masks_on_disk", "Regions hold 0 and 255 only.", folder_masks, ("files_readable",)),
)
