"""Interpolation of vertex colours over the pixels of the fused CPU path, forward and backward.

`rasterize` and `deferred` say the same readably.
"""

from __future__ import annotations

from typing import Any

from numpy.typing import NDArray

from focsbench.jit import helper, kernel

Array = NDArray[Any]
Triple = tuple[float, float, float]


@helper
def barycentrics(uv: Array, v0: int, v1: int, v2: int, x: float, y: float) -> tuple[Triple, float]:
    """Affine barycentrics of a pixel, and 1/area with the area doubled and signed."""
    x0, y0 = uv[v0, 0] - x, uv[v0, 1] - y
    x1, y1 = uv[v1, 0] - x, uv[v1, 1] - y
    x2, y2 = uv[v2, 0] - x, uv[v2, 1] - y
    e0, e1, e2 = x1 * y2 - y1 * x2, x2 * y0 - y2 * x0, x0 * y1 - y0 * x1
    scale = uv.dtype.type(1) / (e0 + e1 + e2)
    return (e0 * scale, e1 * scale, e2 * scale), scale


@helper
def perspective_weights(w: Triple, q: Triple, one: float) -> tuple[Triple, float]:
    """Barycentrics on the 3D triangle from those on screen and 1/depths, and the pixel's depth."""
    w0, w1, w2 = w[0] * q[0], w[1] * q[1], w[2] * q[2]
    depth = one / (w0 + w1 + w2)
    return (w0 * depth, w1 * depth, w2 * depth), depth


@kernel
def interpolate_images(
    first: int,
    last: int,
    uv: Array,
    inverse_depth: Array,
    triangles: Array,
    ids: Array,
    perspective: bool,
    colours: Array,
    image: Array,
) -> None:
    """Fill the image (B, 3, S, S) with the colours (B, V, 3) of the visible triangles."""
    for b in range(first, last):
        image[b] = 0
        p, q, c = uv[b], inverse_depth[b], colours[b]
        for row in range(ids.shape[1]):
            for column in range(ids.shape[2]):
                f = ids[b, row, column]
                if f < 0:
                    continue
                v0, v1, v2 = triangles[f, 0], triangles[f, 1], triangles[f, 2]
                x, y = uv.dtype.type(column), uv.dtype.type(row)
                w, _ = barycentrics(p, v0, v1, v2, x, y)
                if perspective:
                    w, _ = perspective_weights(w, (q[v0], q[v1], q[v2]), uv.dtype.type(1))
                for k in range(3):
                    value = w[0] * c[v0, k] + w[1] * c[v1, k] + w[2] * c[v2, k]
                    image[b, k, row, column] = value


@helper
def add_to_corner(
    grad_corners: Array,
    v: int,
    colour_weight: float,
    g: Triple,
    grad_inverse_depth: float,
    w: float,
    slope_x: float,
    slope_y: float,
) -> None:
    """Add one pixel's gradient to one corner; the six numbers of a vertex share a cache line."""
    grad_corners[v, 0] += colour_weight * g[0]
    grad_corners[v, 1] += colour_weight * g[1]
    grad_corners[v, 2] += colour_weight * g[2]
    grad_corners[v, 3] += grad_inverse_depth
    # Moving a corner shifts the affine function that the barycentrics span by the corner's own
    # barycentric: the gradient is minus that weight times the function's slope.
    grad_corners[v, 4] -= w * slope_x
    grad_corners[v, 5] -= w * slope_y


@helper
def interpolate_pixel_backward(
    p: Array,
    q: Array,
    c: Array,
    v0: int,
    v1: int,
    v2: int,
    x: float,
    y: float,
    perspective: bool,
    g: Triple,
    grad_corners: Array,
) -> None:
    """Add what one pixel with colour gradient g passes on to the corners of its triangle."""
    w, scale = barycentrics(p, v0, v1, v2, x, y)
    # Gradient of the weights that mix the colours.
    g0 = g[0] * c[v0, 0] + g[1] * c[v0, 1] + g[2] * c[v0, 2]
    g1 = g[0] * c[v1, 0] + g[1] * c[v1, 1] + g[2] * c[v1, 2]
    g2 = g[0] * c[v2, 0] + g[1] * c[v2, 1] + g[2] * c[v2, 2]
    weights = w
    near0 = near1 = near2 = p.dtype.type(0)
    if perspective:
        weights, depth = perspective_weights(w, (q[v0], q[v1], q[v2]), p.dtype.type(1))
        mean = weights[0] * g0 + weights[1] * g1 + weights[2] * g2
        g0, g1, g2 = (g0 - mean) * depth, (g1 - mean) * depth, (g2 - mean) * depth
        near0, near1, near2 = g0 * w[0], g1 * w[1], g2 * w[2]
        g0, g1, g2 = g0 * q[v0], g1 * q[v1], g2 * q[v2]
    x0, y0, x1, y1, x2, y2 = p[v0, 0], p[v0, 1], p[v1, 0], p[v1, 1], p[v2, 0], p[v2, 1]
    slope_x = (g0 * (y1 - y2) + g1 * (y2 - y0) + g2 * (y0 - y1)) * scale
    slope_y = (g0 * (x2 - x1) + g1 * (x0 - x2) + g2 * (x1 - x0)) * scale
    add_to_corner(grad_corners, v0, weights[0], g, near0, w[0], slope_x, slope_y)
    add_to_corner(grad_corners, v1, weights[1], g, near1, w[1], slope_x, slope_y)
    add_to_corner(grad_corners, v2, weights[2], g, near2, w[2], slope_x, slope_y)


@kernel
def interpolate_images_backward(
    first: int,
    last: int,
    uv: Array,
    inverse_depth: Array,
    triangles: Array,
    ids: Array,
    perspective: bool,
    colours: Array,
    grad_image: Array,
    grad_corners: Array,
) -> None:
    """Fill grad_corners (B, V, 6): the gradients of colour (3), 1/depth (1) and uv (2)."""
    for b in range(first, last):
        grad_corners[b] = 0
        p, q, c, gradients = uv[b], inverse_depth[b], colours[b], grad_corners[b]
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
                interpolate_pixel_backward(p, q, c, v0, v1, v2, x, y, perspective, g, gradients)
