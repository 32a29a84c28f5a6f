"""A sound method without networks, for tests that break it in one way at a time."""

from __future__ import annotations

import time
from functools import cache
from typing import ClassVar

import numpy as np

from focsbench.face_models import load_face_model
from focsbench.types import BaselineContext, Mesh, Reconstruction

TARGET = "mock_run_support:Good"


@cache
def model():
    return load_face_model()


class Good:
    """The mean face, a little larger in brighter photographs; a disc is its render."""

    name: ClassVar[str] = "good"
    label: ClassVar[str] = "Good"
    stages: ClassVar[tuple[str, ...]] = ()

    def __init__(self, context: BaselineContext) -> None:
        self.context = context
        rows, columns = np.indices((context.image_size, context.image_size))
        middle = context.image_size / 2
        self.region = np.hypot(rows - middle, columns - middle) < middle / 2

    def reconstruct(self, samples):
        return [self.one(sample) for sample in samples]

    def one(self, sample):
        start = time.perf_counter()
        brightness = float(sample.image[20:40, 20:40].mean())
        vertices = model().mean_shape * np.float32(0.95 + 0.1 * brightness)
        return Reconstruction(
            neutral=Mesh(vertices, model().triangles),
            landmarks7=vertices[model().landmarks7],
            render=np.where(self.region[..., None], sample.image, 0).astype(np.float32),
            region=self.region.copy(),
            visible=np.full(self.region.shape, np.float32(brightness)),
            parameters={"brightness": np.array([brightness])},
            seconds=time.perf_counter() - start,
        )


def turned(vertices, degrees):
    """Vertices turned about the vertical axis."""
    angle = np.radians(degrees)
    c, s = np.cos(angle), np.sin(angle)
    return (vertices @ np.array([[c, 0, -s], [0, 1, 0], [s, 0, c]])).astype(np.float32)
