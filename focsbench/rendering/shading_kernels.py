"""Vertex normals and light of the fused CPU path, forward and backward.

`normals` and `spherical_harmonics` say the same readably.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.jit import helper, kernel
from focsbench.rendering.normals import SMALLEST_AREA
from focsbench.rendering.spherical_harmonics import AMBIENT, Y0, Y1, Y2, Y20, Y22

Array = NDArray[Any]
Triple = tuple[float, float, float]


@helper
def edges(points: Array, v0: int, v1: int, v2: int) -> tuple[Triple, Triple]:
    """The edges from the first corner to the second and to the third."""
    x, y, z = points[v0, 0], points[v0, 1], points[v0, 2]
    return (
        (points[v1, 0] - x, points[v1, 1] - y, points[v1, 2] - z),
        (points[v2, 0] - x, points[v2, 1] - y, points[v2, 2] - z),
    )


@helper
def cross(a: Triple, b: Triple) -> Triple:
    """Cross product."""
    return a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]


@helper
def add(values: Array, index: int, addend: Triple) -> None:
    """Add to one row of (V, 3)."""
    values[index, 0] += addend[0]
    values[index, 1] += addend[1]
    values[index, 2] += addend[2]


@helper
def vertex_normals(points: Array, triangles: Array, normals: Array, lengths: Array) -> None:
    """Fill unit normals (V, 3) and lengths (V,) of the sums they come from, inf if undefined."""
    normals[:] = 0
    for f in range(len(triangles)):
        v0, v1, v2 = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        a, b = edges(points, v0, v1, v2)
        n = cross(a, b)
        add(normals, v0, n)
        add(normals, v1, n)
        add(normals, v2, n)
    for v in range(len(normals)):
        x, y, z = normals[v, 0], normals[v, 1], normals[v, 2]
        length = math.sqrt(x * x + y * y + z * z)
        # Dividing by inf makes the normal, and below its gradient, zero.
        lengths[v] = length if length > SMALLEST_AREA else np.inf
        normals[v, 0], normals[v, 1], normals[v, 2] = x / lengths[v], y / lengths[v], z / lengths[v]


@helper
def vertex_normals_backward(
    points: Array,
    triangles: Array,
    normals: Array,
    lengths: Array,
    grad_normals: Array,
    grad_points: Array,
) -> None:
    """Fill the gradient of the points; overwrites grad_normals with that of the sums."""
    for v in range(len(normals)):
        x, y, z, length = normals[v, 0], normals[v, 1], normals[v, 2], lengths[v]
        gx, gy, gz = grad_normals[v, 0], grad_normals[v, 1], grad_normals[v, 2]
        along = x * gx + y * gy + z * gz
        grad_normals[v, 0] = (gx - along * x) / length
        grad_normals[v, 1] = (gy - along * y) / length
        grad_normals[v, 2] = (gz - along * z) / length
    grad_points[:] = 0
    for f in range(len(triangles)):
        v0, v1, v2 = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        g = (
            grad_normals[v0, 0] + grad_normals[v1, 0] + grad_normals[v2, 0],
            grad_normals[v0, 1] + grad_normals[v1, 1] + grad_normals[v2, 1],
            grad_normals[v0, 2] + grad_normals[v1, 2] + grad_normals[v2, 2],
        )
        a, b = edges(points, v0, v1, v2)
        grad_a, grad_b = cross(b, g), cross(g, a)
        add(grad_points, v1, grad_a)
        add(grad_points, v2, grad_b)
        grad_points[v0, 0] -= grad_a[0] + grad_b[0]
        grad_points[v0, 1] -= grad_a[1] + grad_b[1]
        grad_points[v0, 2] -= grad_a[2] + grad_b[2]


@helper
def light_polynomial(light: Array) -> Array:
    """Light of one channel (9,) as a polynomial: 1, x, y, z, xy, yz, xz, z^2, x^2 - y^2."""
    p = np.empty(9, light.dtype)
    p[0] = Y0 * (light[0] + AMBIENT) - Y20 * light[6]
    p[1], p[2], p[3] = -Y1 * light[3], -Y1 * light[1], Y1 * light[2]
    p[4], p[5], p[6] = Y2 * light[4], -Y2 * light[5], -Y2 * light[7]
    p[7], p[8] = 3 * Y20 * light[6], Y22 * light[8]
    return p


@helper
def light_polynomial_backward(moments: Array, grad_light: Array) -> None:
    """Gradient of the light (9,) from that of the polynomial's coefficients."""
    m = moments
    grad_light[0] = Y0 * m[0]
    grad_light[1], grad_light[2], grad_light[3] = -Y1 * m[2], Y1 * m[3], -Y1 * m[1]
    grad_light[4], grad_light[5], grad_light[7] = Y2 * m[4], -Y2 * m[5], -Y2 * m[6]
    grad_light[6] = Y20 * (3 * m[7] - m[0])
    grad_light[8] = Y22 * m[8]


