"""Detections kept per user, by what is in the photograph and what looked at it."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np

from focsbench.errors import StorageError
from focsbench.files import write_atomically
from focsbench.landmarks.faces import Box, Detector, Face, Photo
from focsbench.paths import cache_dir


class CachedDetector:
    """A detector that looks at the same file once.

    Answers lie in the user's cache folder under the identity of the detector and the SHA-256 of the
    file; a damaged one is made again.
    """

    def __init__(self, detector: Detector, root: Path | None = None) -> None:
        self._detector = detector
        self.identity = detector.identity
        self._root = root if root is not None else cache_dir() / "landmarks"

    def faces(self, photo: Photo) -> list[Face]:
        """Return all faces, the largest first.

        Raises:
            InputError: if the photograph cannot be read.
        """
        if self.identity is None or not photo.path.is_file():
            return self._detector.faces(photo)
        kept = self._file(self.identity, photo.digest)
        faces = _read(kept)
        if faces is None:
            faces = self._detector.faces(photo)
            _write(kept, faces)
        return faces

    def _file(self, identity: str, digest: str) -> Path:
        detector = hashlib.sha256(identity.encode()).hexdigest()[:16]
        return self._root / detector / digest[:2] / f"{digest}.json"


def _read(path: Path) -> list[Face] | None:
    try:
        entries: list[dict[str, Any]] = json.loads(path.read_bytes())
        return [_face(entry) for entry in entries]
    except (OSError, ValueError, KeyError, TypeError, RecursionError):
        return None


def _face(entry: dict[str, Any]) -> Face:
    box = Box(*(float(edge) for edge in entry["box"]))
    points = np.array(entry["landmarks"], dtype=np.float64)
    if points.shape != (68, 2):
        raise ValueError("not 68 landmarks")
    return Face(box, points)


def _write(path: Path, faces: list[Face]) -> None:
    """Keep an answer; a cache that cannot be written costs time, nothing else."""
    entries = [{"box": list(face.box), "landmarks": face.landmarks.tolist()} for face in faces]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(path, json.dumps(entries).encode())
    except (OSError, StorageError):
        return
