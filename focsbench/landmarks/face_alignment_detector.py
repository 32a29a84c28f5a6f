"""The package `face-alignment`: S3FD faces and the FAN network for 68 landmarks.

Its weights come from adrianbulat.com. Without a network, put `s3fd-619a316812.pth` and
`2DFAN4-11f355bf06.pth.tar` into one folder and name it, or into torch's own folder for downloads.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from focsbench.landmarks.detectors import missing_weights
from focsbench.landmarks.faces import Box, Face, Photo, largest_first

FILES = ("s3fd-619a316812.pth", "2DFAN4-11f355bf06.pth.tar")
LARGEST_SIDE = 1024  # of the photograph that it looks at, pixels: S3FD takes 1 s for 224 x 224


class FaceAlignmentDetector:
    """Faces by face-alignment."""

    def __init__(self, weights: Path | None) -> None:
        import torch

        checkpoints = Path(torch.hub.get_dir()) / "checkpoints"
        if weights is not None and not all((weights / name).is_file() for name in FILES):
            raise missing_weights("face-alignment", FILES, checkpoints, "of adrianbulat.com")
        import face_alignment

        try:
            with _downloads_in(weights):
                # compile=False: compiling at every start costs more than it saves.
                self._network: Any = face_alignment.FaceAlignment(
                    face_alignment.LandmarksType.TWO_D, device="cpu", compile=False
                )
        except OSError:  # a download that failed is one
            raise missing_weights(
                "face-alignment", FILES, checkpoints, "could not be fetched from adrianbulat.com"
            ) from None
        self.identity: str | None = f"face-alignment {version('face-alignment')} {' '.join(FILES)}"

    def faces(self, photo: Photo) -> list[Face]:
        """Return all faces, the largest first."""
        image = photo.image
        scale = min(1.0, LARGEST_SIDE / max(image.size))
        small = image.resize([max(round(side * scale), 1) for side in image.size])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # that there is no face
            found = self._network.get_landmarks_from_image(np.asarray(small), return_bboxes=True)
        points, _, boxes = found if found is not None else ([], None, [])
        faces = []
        for corners, place in zip(points or [], boxes if points else [], strict=True):
            edges = (np.asarray(place, dtype=np.float64)[:4] + 0.5) / scale - 0.5
            landmarks = (np.asarray(corners, dtype=np.float64) + 0.5) / scale - 0.5
            faces.append(Face(Box(*edges.tolist()), landmarks))
        return largest_first(faces)


@contextmanager
def _downloads_in(folder: Path | None) -> Iterator[None]:
    """Let torch look for its downloads in a folder while the block runs."""
    if folder is None:
        yield
        return
    import torch

    before = torch.hub.get_dir()
    with tempfile.TemporaryDirectory() as hub:
        (Path(hub) / "checkpoints").symlink_to(folder.resolve(), target_is_directory=True)
        torch.hub.set_dir(hub)
        try:
            yield
        finally:
            torch.hub.set_dir(before)
