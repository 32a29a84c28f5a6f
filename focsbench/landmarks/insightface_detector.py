"""The package `insightface`: SCRFD faces and 68 landmarks of its 3D network.

Its models (default `buffalo_l`) are for non-commercial research and come from GitHub. Without a
network, put `det_10g.onnx` and `1k3d68.onnx` into one folder and name it.
"""

from __future__ import annotations

from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from focsbench.files import sha256_of
from focsbench.landmarks.detectors import missing_weights
from focsbench.landmarks.faces import Box, Face, Photo, largest_first

FILES = ("det_10g.onnx", "1k3d68.onnx")
PACK = "buffalo_l"
DETECTION_SIDE = 640  # of the square that SCRFD sees, pixels


class InsightFaceDetector:
    """Faces by insightface."""

    def __init__(self, weights: Path | None) -> None:
        place = weights or Path.home() / ".insightface" / "models" / PACK
        local = all((place / name).is_file() for name in FILES)
        if weights is not None and not local:
            raise missing_weights("insightface", FILES, place, f"of its pack {PACK}")
        from insightface.app import FaceAnalysis

        try:
            self._network: Any = FaceAnalysis(
                name=str(place) if local else PACK,
                allowed_modules=["detection", "landmark_3d_68"],
                providers=["CPUExecutionProvider"],
            )
        except (OSError, RuntimeError, AssertionError):
            raise missing_weights(
                "insightface", FILES, place, f"of its pack {PACK}; could not be fetched from GitHub"
            ) from None
        self._network.prepare(ctx_id=-1, det_size=(DETECTION_SIDE, DETECTION_SIDE))
        digests = [sha256_of(place / name)[:16] for name in FILES if (place / name).is_file()]
        self.identity: str | None = f"insightface {version('insightface')} {' '.join(digests)}"

    def faces(self, photo: Photo) -> list[Face]:
        """Return all faces, the largest first."""
        blue_first = np.ascontiguousarray(photo.pixels[:, :, ::-1])
        faces = [
            Face(
                Box(*(float(edge) for edge in found.bbox)),
                np.asarray(found.landmark_3d_68[:, :2], dtype=np.float64),
            )
            for found in self._network.get(blue_first)
        ]
        return largest_first(faces)
