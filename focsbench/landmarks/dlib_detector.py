"""dlib: HOG faces, a convolutional second opinion, regression trees for 68 landmarks.

The models come with the package `face-recognition-models` (CC0). The 68-point model was trained on
iBUG 300-W, whose terms exclude commercial use; dlib's author asks to respect that.

Weights in a folder of one's own: `shape_predictor_68_face_landmarks.dat` and, optional,
`mmod_human_face_detector.dat`.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from focsbench.files import sha256_of
from focsbench.landmarks.detectors import missing_weights
from focsbench.landmarks.faces import Box, Face, Photo, largest_first
from focsbench.paths import cache_dir

LANDMARKS = "shape_predictor_68_face_landmarks.dat"
NETWORK = "mmod_human_face_detector.dat"
RULES = 2  # raised when the rules below change, so that kept answers are not used

# Side of the longer edge at which HOG looks, pixels: it finds faces of 80 pixels and more, so half
# of it in a photograph of half the size.
HOG_SIDE = 1024
NETWORK_SIDE = 640  # of the network, which takes 2 s of CPU for a quarter of a megapixel
SURE, DOUBTFUL = 0.5, 0.2  # HOG scores: accepted at once; accepted if the network agrees
SAME = 0.3  # overlap (intersection over union) of boxes of one face
LARGEST_ENLARGEMENT = 4.0  # of small photographs and faces
LANDMARK_SIDE = 256  # side of a face for the landmarks; more adds nothing, pixels


class DlibDetector:
    """Faces by dlib."""

    def __init__(self, weights: Path | None) -> None:
        import dlib

        self._dlib: Any = dlib
        points = _file(LANDMARKS, weights)
        if points is None:
            raise missing_weights(
                "dlib",
                (LANDMARKS,),
                cache_dir() / "detectors",
                "`pip install face-recognition-models` brings it",
            )
        network = _file(NETWORK, weights)
        self._hog = dlib.get_frontal_face_detector()
        self._predictor = dlib.shape_predictor(str(points))
        self._network_file = network
        self._network: Any = None
        digests = [sha256_of(file)[:16] for file in (points, network) if file is not None]
        self.identity: str | None = f"dlib {dlib.__version__} {' '.join(digests)} rules {RULES}"

    def faces(self, photo: Photo) -> list[Face]:
        """Return all faces, the largest first."""
        boxes = self._boxes(photo.image)
        return largest_first([self._face(photo.image, box) for box in boxes])

    def _boxes(self, image: Image.Image) -> list[Box]:
        scores = self._hog_boxes(image)
        sure = [box for box, score in scores if score >= SURE]
        doubtful = [box for box, score in scores if score < SURE]
        if (sure and not doubtful) or self._network_file is None:
            return _distinct([*sure, *doubtful])
        second = self._network_boxes(image)
        agreed = [box for box in doubtful if any(_overlap(box, other) > SAME for other in second)]
        return _distinct([*sure, *agreed, *second])

    def _hog_boxes(self, image: Image.Image) -> list[tuple[Box, float]]:
        small, scale = _reduced(image, HOG_SIDE, largest_scale=LARGEST_ENLARGEMENT)
        found, scores, _ = self._hog.run(small, 0, DOUBTFUL)
        return [(_box(r, scale), score) for r, score in zip(found, scores, strict=True)]

    def _network_boxes(self, image: Image.Image) -> list[Box]:
        if self._network is None:
            self._network = self._dlib.cnn_face_detection_model_v1(str(self._network_file))
        small, scale = _reduced(image, NETWORK_SIDE, largest_scale=LARGEST_ENLARGEMENT)
        return [_box(found.rect, scale) for found in self._network(small, 0)]

    def _face(self, image: Image.Image, box: Box) -> Face:
        """Landmarks on an enlarged or reduced cut-out: the trees look at few, far pixels."""
        side = max(box[2] - box[0], box[3] - box[1])
        near = (max(int(box[0] - side), 0), max(int(box[1] - side), 0))
        far = (int(box[2] + side) + 1, int(box[3] + side) + 1)
        cut = (*near, min(far[0], image.width), min(far[1], image.height))
        scale = min(LANDMARK_SIDE / side, LARGEST_ENLARGEMENT)
        size = (max(round((cut[2] - cut[0]) * scale), 1), max(round((cut[3] - cut[1]) * scale), 1))
        part = np.asarray(image.resize(size, Image.Resampling.BILINEAR, box=cut))
        ratio = np.array([size[0] / (cut[2] - cut[0]), size[1] / (cut[3] - cut[1])])
        corners = (np.array(box).reshape(2, 2) - cut[:2] + 0.5) * ratio - 0.5
        rectangle = self._dlib.rectangle(*(round(value) for value in corners.reshape(-1).tolist()))
        parts = self._predictor(part, rectangle).parts()
        points = np.array([[part.x, part.y] for part in parts], dtype=np.float64)
        return Face(box, (points + 0.5) / ratio - 0.5 + cut[:2])


def _file(name: str, weights: Path | None) -> Path | None:
    """Find a model: in the folder that is named, else in the package, else in the cache."""
    places = [weights] if weights is not None else []
    package = find_spec("face_recognition_models")  # not imported: that needs old setuptools
    if weights is None and package is not None and package.origin is not None:
        places.append(Path(package.origin).parent / "models")
    places.append(cache_dir() / "detectors")
    return next((place / name for place in places if (place / name).is_file()), None)


def _reduced(image: Image.Image, side: int, largest_scale: float) -> tuple[Any, float]:
    """Return pixels with the longer edge at ``side``, and how much smaller they are."""
    scale = min(side / max(image.size), largest_scale)
    size = (max(round(image.width * scale), 1), max(round(image.height * scale), 1))
    return np.asarray(image.resize(size, Image.Resampling.BILINEAR)), scale


def _box(rectangle: Any, scale: float) -> Box:
    edges = (rectangle.left(), rectangle.top(), rectangle.right(), rectangle.bottom())
    return Box(*((edge + 0.5) / scale - 0.5 for edge in edges))


def _distinct(boxes: list[Box]) -> list[Box]:
    """Keep the first of boxes that overlap."""
    kept: list[Box] = []
    for box in boxes:
        if all(_overlap(box, other) <= SAME for other in kept):
            kept.append(box)
    return kept


def _overlap(first: Box, second: Box) -> float:
    width = min(first[2], second[2]) - max(first[0], second[0])
    height = min(first[3], second[3]) - max(first[1], second[1])
    if width <= 0 or height <= 0:
        return 0.0
    areas = ((box[2] - box[0]) * (box[3] - box[1]) for box in (first, second))
    return width * height / (sum(areas) - width * height)
