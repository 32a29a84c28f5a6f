"""Five-point alignment of a photograph to the camera of the face model (Deng et al. 2019).

The 3D template of five points (eyes, nose tip, mouth corners) is fitted to the landmarks by a
linear least-squares projection; the photograph is then scaled and cropped so that the template's
origin lands in the image centre and one decimetre covers ``102 * size / 224`` pixels. That is the
scale at which the pinhole camera of the renderer sees an object at its default depth of 1 m, so
an aligned face needs almost no further translation.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

from focsbench.errors import InputError
from focsbench.geometry.five_points import TEMPLATE_DM, five_points
from focsbench.types import FloatArray

PIXELS_PER_DM_AT_224 = 102.0
LARGEST_PIXEL = 1e6  # no coordinate of a landmark is further away


@dataclass(frozen=True)
class Alignment:
    """How a photograph of ``width`` x ``height`` pixels maps into the aligned crop.

    The photograph is resized to ``resized`` (w, h) and a ``size`` x ``size`` window with its upper
    left corner at ``corner`` (left, up) is cut out, zero-padded where it leaves the photograph.
    """

    width: int
    height: int
    resized: tuple[int, int]
    corner: tuple[int, int]
    size: int

    def points(self, points: FloatArray) -> FloatArray:
        """Map (N, 2) pixel coordinates of the photograph into the crop (centres at integers)."""
        scale = np.array([self.resized[0] / self.width, self.resized[1] / self.height])
        return np.asarray((points + 0.5) * scale - 0.5 - np.array(self.corner))

    def points_back(self, points: FloatArray) -> FloatArray:
        """Map (N, 2) pixel coordinates of the crop back into the photograph."""
        scale = np.array([self.resized[0] / self.width, self.resized[1] / self.height])
        return np.asarray((points + np.array(self.corner) + 0.5) / scale - 0.5)

    def image(self, image: Image.Image) -> Image.Image:
        """Resample a photograph or a mask into the crop (bicubic; black outside)."""
        left, up = self.corner
        # Resizing only the part that is kept is much cheaper for large photographs.
        sx, sy = self.width / self.resized[0], self.height / self.resized[1]
        x0, y0 = max(left, 0), max(up, 0)
        x1 = min(left + self.size, self.resized[0])
        y1 = min(up + self.size, self.resized[1])
        crop = Image.new(image.mode, (self.size, self.size))
        if x1 > x0 and y1 > y0:
            part = image.resize(
                (x1 - x0, y1 - y0),
                Image.Resampling.BICUBIC,
                box=(x0 * sx, y0 * sy, x1 * sx, y1 * sy),
            )
            crop.paste(part, (x0 - left, y0 - up))
        return crop


def align(landmarks: FloatArray, width: int, height: int, size: int) -> Alignment:
    """Find the crop for a photograph from its 68 landmarks.

    Args:
        landmarks: (68, 2) pixels of the photograph, y down.
        width, height: of the photograph, pixels.
        size: side of the crop, pixels.

    Raises:
        InputError: if the landmarks are not finite or do not determine a scale.
    """
    if landmarks.shape != (68, 2) or not np.isfinite(landmarks).all():
        raise InputError(
            f"alignment needs 68 finite 2D landmarks, got an array of shape {landmarks.shape}: "
            "detect the landmarks again or remove the image from the list."
        )
    if np.abs(landmarks).max() > LARGEST_PIXEL:
        raise InputError("the landmarks lie outside of any photograph: detect them again.")
    points = five_points(landmarks)
    design = np.column_stack([TEMPLATE_DM, np.ones(5)])
    solution, *_ = np.linalg.lstsq(design, points, rcond=None)  # (4, 2): x row, y row, offset
    pixels_per_dm = 0.5 * (np.linalg.norm(solution[:3, 0]) + np.linalg.norm(solution[:3, 1]))
    if pixels_per_dm < 1e-3:
        raise InputError("the five alignment points coincide: the landmarks are unusable.")
    scale = PIXELS_PER_DM_AT_224 * size / 224 / pixels_per_dm
    resized = (max(int(width * scale), 1), max(int(height * scale), 1))
    centre = (solution[3] + 0.5) * scale
    left, up = (int(np.floor(value - size / 2 + 0.5)) for value in centre)
    return Alignment(width, height, resized, (left, up), size)
