"""The pinhole camera of a photograph and the poses of head and body before it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.data.synthetic.anatomy import Anatomy
from focsbench.data.synthetic.grids import rotation
from focsbench.data.synthetic.hair import smoothstep
from focsbench.data.synthetic.shots import Shot
from focsbench.types import FloatArray

FLIP = np.diag([1.0, -1.0, -1.0])  # model axes (y up, z to the viewer) to camera axes
FACE_HEIGHT_MM = 172.0  # chin to hairline
FACE_CENTRE = np.array([0.0, 4.0, 20.0])  # model frame, kept at the picture's centre


@dataclass(frozen=True)
class View:
    """Camera of ``size`` pixels: u = focal X / Z + centre; head = rotation v + translation."""

    size: int
    focal: float
    rotation: FloatArray
    body_rotation: FloatArray
    translation: FloatArray

    @property
    def middle(self) -> float:
        """Principal point, pixels (pixel centres at integers)."""
        return (self.size - 1) / 2

    def project(self, points: FloatArray) -> FloatArray:
        """Project camera-space points (N, 3) mm to pixels (N, 2)."""
        return self.focal * points[:, :2] / points[:, 2:] + self.middle

    def pose_head(self, points: FloatArray) -> FloatArray:
        """Move model-frame points (N, 3) rigidly with the head into camera space."""
        return (points @ self.rotation.T + self.translation).astype(np.float32)

    def pose_body(self, points: FloatArray, anatomy: Anatomy) -> FloatArray:
        """Move model-frame points with the torso, which turns less than the head."""
        pivot = self._pivot(anatomy)
        anchor = self.rotation @ pivot + self.translation
        return ((points - pivot) @ self.body_rotation.T + anchor).astype(np.float32)

    def pose_worn(self, points: FloatArray, anatomy: Anatomy) -> FloatArray:
        """Move points with the head above the chin, with the torso at the collar, bent between."""
        chin = float(anatomy.landmarks[8, 1])
        # the back of the neck starts bending higher than the throat
        start = chin - 12 - 0.25 * np.clip(points[:, 2] - anatomy.axis_z, -60, 80)
        share = smoothstep((start - points[:, 1]) / 42.0)[:, None]
        return (
            (1 - share) * self.pose_head(points) + share * self.pose_body(points, anatomy)
        ).astype(np.float32)

    @staticmethod
    def _pivot(anatomy: Anatomy) -> FloatArray:
        return np.array([0.0, float(anatomy.landmarks[8, 1]) - 20.0, anatomy.axis_z])


def view_of(shot: Shot, size: int) -> View:
    """Set up the camera of a shot so that the face has its size and place in the picture."""
    focal = shot.face_share * size / FACE_HEIGHT_MM * shot.distance
    turn = FLIP @ rotation(shot.angles)
    shift = shot.offset * size * shot.distance / focal
    target = np.array([shift[0], shift[1], shot.distance])
    return View(
        size=size,
        focal=focal,
        rotation=turn,
        body_rotation=FLIP @ rotation(shot.body),
        translation=target - turn @ FACE_CENTRE,
    )
