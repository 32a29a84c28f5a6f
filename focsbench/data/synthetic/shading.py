"""Deferred shading: from triangle ids and barycentrics to colours.

The look goes beyond the fitted model on purpose (textures, highlights, cast shadows, light that
creeps around the terminator of skin), so that a perfect fit of that model leaves a residual.
The surrounding light and its slow shadows are computed on vertices, the rest on pixels.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.data.synthetic.lighting import Lighting
from focsbench.data.synthetic.surfaces import PackedScene
from focsbench.data.synthetic.textures import texture_bank
from focsbench.jit import helper, kernel
from focsbench.types import FloatArray, IntArray

Array = NDArray[Any]  # inside kernels, where numba decides about types
# Numba computes float32 with a Python number in double precision, which is slower.
ZERO, HALF, ONE = np.float32(0), np.float32(0.5), np.float32(1)
# Samples of a shadow filter: a square turned by 27 degrees, so that the map's rows do not show.
TAPS = np.array([(-0.315, -0.945), (0.945, -0.315), (-0.945, 0.315), (0.315, 0.945)], np.float32)


@helper
def texel(textures: Array, index: int, u: Any, v: Any) -> Any:
    """Bilinear lookup in a periodic texture of 2**n texels; u and v count tiles."""
    wrap = textures.shape[1] - 1
    size = np.float32(textures.shape[1])
    x, y = u * size, v * size
    floor_x, floor_y = np.floor(x), np.floor(y)
    fx, fy = x - floor_x, y - floor_y
    x0, y0 = int(floor_x) & wrap, int(floor_y) & wrap
    x1, y1 = (x0 + 1) & wrap, (y0 + 1) & wrap
    top = textures[index, y0, x0] * (ONE - fx) + textures[index, y0, x1] * fx
    bottom = textures[index, y1, x0] * (ONE - fx) + textures[index, y1, x1] * fx
    return top * (ONE - fy) + bottom * fy


@helper
def lit_share(depth: Array, matrix: Array, x: Any, y: Any, z: Any, spread: Any, bias: Any) -> Any:
    """Share of four bilinear shadow-map samples around a point that nothing hides."""
    border = np.float32(depth.shape[0] - 1)
    column = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
    row = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
    own = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3] - bias
    lit = ZERO
    for i in range(4):
        cx = column + spread * TAPS[i, 0]
        cy = row + spread * TAPS[i, 1]
        if not (ZERO <= cx < border and ZERO <= cy < border):
            lit += ONE
            continue
        c, r = int(cx), int(cy)
        fx, fy = cx - np.float32(c), cy - np.float32(r)
        if depth[r, c] > own:
            lit += (ONE - fx) * (ONE - fy)
        if depth[r, c + 1] > own:
            lit += fx * (ONE - fy)
        if depth[r + 1, c] > own:
            lit += (ONE - fx) * fy
        if depth[r + 1, c + 1] > own:
            lit += fx * fy
    return lit * np.float32(0.25)


@kernel
def surrounding_light(
    vertices: Array,
    normals: Array,
    ambient: Array,
    sky_share: Any,
    softness: Any,
    sky_depth: Array,
    sky_matrix: Array,
) -> Array:
    """Return (V, 6): light from all around on the outer and on the inner side of a vertex."""
    light = np.empty((len(vertices), 6), dtype=np.float32)
    spread = np.float32(2.5 * softness)
    bias = np.float32(4.0 + 3.0 * softness)
    for i in range(len(vertices)):
        sky = lit_share(
            sky_depth, sky_matrix, vertices[i, 0], vertices[i, 1], vertices[i, 2], spread, bias
        )
        for side in range(2):
            sign = np.float32(1 - 2 * side)
            x, y, z = sign * normals[i, 0], sign * normals[i, 1], sign * normals[i, 2]
            for c in range(3):
                value = (
                    ambient[0, c]
                    + ambient[1, c] * x
                    + ambient[2, c] * y
                    + ambient[3, c] * z
                    + ambient[4, c] * x * y
                    + ambient[5, c] * y * z
                    + ambient[6, c] * (3 * z * z - 1)
                    + ambient[7, c] * x * z
                    + ambient[8, c] * (x * x - y * y)
                )
                light[i, 3 * side + c] = max(value, 0.0) * (1 - sky_share * (1 - sky))
    return light


@helper
def sparkle(cosine: Any, squarings: int) -> Any:
    """Return cosine ** (2 ** squarings), 0 for a negative cosine."""
    value = max(cosine, ZERO)
    for _ in range(squarings):
        value *= value
    return value


@helper
def half_way(n: tuple[Any, Any, Any], light: Array, v: tuple[Any, Any, Any]) -> Any:
    """Cosine between the normal and the direction half-way between light and viewer."""
    hx, hy, hz = light[0] + v[0], light[1] + v[1], light[2] + v[2]
    square = hx * hx + hy * hy + hz * hz + np.float32(1e-9)
    return (n[0] * hx + n[1] * hy + n[2] * hz) / np.sqrt(square)


@kernel
def shade_pixels(
    ids: Array,
    barycentrics: Array,
    vertices: Array,
    normals: Array,
    colour: Array,
    uv: Array,
    highlight: Array,
    triangles: Array,
    triangle_material: Array,
    materials: Array,
    textures: Array,
    surrounding: Array,
    directions: Array,
    light_colours: Array,
    shadow: Any,
    softness: Any,
    key_depth: Array,
    key_matrix: Array,
    painted: Array,
    out: Array,
) -> None:
    """Fill ``out`` (H, W, 3) float32 where ids >= 0; other pixels keep their value.

    ``painted`` (H, W, 3) overrides the interpolated vertex colour where it is not negative.
    Columns of ``materials``: see ``surfaces.Material.row``.
    """
    height, width = ids.shape
    bias = np.float32(3.0 + 2.0 * softness)
    for row in range(height):
        for column in range(width):
            f = ids[row, column]
            if f < 0:
                continue
            i0, i1, i2 = triangles[f, 0], triangles[f, 1], triangles[f, 2]
            # perspective-correct weights
            w0 = barycentrics[row, column, 0] / vertices[i0, 2]
            w1 = barycentrics[row, column, 1] / vertices[i1, 2]
            w2 = barycentrics[row, column, 2] / vertices[i2, 2]
            total = ONE / (w0 + w1 + w2)
            w0 *= total
            w1 *= total
            w2 *= total
            x = w0 * vertices[i0, 0] + w1 * vertices[i1, 0] + w2 * vertices[i2, 0]
            y = w0 * vertices[i0, 1] + w1 * vertices[i1, 1] + w2 * vertices[i2, 1]
            z = w0 * vertices[i0, 2] + w1 * vertices[i1, 2] + w2 * vertices[i2, 2]
            nx = w0 * normals[i0, 0] + w1 * normals[i1, 0] + w2 * normals[i2, 0]
            ny = w0 * normals[i0, 1] + w1 * normals[i1, 1] + w2 * normals[i2, 1]
            nz = w0 * normals[i0, 2] + w1 * normals[i1, 2] + w2 * normals[i2, 2]
            scale = ONE / (np.sqrt(nx * nx + ny * ny + nz * nz) + np.float32(1e-9))
            nearness = ONE / np.sqrt(x * x + y * y + z * z)
            vx, vy, vz = -x * nearness, -y * nearness, -z * nearness
            facing = (nx * vx + ny * vy + nz * vz) * scale
            # Well turned away: this is the inner side of a sheet. A little: a silhouette.
            inner = 0
            if facing < np.float32(-0.25):
                inner = 3
                scale = -scale
                facing = -facing
            nx *= scale
            ny *= scale
            nz *= scale
            m = materials[triangle_material[f]]
            t = ZERO
            relief = ONE
            if m[6] != ZERO or m[7] != ZERO or m[8] != ZERO:
                u = (w0 * uv[i0, 0] + w1 * uv[i1, 0] + w2 * uv[i2, 0]) * m[1]
                v = (w0 * uv[i0, 1] + w1 * uv[i1, 1] + w2 * uv[i2, 1]) * m[2]
                t = texel(textures, int(m[0]), u, v)
                relief += m[7] * (t - HALF)
                if m[8] != ZERO:
                    step = np.float32(0.012)
                    relief += m[8] * (t - texel(textures, int(m[0]), u + step, v + step))
            cos_key = nx * directions[0, 0] + ny * directions[0, 1] + nz * directions[0, 2]
            key = ZERO
            if cos_key + m[11] > ZERO:  # red light creeps farthest
                share = lit_share(key_depth, key_matrix, x, y, z, softness, bias)
                key = ONE - shadow * (ONE - share)
            cos_fill = nx * directions[2, 0] + ny * directions[2, 1] + nz * directions[2, 2]
            gloss = m[9] * (w0 * highlight[i0] + w1 * highlight[i1] + w2 * highlight[i2])
            spark_key, spark_fill = ZERO, ZERO
            if gloss > ZERO:
                n, view = (nx, ny, nz), (vx, vy, vz)
                if cos_key > ZERO:
                    spark_key = gloss * key * sparkle(half_way(n, directions[0], view), int(m[10]))
                if cos_fill > ZERO:
                    spark_fill = gloss * sparkle(half_way(n, directions[2], view), int(m[10]))
            grazing = ONE - max(facing, ZERO)
            relief *= ONE + m[14] * grazing * grazing * grazing
            for c in range(3):
                light = (
                    w0 * surrounding[i0, inner + c]
                    + w1 * surrounding[i1, inner + c]
                    + w2 * surrounding[i2, inner + c]
                )
                wrap, shrink = m[11 + c], m[15 + c]
                light += max(ZERO, (cos_key + wrap) * shrink) * key * light_colours[0, c]
                light += max(ZERO, (cos_fill + wrap) * shrink) * light_colours[2, c]
                base = painted[row, column, c]
                if base < ZERO:
                    base = w0 * colour[i0, c] + w1 * colour[i1, c] + w2 * colour[i2, c]
                base += m[6] * t * (m[3 + c] - base)
                out[row, column, c] = (
                    base * relief * light
                    + spark_key * light_colours[0, c]
                    + spark_fill * light_colours[2, c]
                )


def shade(
    scene: PackedScene,
    ids: IntArray,
    barycentrics: FloatArray,
    lighting: Lighting,
    shadows: tuple[FloatArray, FloatArray],
    painted: FloatArray | None = None,
) -> FloatArray:
    """Return (H, W, 3) float32 colours, black where ids are -1, unclamped.

    shadows: depth maps and matrices of ``lighting.shadow_maps``.
    painted: (H, W, 3) float32 albedo that replaces the vertex colours where not negative.
    """
    out = np.zeros((*ids.shape, 3), dtype=np.float32)
    if painted is None:
        painted = np.full_like(out, -1.0)
    depths, matrices = shadows
    surrounding = surrounding_light(
        scene.vertices,
        scene.normals,
        lighting.ambient.astype(np.float32),
        np.float32(lighting.sky_share),
        np.float32(lighting.softness),
        depths[1],
        matrices[1],
    )
    shade_pixels(
        ids,
        barycentrics,
        scene.vertices,
        scene.normals,
        scene.colour,
        scene.uv,
        scene.highlight,
        scene.triangles,
        scene.triangle_material,
        scene.materials,
        texture_bank(),
        surrounding,
        lighting.directions.astype(np.float32),
        lighting.colours.astype(np.float32),
        np.float32(lighting.shadow),
        np.float32(lighting.softness),
        depths[0],
        matrices[0],
        painted,
        out,
    )
    return out
