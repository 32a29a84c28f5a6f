"""What a face model file holds, as ``focsbench models check`` and ``models list`` say it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from focsbench.errors import InputError
from focsbench.face_models import face_model_path
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.face_models.sources import SOURCES, Source, digest, source, source_module

Facts = list[tuple[str, str]]
_BY_SUFFIX = {".h5": "bfm2017", ".hdf5": "bfm2017", ".mat": "bfm2009_front"}


def guess(path: Path) -> str:
    """Return the name of the face model that a path looks like.

    Raises:
        InputError: if it is missing, or no form that a known model has.
    """
    if not path.exists():
        raise InputError(f"{path}: there is no such file or folder; check the path.")
    name = "ict" if path.is_dir() else _BY_SUFFIX.get(path.suffix.lower())
    if name is None:
        raise InputError(
            f"{path}: is none of the forms of face models (.h5, .mat, a clone of ICT-FaceKit); "
            "see `focsbench models list`."
        )
    return name


def inspect(path: Path, name: str) -> Facts:
    """Read a face model with all checks and return what was found, as labelled lines.

    Raises:
        ConfigError: for an unknown name, or one that reads no file.
        InputError: if the file is not what it should be: one sentence with the reason.
    """
    checksum = digest(name, path)
    module = source_module(name)
    model: MorphableModel = module.read(path)
    found = source(name)
    count = len(module.files(path))
    return [
        ("file", str(path)),
        ("sha256", f"{checksum}{'' if count == 1 else f' (over {count} files)'}"),
        ("model", f"{model.name}: {found.title}"),
        ("licence", found.licence),
        *(("holds", line) for line in module.contents(path)),
        *_measures(model, found),
        ("use it", f"--set face_model={name} --set face_model_file={path}"),
    ]


def _measures(model: MorphableModel, found: Source) -> Iterator[tuple[str, str]]:
    low, high = model.mean_shape.min(axis=0), model.mean_shape.max(axis=0)
    eyes = model.fitted_mean[model.landmarks68[[36, 45]]]
    identity, expression, albedo = model.modes
    yield "mesh", f"{len(model.mean_shape)} vertices, {len(model.triangles)} triangles"
    yield "modes used", f"{identity} identity, {expression} expression, {albedo} albedo"
    spans = ", ".join(
        f"{axis} {a:.0f} to {b:.0f}" for axis, a, b in zip("xyz", low, high, strict=True)
    )
    yield "mean, mm", f"{spans}; outer eye corners {np.linalg.norm(eyes[1] - eyes[0]):.1f} apart"
    for kind, basis in (("identity", model.identity_basis), ("expression", model.expression_basis)):
        if len(basis):
            moved = np.sqrt((basis**2).sum(axis=2).mean(axis=1))
            yield "one sigma", f"{kind} mode 1 moves a vertex by {moved[0]:.2f} mm (RMS)"
    colours = model.mean_albedo
    yield "colours", f"{colours.min():.2f} to {colours.max():.2f} of 0 to 1"
    face = model.crop("face")
    yield "face", f"{len(face.mean_shape)} vertices are fitted, all 68 + 7 landmarks among them"
    others = sorted(set(model.regions) - {"face"})
    yield "regions", ", ".join(["face", *others])
    yield "unit", f"{found.unit} in the file, millimetres here"


def listing(folder: Path) -> Iterator[Facts]:
    """Yield the facts of every face model, and whether its file lies in or below a folder."""
    for name, found in SOURCES.items():
        facts = [("name", name), ("model", found.title), ("licence", found.licence)]
        if found.needs:
            facts += [("needs", found.needs), ("from", found.origin)]
            there = _nearby(folder, found.file_names)
            facts.append(("found", ", ".join(map(str, there)) or f"not in {folder}"))
        else:
            built = face_model_path(name)
            facts += [("from", found.origin)]
            facts.append(("found", str(built) if built.is_file() else "built when first used"))
        yield facts


def _nearby(folder: Path, names: tuple[str, ...]) -> list[Path]:
    """Files of these names in a folder and the folders in it."""
    places = [folder]
    if folder.is_dir():
        places += sorted(path for path in folder.iterdir() if path.is_dir())
    return [place / name for place in places for name in names if (place / name).exists()]
