"""A baseline in its own package: the mean face, stretched like the landmarks, in one colour."""

import numpy as np
from scipy.spatial import Delaunay

from focsbench.face_models import load_face_model
from focsbench.types import Mesh, Reconstruction


class StretchedMean:
    name = "stretched_mean"
    label = "Stretched mean face"
    stages = ()

    def __init__(self, context):
        self.model = load_face_model(context.face_model, context.face_model_file)
        self.usual = proportion(self.model.mean_shape[self.model.landmarks68])

    def reconstruct(self, samples):
        return [self.one(sample) for sample in samples]

    def one(self, sample):
        taller = np.clip(proportion(sample.landmarks) / self.usual, 0.97, 1.03)
        vertices = self.model.mean_shape * np.float32([1, taller, 1])
        pixels = np.indices(sample.image.shape[:2])[::-1].transpose(1, 2, 0)  # x, y
        region = Delaunay(sample.landmarks).find_simplex(pixels) >= 0
        colour = np.median(sample.image[region], axis=0)
        return Reconstruction(
            neutral=Mesh(vertices, self.model.triangles),
            landmarks7=vertices[self.model.landmarks7],
            render=np.where(region[..., None], colour, 0).astype(np.float32),
            region=region,
            visible=np.float32(np.abs(sample.image - colour).max(axis=2) < 0.25),
        )


def proportion(points):  # height of a face over its width
    down = points[33] - points[[36, 39, 42, 45]].mean(axis=0)  # a mouth would open
    return np.linalg.norm(down) / np.linalg.norm(points[45] - points[36])