@helper
def illuminate(p: Array, x: float, y: float, z: float) -> float:
    """Value of a light polynomial in one direction."""
    value: float = (
        p[0]
        + x * (p[1] + p[4] * y + p[6] * z + p[8] * x)
        + y * (p[2] + p[5] * z - p[8] * y)
        + z * (p[3] + p[7] * z)
    )
    return value


@helper
def shade_channel(
    normals: Array, albedo: Array, light: Array, channel: int, colours: Array
) -> None:
    """Fill one channel of the colours (V, 3) of one image."""
    p = light_polynomial(light[9 * channel : 9 * channel + 9])
    for v in range(len(normals)):
        value = illuminate(p, normals[v, 0], normals[v, 1], normals[v, 2])
        colours[v, channel] = albedo[v, channel] * value


@helper
def shade_channel_backward(
    normals: Array,
    albedo: Array,
    light: Array,
    channel: int,
    grad_corners: Array,
    grad_albedo: Array,
    grad_normals: Array,
    grad_light: Array,
) -> None:
    """Fill one channel of the gradients of albedo and light; add to that of the normals."""
    p = light_polynomial(light[9 * channel : 9 * channel + 9])
    moments = np.zeros(9)
    for v in range(len(normals)):
        grad = grad_corners[v, channel]
        if grad == 0:  # hidden vertices
            grad_albedo[v, channel] = 0
            continue
        x, y, z = normals[v, 0], normals[v, 1], normals[v, 2]
        grad_albedo[v, channel] = grad * illuminate(p, x, y, z)
        g = grad * albedo[v, channel]
        gx, gy, gz = g * x, g * y, g * z
        moments[0] += g
        moments[1] += gx
        moments[2] += gy
        moments[3] += gz
        moments[4] += gx * y
        moments[5] += gy * z
        moments[6] += gx * z
        moments[7] += gz * z
        moments[8] += gx * x - gy * y
        grad_normals[v, 0] += g * (p[1] + p[4] * y + p[6] * z) + (gx + gx) * p[8]
        grad_normals[v, 1] += g * (p[2] + p[4] * x + p[5] * z) - (gy + gy) * p[8]
        grad_normals[v, 2] += g * (p[3] + p[5] * y + p[6] * x) + (gz + gz) * p[7]
    light_polynomial_backward(moments, grad_light[9 * channel : 9 * channel + 9])


@kernel
def shade_images(
    first: int,
    last: int,
    camera: Array,
    triangles: Array,
    albedo: Array,
    light: Array,
    normals: Array,
    lengths: Array,
    colours: Array,
) -> None:
    """Fill normals (B, V, 3), lengths (B, V) and colours (B, V, 3) of the images of the range."""
    for image in range(first, last):
        vertex_normals(camera[image], triangles, normals[image], lengths[image])
        for channel in range(3):
            shade_channel(normals[image], albedo[image], light[image], channel, colours[image])


@kernel
def shade_images_backward(
    first: int,
    last: int,
    camera: Array,
    triangles: Array,
    albedo: Array,
    light: Array,
    normals: Array,
    lengths: Array,
    grad_corners: Array,
    grad_camera: Array,
    grad_albedo: Array,
    grad_light: Array,
) -> None:
    """Fill the gradients of camera (B, V, 3), albedo (B, V, 3) and light (B, 27).

    The first three of grad_corners (B, V, 6) are the gradient of the colours.
    """
    grad_normals = np.empty_like(normals[0])
    for image in range(first, last):
        grad_normals[:] = 0
        for channel in range(3):
            shade_channel_backward(
                normals[image],
                albedo[image],
                light[image],
                channel,
                grad_corners[image],
                grad_albedo[image],
                grad_normals,
                grad_light[image],
            )
        vertex_normals_backward(
            camera[image],
            triangles,
            normals[image],
            lengths[image],
            grad_normals,
            grad_camera[image],
        )
