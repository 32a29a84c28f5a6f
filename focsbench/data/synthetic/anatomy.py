"""Maps of one posed head that clothing, hair, glasses and scans are fitted to."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from focsbench.data.synthetic.grids import AROUND
from focsbench.rendering.numba_rasterizer import rasterize_arrays
from focsbench.types import FloatArray, IntArray

COLUMNS, ROWS = 120, 110  # 3 degrees, 3.5 mm
Y_TOP, Y_BOTTOM = 165.0, -220.0


def cylinder_coordinates(vertices: FloatArray, axis_z: float) -> FloatArray:
    """Return (V, 3) angle (0 in front, positive to +x, radians), y, radius about (0, y, axis_z)."""
    depth = vertices[:, 2] - axis_z
    return np.stack(
        [np.arctan2(vertices[:, 0], depth), vertices[:, 1], np.hypot(vertices[:, 0], depth)], axis=1
    )


def without_seam(angle: FloatArray, triangles: IntArray) -> IntArray:
    """Drop the triangles that cross the back, where the angle jumps by a whole turn."""
    corners = angle[triangles]
    return np.ascontiguousarray(triangles[np.ptp(corners, axis=1) < np.pi])


@dataclass(frozen=True)
class Anatomy:
    """Where things are on one head (with its expression), model frame, mm.

    landmarks: (68, 3). axis_z: z of the vertical axis through the head.
    radius: (ROWS, COLUMNS) distance of the outermost surface from the axis; rows run from Y_TOP
        down to Y_BOTTOM, columns from -pi to pi; rows beyond the mesh repeat the nearest one.
    bottom: y where the neck of the mesh ends. top: y of the crown.
    """

    landmarks: FloatArray
    axis_z: float
    radius: FloatArray
    bottom: float
    top: float

    def radius_at(
        self, angle: FloatArray, y: FloatArray, map_: FloatArray | None = None
    ) -> FloatArray:
        """Interpolate the radius map (or another map of the same grid) at angles and heights."""
        column = (np.asarray(angle) + np.pi) / (2 * np.pi) * COLUMNS - 0.5
        row = (Y_TOP - np.asarray(y)) / (Y_TOP - Y_BOTTOM) * (ROWS - 1)
        source = self.radius if map_ is None else map_
        padded = np.concatenate([source[:, -1:], source, source[:, :1]], axis=1)
        result: FloatArray = ndimage.map_coordinates(
            padded, [row, np.mod(column, COLUMNS) + 1], order=1, mode="nearest"
        )
        return result

    def outside(self, angle: FloatArray, y: FloatArray, radius: FloatArray) -> FloatArray:
        """Raise radii so that cloth there contains the tip of the nose, between cells, too."""
        grown = ndimage.maximum_filter(self.radius, size=5, mode=AROUND)
        grown = ndimage.gaussian_filter(grown, 1.2, mode=AROUND)
        return np.maximum(radius, self.radius_at(angle, y, grown))

    def point(self, angle: FloatArray, y: FloatArray, radius: FloatArray) -> FloatArray:
        """Return the (..., 3) point at a cylinder coordinate."""
        return np.stack(
            [radius * np.sin(angle), y, self.axis_z + radius * np.cos(angle)], axis=-1
        ).astype(np.float32)

    def cloth_radius(self, reach_angle: float, reach_y: float, blur: float) -> FloatArray:
        """Return the radius map of cloth that spans hollows instead of following them.

        reach_angle (radians) and reach_y (mm): how far a fold bridges. blur: smoothing in cells.
        """
        cells = (
            max(1, round(reach_y / ((Y_TOP - Y_BOTTOM) / (ROWS - 1)))) * 2 + 1,
            max(1, round(reach_angle / (2 * np.pi) * COLUMNS)) * 2 + 1,
        )
        grown = ndimage.maximum_filter(self.radius, size=cells, mode=AROUND)
        closed = ndimage.minimum_filter(grown, size=cells, mode=AROUND)
        smooth: FloatArray = ndimage.gaussian_filter(closed, blur, mode=AROUND)
        return np.maximum(smooth, self.radius)


def measure(vertices: FloatArray, triangles: IntArray, landmarks: FloatArray) -> Anatomy:
    """Measure a head: (V, 3) mm in the model frame with its (68, 3) landmarks."""
    upper = vertices[vertices[:, 1] > landmarks[36:48, 1].mean()]
    axis_z = 0.5 * (float(upper[:, 2].min()) + float(upper[:, 2].max()))
    polar = cylinder_coordinates(vertices, axis_z)
    xy = np.stack(
        [
            (polar[:, 0] + np.pi) / (2 * np.pi) * COLUMNS - 0.5,
            (Y_TOP - polar[:, 1]) / (Y_TOP - Y_BOTTOM) * (ROWS - 1),
        ],
        axis=1,
    ).astype(np.float32)
    depth = (1000.0 - polar[:, 2]).astype(np.float32)
    _, _, nearest = rasterize_arrays(
        xy, depth, without_seam(polar[:, 0], triangles), ROWS, COLUMNS, cull=False
    )
    radius = np.where(np.isfinite(nearest), 1000.0 - nearest, 0.0)
    known = radius > 0
    index = ndimage.distance_transform_edt(~known, return_distances=False, return_indices=True)
    # The seam leaves a gap behind the head; the nearest columns beside it fill it.
    radius = radius[tuple(index)]
    return Anatomy(
        landmarks=landmarks,
        axis_z=axis_z,
        radius=radius.astype(np.float32),
        bottom=float(vertices[:, 1].min()),
        top=float(vertices[:, 1].max()),
    )
