"""Photographs of rendered faces, whose parameters and landmarks are known."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from PIL import Image

from focsbench.data.landmarks_csv import write_landmarks
from focsbench.face_models import load_face_model
from focsbench.focs.autoencoder import FaceDecoder
from focsbench.networks.resnet import Latents

CROP = 224


@cache
def decoder(size=CROP):
    return FaceDecoder(drawn_model(), size)


@cache
def model_of_tests():
    return load_face_model("anny")


@cache
def drawn_model():
    return model_of_tests().crop("face")


def latents(seed, yaw=0.0, pitch=0.0):
    """A person of the face model under a light from one side; a batch of one."""
    generator = torch.Generator().manual_seed(seed)
    light = 0.4 * torch.randn(3, 9, generator=generator) * torch.tensor([0.5] + 8 * [1.0])
    return Latents(
        identity=torch.randn(1, 80, generator=generator),
        expression=0.5 * torch.randn(1, 64, generator=generator),
        albedo=torch.randn(1, 80, generator=generator),
        angles=torch.tensor([[pitch, yaw, 0.05]]),
        translation=torch.tensor([[1.0, -2.0, 0.0]]),
        light=light.mean(dim=0, keepdim=True).repeat(3, 1).reshape(1, 27),
    )


@dataclass(frozen=True)
class Rendered:
    """image: (H, W, 3) uint8; landmarks: (68, 2) pixels of it; region: (H, W) bool."""

    image: np.ndarray
    landmarks: np.ndarray
    region: np.ndarray
    latents: Latents

    def save(self, path, **options):
        Image.fromarray(self.image).save(path, **options)
        return path


@cache
def rendered(seed=1, crop=CROP, at=(40, 70), size=(330, 400), yaw=0.15):
    """A face drawn ``crop`` pixels wide at (left, top) of a textured photograph (h, w)."""
    truth = latents(seed, yaw)
    with torch.no_grad():
        drawn = decoder(crop)(truth)
    height, width = size
    noise = np.random.default_rng(seed).integers(60, 120, (height // 10, width // 10, 3))
    ground = Image.fromarray(noise.astype(np.uint8)).resize((width, height), Image.BICUBIC)
    image, region = np.asarray(ground).copy(), np.zeros((height, width), dtype=bool)
    face = drawn.image[0].permute(1, 2, 0).clamp(0, 1).numpy()
    left, top = at
    inside = drawn.region[0].numpy()
    window = (slice(top, top + crop), slice(left, left + crop))
    region[window] = inside
    image[window][inside] = np.rint(face[inside] * 255)
    return Rendered(image, drawn.landmarks[0].numpy() + np.array(at), region, truth)


def write_csv(path, **faces):
    """A landmark list; several landmark arrays for one file in a list."""
    lines = [
        (name.replace("__", "."), points)
        for name, several in faces.items()
        for points in (several if isinstance(several, list) else [several])
    ]
    write_landmarks(path, lines)
    return path
