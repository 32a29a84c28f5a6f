"""Mean face: the average shape and albedo of the face model, posed by the landmarks.

The floor of every shape table: a method that scores worse than it distorts faces.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import torch

from focsbench.face_models import load_face_model
from focsbench.focs.autoencoder import FaceDecoder
from focsbench.geometry.pose import fit_pose
from focsbench.networks.resnet import Latents
from focsbench.types import BaselineContext, Mesh, Reconstruction, Sample


class MeanFace:
    """Mean shape and albedo in ambient light; looks at the landmarks only."""

    name: ClassVar[str] = "mean_face"
    label: ClassVar[str] = "Mean face"
    stages: ClassVar[tuple[str, ...]] = ()

    def __init__(self, context: BaselineContext) -> None:
        model = load_face_model(context.face_model, context.face_model_file)
        self._size = context.image_size
        self._mesh = Mesh(model.mean_shape, model.triangles)
        self._landmarks7 = model.mean_shape[model.landmarks7]
        self._points = model.fitted_mean[model.landmarks68].astype(float)
        self._modes = model.modes
        self._decoder = FaceDecoder(model.crop("face"), self._size)

    def reconstruct(self, samples: Sequence[Sample]) -> list[Reconstruction]:
        """Pose the mean face by each sample's landmarks."""
        return [self._one(sample) for sample in samples]

    def _one(self, sample: Sample) -> Reconstruction:
        start = time.perf_counter()
        angles, translation = fit_pose(self._points, sample.landmarks.astype(float), self._size)
        identity, expression, albedo = (torch.zeros(1, count) for count in self._modes)
        latents = Latents(
            identity=identity,
            expression=expression,
            albedo=albedo,
            angles=torch.tensor(angles, dtype=torch.float32)[None],
            translation=torch.tensor(translation, dtype=torch.float32)[None],
            light=torch.zeros(1, 27),
        )
        with torch.no_grad():
            decoded = self._decoder(latents)
        return Reconstruction(
            neutral=self._mesh,
            landmarks7=self._landmarks7,
            render=decoded.image[0].permute(1, 2, 0).numpy(),
            region=decoded.region[0].numpy(),
            parameters={
                "angles": angles.astype(np.float32),
                "translation": translation.astype(np.float32),
            },
            seconds=time.perf_counter() - start,
        )
