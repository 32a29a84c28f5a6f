"""Interpolation of vertex colours over the pixels of the fused CPU path, forward and backward.

`rasterize` and `deferred` say the same readably.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from focsbench.rendering.jit import kernel

Array = NDArray[Any]
Triple = tuple[float, float, float]


@kernel
def barycentrics(uv: Array, v0: int, v1: int, v2: int, x: float, y: float) -> tuple[Triple, float]:
    """Affine barycentrics of a pixel and the doubled signed area of the triangle."""
    x0, y0 = uv[v0, 0] - x, uv[v0, 1] - y
    x1, y1 = uv[v1, 0] - x, uv[v1, 1] - y
    x2, y2 = uv[v2, 0] - x, uv[v2, 1] - y
    e0, e1, e2 = x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1
    area = e0 + e1 + e2
    return (e0 / area, e1 / area, e2 / area), area


@kernel
def perspective_weights(w: Triple, z: Triple) -> tuple[Triple, float]:
    """Barycentrics on the 3D triangle, and 1/depth of the pixel."""
    q0, q1, q2 = w[0] / z[0], w[1] / z[1], w[2] / z[2]
    q = q0 + q1 + q2
    return (q0 / q, q1 / q, q2 / q), q


@kernel
def interpolate_images(
    first: int,
    last: int,
    uv: Array,
    depth: Array,
    triangles: Array,
    ids: Array,
    perspective: bool,
    colours: Array,
    image: Array,
) -> None:
    """Fill the image (B, 3, S, S) with the colours (B, V, 3) of the visible triangles."""
    for b in range(first, last):
        image[b] = 0
        p, d, c = uv[b], depth[b], colours[b]
        for row in range(ids.shape[1]):
            for column in range(ids.shape[2]):
                f = ids[b, row, column]
                if f < 0:
                    continue
                v0, v1, v2 = triangles[f, 0], triangles[f, 1], triangles[f, 2]
                x, y = uv.dtype.type(column), uv.dtype.type(row)
                w, _ = barycentrics(p, v0, v1, v2, x, y)
                if perspective:
                    w, _ = perspective_weights(w, (d[v0], d[v1], d[v2]))
                for k in range(3):
                    value = w[0] * c[v0, k] + w[1] * c[v1, k] + w[2] * c[v2, k]
                    image[b, k, row, column] = value


@kernel
def add_position_gradient(
    uv: Array, v0: int, v1: int, v2: int, w: Triple, area: float, grad_w: Triple, grad_uv: Array
) -> None:
    """Pass the gradient of one pixel's affine barycentrics on to the three corners.

    Moving a corner shifts the affine function that the barycentrics span under the pixel, by the
    corner's own barycentric: the gradient is minus that weight times the function's slope.
    """
    x0, y0, x1, y1, x2, y2 = uv[v0, 0], uv[v0, 1], uv[v1, 0], uv[v1, 1], uv[v2, 0], uv[v2, 1]
    g0, g1, g2 = grad_w
    slope_x = (g0 * (y1 - y2) + g1 * (y2 - y0) + g2 * (y0 - y1)) / area
    slope_y = (g0 * (x2 - x1) + g1 * (x0 - x2) + g2 * (x1 - x0)) / area
    grad_uv[v0, 0] -= w[0] * slope_x
    grad_uv[v0, 1] -= w[0] * slope_y
    grad_uv[v1, 0] -= w[1] * slope_x
    grad_uv[v1, 1] -= w[1] * slope_y
    grad_uv[v2, 0] -= w[2] * slope_x
    grad_uv[v2, 1] -= w[2] * slope_y


@kernel
def interpolate_pixel_backward(
    p: Array,
    d: Array,
    c: Array,
    v0: int,
    v1: int,
    v2: int,
    x: float,
    y: float,
    perspective: bool,
    g: Triple,
    grad_colours: Array,
    grad_uv: Array,
    grad_depth: Array,
) -> None:
    """Add what one pixel with colour gradient g passes on to the corners of its triangle."""
    w, area = barycentrics(p, v0, v1, v2, x, y)
    z = (d[v0], d[v1], d[v2])
    # Gradient of the weights that mix the colours.
    g0 = g[0] * c[v0, 0] + g[1] * c[v0, 1] + g[2] * c[v0, 2]
    g1 = g[0] * c[v1, 0] + g[1] * c[v1, 1] + g[2] * c[v1, 2]
    g2 = g[0] * c[v2, 0] + g[1] * c[v2, 1] + g[2] * c[v2, 2]
    weights = w
    if perspective:
        weights, q = perspective_weights(w, z)
        mean = weights[0] * g0 + weights[1] * g1 + weights[2] * g2
        g0, g1, g2 = (
            (g0 - mean) / (q * z[0]),
            (g1 - mean) / (q * z[1]),
            (g2 - mean) / (q * z[2]),
        )
        grad_depth[v0] -= g0 * w[0] / z[0]
        grad_depth[v1] -= g1 * w[1] / z[1]
        grad_depth[v2] -= g2 * w[2] / z[2]
    for k in range(3):
        grad_colours[v0, k] += weights[0] * g[k]
        grad_colours[v1, k] += weights[1] * g[k]
        grad_colours[v2, k] += weights[2] * g[k]
    add_position_gradient(p, v0, v1, v2, w, area, (g0, g1, g2), grad_uv)


@kernel
def interpolate_images_backward(
    first: int,
    last: int,
    uv: Array,
    depth: Array,
    triangles: Array,
    ids: Array,
    perspective: bool,
    colours: Array,
    grad_image: Array,
    grad_colours: Array,
    grad_uv: Array,
    grad_depth: Array,
) -> None:
    """Fill the gradients of colours (B, V, 3) and depth (B, V); add to that of uv (B, V, 2)."""
    for b in range(first, last):
        grad_colours[b] = 0
        grad_depth[b] = 0
        p, d, c = uv[b], depth[b], colours[b]
        gc, gp, gd = grad_colours[b], grad_uv[b], grad_depth[b]
        for row in range(ids.shape[1]):
            for column in range(ids.shape[2]):
                f = ids[b, row, column]
                if f < 0:
                    continue
                g = (
                    grad_image[b, 0, row, column],
                    grad_image[b, 1, row, column],
                    grad_image[b, 2, row, column],
                )
                v0, v1, v2 = triangles[f, 0], triangles[f, 1], triangles[f, 2]
                x, y = uv.dtype.type(column), uv.dtype.type(row)
                interpolate_pixel_backward(p, d, c, v0, v1, v2, x, y, perspective, g, gc, gp, gd)
