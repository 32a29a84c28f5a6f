"""A tiny dataset in memory and prediction folders for it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from geometry_support import grid_face

from focsbench.data.predictions import PredictionWriter
from focsbench.geometry.head_pose import MEAN_FACE, POINTS
from focsbench.types import Mesh, Reconstruction, Sample

SIZE = 16


class TinyPhotos:
    """Six photographs of three people in the given subsets, with visible-face masks."""

    name = "tiny"

    def __init__(self, subsets=("unoccluded", "occluded")):
        rng = np.random.default_rng(0)
        self.samples = []
        for number in range(6):
            mask = np.zeros((SIZE, SIZE), dtype=bool)
            mask[2:14, 2 : 10 + number % 3] = True
            self.samples.append(
                Sample(
                    key=f"{number}",
                    subject=f"person {number % 3}",
                    subset=subsets[number % len(subsets)],
                    image=rng.uniform(size=(SIZE, SIZE, 3)).astype(np.float32),
                    landmarks=np.zeros((68, 2), dtype=np.float32),
                    visible_mask=mask,
                )
            )

    def __len__(self):
        return len(self.samples)

    def __getitem__(self, index):
        return self.samples[index]

    def keys(self):
        return [sample.key for sample in self.samples]


def perfect(sample: Sample) -> Reconstruction:
    """The photograph itself, and its own mask, over the whole image."""
    return Reconstruction(
        render=sample.image,
        region=np.ones((SIZE, SIZE), dtype=bool),
        visible=sample.visible_mask.astype(np.float32),
    )


def off_by(levels: float):
    """A render that is wrong by so many grey levels everywhere (photographs avoid the ends)."""
    return lambda sample: replace(perfect(sample), render=sample.image + levels / 255)


def write_predictions(folder: Path, dataset, answer, failures=()) -> Path:
    """Write ``answer(sample)`` for every sample, but fail the keys in ``failures``."""
    writer = PredictionWriter(
        folder, method=folder.name, label=folder.name, dataset=dataset.name, image_size=SIZE
    )
    with writer as out:
        for sample in dataset.samples:
            if sample.key in failures:
                out.fail(sample.key, "no face found")
            else:
                out.write(sample.key, answer(sample))
    return folder


def score(protocol, folders, dataset, tmp_path, method):
    """Prepare for all folders and score one of them."""
    shared, output = tmp_path / f"{protocol.name}_shared", tmp_path / f"{protocol.name}_{method}"
    shared.mkdir(exist_ok=True)
    output.mkdir(exist_ok=True)
    protocol.prepare(folders, dataset, shared)
    return protocol.score(method, folders[method], dataset, shared, output)


def values(rows, metric, subset=None):
    """Values of the images by key; None where failed."""
    return {
        row.item: row.value
        for row in rows
        if row.metric == metric and row.item != "pooled" and subset in (None, row.subset)
    }


def pooled(rows, metric, subset):
    """The one pooled value of a subset."""
    [row] = [r for r in rows if (r.item, r.metric, r.subset) == ("pooled", metric, subset)]
    return row.value


@dataclass(frozen=True)
class TinyItem:
    """One line of the image list."""

    key: str
    subject: str
    challenge: str


class TinyScans:
    """Three people with a scan each; one of them was never photographed with an occluder."""

    name = "tiny"

    def __init__(self):
        self.items = [
            TinyItem(f"{subject}/{challenge}/IMG_{number}", subject, challenge)
            for subject, challenges in {
                "anna": ("multiview_neutral", "multiview_occlusions", "selfie"),
                "bela": ("multiview_neutral", "multiview_occlusions"),
                "cleo": ("multiview_neutral",),
            }.items()
            for number, challenge in enumerate(challenges)
        ]
        self.scans_read = 0

    @property
    def samples(self):
        return self.items

    def _face(self, subject):
        return grid_face(30, seed=ord(subject[0]))

    def scan(self, subject):
        self.scans_read += 1
        return self._face(subject)[0]

    def scan_landmarks(self, subject):
        return self._face(subject)[1]

    def photo_landmarks(self):
        """Everybody looks at the camera."""
        landmarks = np.zeros((68, 2))
        landmarks[list(POINTS)] = MEAN_FACE[:, :2] * [1, -1] + 100
        return {item.key: landmarks for item in self.items}

    def answer(self, item, scale=1.0):
        """The scan itself as a prediction, in another unit and pose."""
        mesh, landmarks = self._face(item.subject)
        turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
        return Reconstruction(
            neutral=Mesh(scale * mesh.vertices @ turn.T + 5, mesh.triangles),
            landmarks7=scale * landmarks @ turn.T + 5,
        )
