"""Fit the faces of many photographs; one that fails does not stop the others."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from focsbench.errors import ConfigError, FocsbenchError, InputError
from focsbench.fit.files import PhotoFiles, write_faces
from focsbench.fit.fitter import FittedFace, Fitter
from focsbench.landmarks.faces import Detector, Face, Photo
from focsbench.landmarks.folder import photos_of
from focsbench.processes import reason_of

log = logging.getLogger(__name__)

NO_FACE = (
    "no face found; it may be turned away, covered or small in the picture: pass its "
    "landmarks with --landmarks"
)


@dataclass
class PhotoResult:
    """What came of one photograph.

    path: as named by the user. name: of its folder in the output. faces: fitted, the largest
    first. files: what was written. failures: sentences, about the photograph or single faces.
    """

    path: Path
    name: str
    faces: list[FittedFace] = field(default_factory=list)
    files: PhotoFiles | None = None
    failures: list[str] = field(default_factory=list)


def photo_paths(named: Sequence[Path]) -> list[Path]:
    """Replace folders by the images in them.

    Raises:
        ConfigError: if nothing is named or a folder holds no image.
    """
    if not named:
        raise ConfigError("name at least one photograph, or a folder of photographs.")
    return [path for one in named for path in (photos_of(one) if one.is_dir() else [one])]


def folder_names(paths: Sequence[Path]) -> list[str]:
    """One folder name per photograph: its stem, numbered where several have the same."""
    names: list[str] = []
    for path in paths:
        stem = path.stem.lstrip(".") or "photo"
        name, number = stem, 2
        while name.lower() in {other.lower() for other in names}:
            name, number = f"{stem}-{number}", number + 1
        names.append(name)
    return names


def fit_photo(
    path: Path,
    name: str,
    output: Path,
    detector: Detector,
    fitter: Fitter,
    only_largest: bool,
) -> PhotoResult:
    """Fit the faces of one photograph and write their files.

    Args:
        path: of the photograph.
        name: of the folder in ``output``.
        output: existing folder.
        detector: finds the faces.
        fitter: gives the faces.
        only_largest: leave the smaller faces out.
    """
    result = PhotoResult(path, name)
    photo = Photo(path)
    try:
        image = photo.image
        found = _faces(detector, photo)
        for number, face in enumerate(found[:1] if only_largest else found, start=1):
            _fit_one(result, number, face, photo, fitter, len(found))
        if not found:
            raise InputError(f"{path}: {NO_FACE}.")
        if result.faces:
            result.files = write_faces(output / name, image, result.faces, fitter)
    except InputError as error:
        result.failures.append(str(error))
    return result


def _faces(detector: Detector, photo: Photo) -> list[Face]:
    try:
        return detector.faces(photo)
    except FocsbenchError:
        raise
    except Exception as error:  # detectors of others may fail in any way
        log.error("%s: the detector failed", photo.path, exc_info=error)
        raise InputError(
            f"{photo.path}: the detector failed: {reason_of(error)}; pass the landmarks of this "
            "photograph with --landmarks, or take another --detector."
        ) from None


def _fit_one(
    result: PhotoResult, number: int, face: Face, photo: Photo, fitter: Fitter, count: int
) -> None:
    try:
        result.faces.append(fitter.fit(photo.image, face))
    except FocsbenchError as error:
        which = f", face {number} of {count}" if count > 1 else ""
        result.failures.append(f"{photo.path}{which}: {error}")
