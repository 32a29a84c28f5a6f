"""What a worker reports back about the files it wrote."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.data.alignment import PIXELS_PER_DM_AT_224
from focsbench.data.synthetic.config import SyntheticConfig
from focsbench.data.synthetic.photo import Photo
from focsbench.types import FloatArray


@dataclass(frozen=True)
class PhotoRecord:
    """One line of the lists beside the photographs.

    file: name as the landmark list has it. landmarks: (68, 2) noisy pixels.
    """

    dataset: str
    file: str
    subject: str
    subset: str
    landmarks: FloatArray


def noisy_landmarks(rng: np.random.Generator, photo: Photo, config: SyntheticConfig) -> FloatArray:
    """Return (68, 2) landmarks as a detector would give them, pixels of the photograph.

    Noise is stated at the scale of the aligned 224-pixel crop, so that small and large faces are
    found equally well.
    """
    pixel = photo.pixels_per_mm / (PIXELS_PER_DM_AT_224 / 100)
    std = np.where(photo.hidden, config.hidden_landmark_noise, config.landmark_noise) * pixel
    return photo.landmarks + rng.standard_normal((68, 2)) * std[:, None]
