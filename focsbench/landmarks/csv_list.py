"""Landmarks from a list that the user has: nothing is detected.

One line per face: file name and 136 numbers, pixels of the upright photograph. A photograph with
several faces has several lines.
"""

from __future__ import annotations

from pathlib import Path

from focsbench.data.landmarks_csv import read_landmark_lines
from focsbench.errors import InputError
from focsbench.landmarks.faces import Face, Photo, largest_first


class CsvLandmarks:
    """Faces of a landmark list.

    A photograph is looked up by its path relative to the folder of the list, then by its path as
    given, then by its file name.
    """

    identity: str | None = None

    def __init__(self, path: Path) -> None:
        self._path = path
        self._faces: dict[str, list[Face]] = {}
        for name, points in read_landmark_lines(path):
            self._faces.setdefault(Path(name).as_posix(), []).append(Face.around(points))

    def faces(self, photo: Photo) -> list[Face]:
        """Return the faces listed for a photograph, the largest first.

        Raises:
            InputError: if the list does not name the photograph.
        """
        path, folder = photo.path.resolve(), self._path.resolve().parent
        names = [photo.path.as_posix(), photo.path.name]
        if path.is_relative_to(folder):
            names.insert(0, path.relative_to(folder).as_posix())
        for name in names:
            if name in self._faces:
                return largest_first(self._faces[name])
        raise InputError(f"{photo.path}: {self._path} lists no landmarks for it; add a line.")
