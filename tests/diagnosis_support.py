"""An analytic head with nose, mouth and seven landmarks, a scan of it, and its diagnosis."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import strategies as st

from focsbench.geometry.diagnosis import (
    UNSCORABLE,
    Finding,
    diagnose_fit,
    diagnose_prediction,
)
from focsbench.geometry.scan_alignment import align_to_scan
from focsbench.geometry.scan_crop import CroppedScan, crop_scan
from focsbench.types import Mesh

# x and y of the seven landmarks, mm: x to the subject's left, y up.
_PLACES = np.array(
    [(-41.5, 30), (-16.5, 28), (16.5, 28), (41.5, 30), (0, -18), (-23.5, -38), (23.5, -38.0)]
)


@dataclass(frozen=True)
class Head:
    """An ellipsoid with half axes in mm, a nose, lips that may be open, and a wider mouth."""

    width: float = 75.0
    height: float = 112.0
    depth: float = 95.0
    nose: float = 18.0
    opening: float = 0.0
    smile: float = 1.0

    def front(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Depth z of the face at (x, y)."""
        inside = 1 - (x / self.width) ** 2 - (y / self.height) ** 2
        return self.depth * np.sqrt(np.maximum(inside, 0)) + self._relief(x, y)

    def _relief(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        nose = self.nose * np.exp(-((x / 9) ** 2) - ((y + 7) / 8) ** 2)
        muzzle = 9 * np.exp(-((x / 30) ** 2) - ((y + 28) / 26) ** 2)
        mouth = 28.0 * (np.abs(x) < 18) * (np.abs(y + 40) < self.opening / 2)
        return nose + muzzle - mouth

    def mesh(self, rows: int = 90) -> Mesh:
        """Closed mesh with about ``1.4 * rows ** 2`` vertices, outward normals."""
        columns = 4 * rows // 3
        polar = np.linspace(0, np.pi, rows)[1:-1, None]
        around = np.linspace(0, 2 * np.pi, columns, endpoint=False)[None]
        x = self.width * np.sin(polar) * np.sin(around)
        y = self.height * np.cos(polar) + 0 * around
        z = self.depth * np.sin(polar) * np.cos(around)
        z = z + np.where(z > 0, self._relief(x, y), 0)
        poles = np.array([[0, self.height, 0], [0, -self.height, 0]])
        vertices = np.concatenate([np.stack([x, y, z], -1).reshape(-1, 3), poles])
        index = np.arange((rows - 2) * columns).reshape(rows - 2, columns)
        right = np.roll(index, -1, axis=1)
        a, b, c, d = index[:-1], right[:-1], index[1:], right[1:]
        top, bottom = len(vertices) - 2, len(vertices) - 1
        parts = [(a, c, b), (b, c, d)]
        caps = [(np.full(columns, top), index[0], right[0])]
        caps += [(np.full(columns, bottom), right[-1], index[-1])]
        triangles = [np.stack([np.ravel(k) for k in part], -1) for part in [*parts, *caps]]
        return Mesh(vertices, np.concatenate(triangles).astype(np.int64))

    def landmarks(self) -> np.ndarray:
        """(7, 3) landmarks on the face, mm."""
        places = _PLACES.copy()
        places[5:, 0] *= self.smile
        return np.column_stack([places, self.front(places[:, 0], places[:, 1])])

    def nose_tip(self) -> np.ndarray:
        """The foremost point of the nose."""
        y = np.linspace(-20, 5, 200)
        z = self.front(np.zeros(200), y)
        return np.array([0, y[z.argmax()], z.max()])


def scan_of(head: Head, noise: float = 0.1, rows: int = 100, seed: int = 0) -> CroppedScan:
    """Points of the head with noise in mm, cropped as the benchmark does."""
    rng = np.random.default_rng(seed)
    points = head.mesh(rows).vertices
    points = points + rng.normal(0, noise, points.shape)
    landmarks = head.landmarks().astype(np.float32)
    kept = crop_scan(points, landmarks)
    return CroppedScan(points[kept], kept, landmarks)


heads = st.builds(
    Head,
    width=st.floats(70, 82),
    height=st.floats(104, 120),
    depth=st.floats(88, 104),
    nose=st.floats(15, 22),
)
seeds = st.integers(0, 2**32 - 1)

HEAD = Head()
SCAN = scan_of(HEAD)
MESH, LANDMARKS = HEAD.mesh(), HEAD.landmarks()


def diagnose(
    mesh: Mesh,
    landmarks: np.ndarray,
    scan: CroppedScan = SCAN,
    mm_per_unit: float | None = None,
) -> list[Finding]:
    """All findings, as scoring collects them; their sentences are looked at too."""
    found = diagnose_prediction(mesh, landmarks)
    if not UNSCORABLE & {finding.name for finding in found}:
        fit = align_to_scan(scan.points, scan.landmarks, mesh, landmarks, mm_per_unit=mm_per_unit)
        found += diagnose_fit(scan, mesh, landmarks, fit, mm_per_unit=mm_per_unit)
    for finding in found:
        assert str(finding) == f"{finding.name}: {finding.message}"
        assert finding.message.endswith(".")
        assert "\n" not in finding.message
    return found


def names(*arguments: Any, **options: Any) -> list[str]:
    """Names of all findings."""
    return [finding.name for finding in diagnose(*arguments, **options)]


def keep(mesh: Mesh, wanted: np.ndarray) -> Mesh:
    """The triangles whose corners are all wanted, with the vertices they use."""
    triangles = mesh.triangles[wanted[mesh.triangles].all(axis=1)]
    used, corners = np.unique(triangles, return_inverse=True)
    return Mesh(mesh.vertices[used], corners.reshape(-1, 3))


def both(first: Mesh, second: Mesh) -> Mesh:
    """Two meshes in one."""
    return Mesh(
        np.concatenate([first.vertices, second.vertices]),
        np.concatenate([first.triangles, second.triangles + len(first.vertices)]),
    )
