"""The rasteriser of the CPU: one z-buffer kernel, and its two front doors."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from focsbench.jit import helper, kernel
from focsbench.rendering.fragments import Fragments
from focsbench.rendering.threads import over_images

Array = NDArray[Any]
Pair = tuple[float, float]


@helper
def edge_functions(p0: Pair, p1: Pair, p2: Pair, x: float, y: float) -> tuple[float, float, float]:
    """Doubled signed areas of the sub-triangles that (x, y) makes with each edge.

    Relative to the point, an edge function changes only its sign with the direction of the edge,
    to the last bit: neighbours leave no gap along a shared edge.
    """
    x0, y0, x1, y1, x2, y2 = p0[0] - x, p0[1] - y, p1[0] - x, p1[1] - y, p2[0] - x, p2[1] - y
    return x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1


@helper
def draw_image(
    uv: Array, depth: Array, triangles: Array, inverse: bool, cull: bool, ids: Array, nearest: Array
) -> None:
    """Fill ``ids`` and ``nearest`` (H, W) of one image, see `rasterize_images`."""
    real = uv.dtype.type
    zero, right_border, bottom_border = real(0), real(ids.shape[1] - 1), real(ids.shape[0] - 1)
    ids[:] = -1
    nearest[:] = np.inf
    for triangle in range(len(triangles)):
        v0, v1, v2 = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
        x0, y0, x1, y1, x2, y2 = uv[v0, 0], uv[v0, 1], uv[v1, 0], uv[v1, 1], uv[v2, 0], uv[v2, 1]
        area = (x1 - x0) * (y2 - y0) - (y1 - y0) * (x2 - x0)
        # y points down: counter-clockwise for the viewer is a negative area. NaN fails both tests.
        if not (area < 0 or (area > 0 and not cull)):
            continue
        left = np.ceil(max(min(x0, min(x1, x2)), zero))
        right = min(max(x0, max(x1, x2)), right_border)
        top = np.ceil(max(min(y0, min(y1, y2)), zero))
        bottom = min(max(y0, max(y1, y2)), bottom_border)
        if not (left <= right and top <= bottom):
            continue
        k0, k1, k2 = depth[v0], depth[v1], depth[v2]
        if not (0 < k0 < np.inf and 0 < k1 < np.inf and 0 < k2 < np.inf):
            continue  # behind the camera, or in its centre, where 1/depth is infinite
        if inverse:
            k0, k1, k2 = -k0, -k1, -k2
        for row in range(int(top), int(bottom) + 1):
            for column in range(int(left), int(right) + 1):
                e0, e1, e2 = edge_functions((x0, y0), (x1, y1), (x2, y2), real(column), real(row))
                if (e0 <= 0 and e1 <= 0 and e2 <= 0) or (e0 >= 0 and e1 >= 0 and e2 >= 0):
                    key = (e0 * k0 + e1 * k1 + e2 * k2) / (e0 + e1 + e2)
                    if key < nearest[row, column]:
                        nearest[row, column] = key
                        ids[row, column] = triangle


@kernel
def rasterize_images(
    first: int,
    last: int,
    uv: Array,
    depth: Array,
    triangles: Array,
    inverse: bool,
    cull: bool,
    ids: Array,
    nearest: Array,
) -> None:
    """Fill ``ids`` and ``nearest`` (B, H, W) of the images first to last - 1.

    uv (B, V, 2) px, triangles (F, 3), depth (B, V) > 0, or 1/depth with ``inverse``. ``nearest``
    gets the smallest depth, or the smallest -1/depth; of equals the lowest triangle wins.
    """
    for image in range(first, last):
        draw_image(uv[image], depth[image], triangles, inverse, cull, ids[image], nearest[image])


@kernel
def barycentrics_of_images(
    first: int, last: int, uv: Array, triangles: Array, ids: Array, barycentrics: Array
) -> None:
    """Fill the affine ``barycentrics`` (B, H, W, 3) of the triangles that ``ids`` names."""
    for image in range(first, last):
        corners = uv[image]
        for row in range(ids.shape[1]):
            for column in range(ids.shape[2]):
                triangle = ids[image, row, column]
                if triangle < 0:
                    barycentrics[image, row, column] = 0
                    continue
                v0, v1, v2 = triangles[triangle, 0], triangles[triangle, 1], triangles[triangle, 2]
                e0, e1, e2 = edge_functions(
                    (corners[v0, 0], corners[v0, 1]),
                    (corners[v1, 0], corners[v1, 1]),
                    (corners[v2, 0], corners[v2, 1]),
                    corners.dtype.type(column),
                    corners.dtype.type(row),
                )
                area = e0 + e1 + e2
                barycentrics[image, row, column, 0] = e0 / area
                barycentrics[image, row, column, 1] = e1 / area
                barycentrics[image, row, column, 2] = e2 / area


def rasterize_arrays(
    xy: Array,
    depth: Array,
    triangles: Array,
    height: int,
    width: int,
    cull: bool,
    perspective: bool = False,
) -> tuple[Array, Array, Array]:
    """Rasterise one projected mesh of any projection into an image of any size.

    xy: (V, 2) px, x right, y down, pixel centres at integers; depth: (V,) > 0, smaller is nearer;
    triangles: (F, 3) int. ``cull`` drops triangles that are clockwise for the viewer; triangles
    with a depth <= 0 or a NaN are always dropped. ``perspective`` ranks and returns the depth of
    the true plane under a pinhole (1/depth is interpolated); otherwise depth is affine on screen,
    which is exact for parallel projections.

    Returns (ids (H, W) int32, -1 for nothing; affine barycentrics (H, W, 3); depth (H, W), inf
    for nothing), float32, or float64 where ``xy`` is. See `perspective_correct_arrays` for
    barycentrics on the 3D triangle. Raises ValueError if a triangle names a missing vertex.
    """
    real = np.float64 if xy.dtype == np.float64 else np.float32
    uv: Array = np.ascontiguousarray(xy, real)[None]
    depths: Array = np.ascontiguousarray(depth, real)[None]
    if perspective:
        with np.errstate(divide="ignore"):
            depths = 1 / depths
    corners = np.ascontiguousarray(triangles, np.int32)
    _check_indices(corners, min(len(xy), len(depth)))
    ids = np.empty((1, height, width), np.int32)
    nearest = np.empty((1, height, width), uv.dtype)
    barycentrics = np.empty((1, height, width, 3), uv.dtype)
    rasterize_images(0, 1, uv, depths, corners, perspective, cull, ids, nearest)
    barycentrics_of_images(0, 1, uv, corners, ids, barycentrics)
    if perspective:
        seen = ids >= 0
        nearest[seen] = -1 / nearest[seen]
    return ids[0], barycentrics[0], nearest[0]


def _check_indices(triangles: Array, count: int) -> None:
    """Raise ValueError for triangles of missing vertices; kernels would read out of bounds."""
    if triangles.size and (triangles.min() < 0 or triangles.max() >= count):
        raise ValueError(f"A triangle names a vertex outside 0..{count - 1}.")


def perspective_correct_arrays(
    ids: Array, barycentrics: Array, depth: Array, triangles: Array
) -> Array:
    """Barycentrics on the 3D triangles from the affine ones of `rasterize_arrays`.

    ids (H, W), barycentrics (H, W, 3), depth (V,) of the vertices, triangles (F, 3). Returns
    (H, W, 3), zero where nothing is seen.
    """
    result = np.zeros_like(barycentrics)
    seen = ids >= 0
    weights = barycentrics[seen] / depth[triangles[ids[seen]]]
    result[seen] = weights / weights.sum(-1, keepdims=True)
    return result


class NumbaRasterizer:
    """`Rasterizer` on the CPU; images of the batch are shared out over torch's threads."""

    def __init__(self, cull_backfaces: bool = True) -> None:
        self.cull_backfaces = cull_backfaces

    @torch.no_grad()
    def __call__(
        self, camera_vertices: Tensor, uv: Tensor, triangles: Tensor, image_size: int
    ) -> Fragments:
        """See `Rasterizer`. Tensors of other devices are copied to the CPU and back."""
        screen = uv.detach().cpu().contiguous().numpy()
        inverse_depth = (1 / camera_vertices.detach()[..., 2]).cpu().numpy()
        corners = triangles.cpu().to(torch.int32).contiguous().numpy()
        _check_indices(corners, screen.shape[1])
        shape = (len(screen), image_size, image_size)
        ids, nearest = np.empty(shape, np.int32), np.empty(shape, screen.dtype)
        barycentrics = np.empty((*shape, 3), screen.dtype)

        def draw(first: int, last: int) -> None:
            cull = self.cull_backfaces
            rasterize_images(first, last, screen, inverse_depth, corners, True, cull, ids, nearest)
            barycentrics_of_images(first, last, screen, corners, ids, barycentrics)

        over_images(draw, len(screen))
        return Fragments(
            torch.from_numpy(ids).to(uv.device), torch.from_numpy(barycentrics).to(uv.device)
        )
