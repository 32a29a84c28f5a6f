"""Deferred shading: from triangle ids and barycentrics to colours, one kernel per pixel.

The look goes beyond the fitted model on purpose (textures, highlights, cast shadows, light that
creeps around the terminator of skin), so that a perfect fit of that model leaves a residual.
"""

from __future__ import annotations

import numpy as np

from focsbench.data.synthetic.lighting import Lighting
from focsbench.data.synthetic.surfaces import PackedScene
from focsbench.data.synthetic.textures import texture_bank
from focsbench.rendering.jit import kernel
from focsbench.types import FloatArray, IntArray


@kernel
def texel(textures: FloatArray, index: int, u: float, v: float) -> float:
    """Bilinear lookup in a periodic texture; u and v count tiles."""
    size = textures.shape[1]
    x = (u - np.floor(u)) * size
    y = (v - np.floor(v)) * size
    x0 = int(x) % size
    y0 = int(y) % size
    x1 = (x0 + 1) % size
    y1 = (y0 + 1) % size
    fx = x - int(x)
    fy = y - int(y)
    top = textures[index, y0, x0] * (1 - fx) + textures[index, y0, x1] * fx
    bottom = textures[index, y1, x0] * (1 - fx) + textures[index, y1, x1] * fx
    return top * (1 - fy) + bottom * fy


@kernel
def lit_share(
    depth: FloatArray, matrix: FloatArray, x: float, y: float, z: float, spread: float, bias: float
) -> float:
    """Share of 3 x 3 shadow-map samples around a point that nothing hides."""
    size = depth.shape[0]
    column = matrix[0, 0] * x + matrix[0, 1] * y + matrix[0, 2] * z + matrix[0, 3]
    row = matrix[1, 0] * x + matrix[1, 1] * y + matrix[1, 2] * z + matrix[1, 3]
    own = matrix[2, 0] * x + matrix[2, 1] * y + matrix[2, 2] * z + matrix[2, 3] - bias
    lit = 0.0
    for i in range(-1, 2):
        for j in range(-1, 2):
            cx = column + j * spread
            cy = row + i * spread
            c = int(np.floor(cx))
            r = int(np.floor(cy))
            if c < 0 or r < 0 or c >= size - 1 or r >= size - 1:
                lit += 1.0
                continue
            fx = cx - c
            fy = cy - r
            lit += (
                (depth[r, c] > own) * (1 - fx) * (1 - fy)
                + (depth[r, c + 1] > own) * fx * (1 - fy)
                + (depth[r + 1, c] > own) * (1 - fx) * fy
                + (depth[r + 1, c + 1] > own) * fx * fy
            )
    return lit / 9.0


@kernel
def shade_pixels(
    ids: IntArray,
    barycentrics: FloatArray,
    vertices: FloatArray,
    normals: FloatArray,
    colour: FloatArray,
    uv: FloatArray,
    highlight: FloatArray,
    triangles: IntArray,
    triangle_material: IntArray,
    materials: FloatArray,
    textures: FloatArray,
    ambient: FloatArray,
    directions: FloatArray,
    light_colours: FloatArray,
    shadow: float,
    sky_share: float,
    softness: float,
    shadow_depth: FloatArray,
    shadow_matrices: FloatArray,
    painted: FloatArray,
    out: FloatArray,
) -> None:
    """Fill ``out`` (H, W, 3) float32 where ids >= 0; other pixels keep their value.

    ``painted`` (H, W, 3) overrides the interpolated vertex colour where it is not negative.
    """
    height, width = ids.shape
    for row in range(height):
        for column in range(width):
            f = ids[row, column]
            if f < 0:
                continue
            i0, i1, i2 = triangles[f]
            # perspective-correct weights
            w0 = barycentrics[row, column, 0] / vertices[i0, 2]
            w1 = barycentrics[row, column, 1] / vertices[i1, 2]
            w2 = barycentrics[row, column, 2] / vertices[i2, 2]
            total = w0 + w1 + w2
            w0 /= total
            w1 /= total
            w2 /= total
            x = w0 * vertices[i0, 0] + w1 * vertices[i1, 0] + w2 * vertices[i2, 0]
            y = w0 * vertices[i0, 1] + w1 * vertices[i1, 1] + w2 * vertices[i2, 1]
            z = w0 * vertices[i0, 2] + w1 * vertices[i1, 2] + w2 * vertices[i2, 2]
            nx = w0 * normals[i0, 0] + w1 * normals[i1, 0] + w2 * normals[i2, 0]
            ny = w0 * normals[i0, 1] + w1 * normals[i1, 1] + w2 * normals[i2, 1]
            nz = w0 * normals[i0, 2] + w1 * normals[i1, 2] + w2 * normals[i2, 2]
            length = np.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9
            # both sides of a sheet are lit: the normal always looks at the viewer
            distance = np.sqrt(x * x + y * y + z * z)
            vx, vy, vz = -x / distance, -y / distance, -z / distance
            facing = (nx * vx + ny * vy + nz * vz) / length
            if facing < 0:
                length = -length
                facing = -facing
            nx /= length
            ny /= length
            nz /= length
            m = materials[triangle_material[f]]
            u = (w0 * uv[i0, 0] + w1 * uv[i1, 0] + w2 * uv[i2, 0]) * m[1]
            v = (w0 * uv[i0, 1] + w1 * uv[i1, 1] + w2 * uv[i2, 1]) * m[2]
            t = texel(textures, int(m[0]), u, v)
            relief = 1.0
            if m[8] != 0.0:
                relief += m[8] * (t - texel(textures, int(m[0]), u + 0.012, v + 0.012))
            relief *= 1.0 + m[7] * (t - 0.5)
            sky = lit_share(
                shadow_depth[1], shadow_matrices[1], x, y, z, 2.5 * softness, 4.0 + 3.0 * softness
            )
            open_sky = 1.0 - sky_share * (1.0 - sky)
            key = 1.0 - shadow * (
                1.0
                - lit_share(
                    shadow_depth[0], shadow_matrices[0], x, y, z, softness, 3.0 + 2.0 * softness
                )
            )
            cos_key = nx * directions[0, 0] + ny * directions[0, 1] + nz * directions[0, 2]
            cos_fill = nx * directions[2, 0] + ny * directions[2, 1] + nz * directions[2, 2]
            gloss = m[9] * (w0 * highlight[i0] + w1 * highlight[i1] + w2 * highlight[i2])
            spark_key = 0.0
            spark_fill = 0.0
            if gloss > 0.0:
                hx, hy, hz = directions[0, 0] + vx, directions[0, 1] + vy, directions[0, 2] + vz
                cosine = (nx * hx + ny * hy + nz * hz) / (
                    np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
                )
                if cosine > 0.0 and cos_key > 0.0:
                    spark_key = gloss * key * cosine ** m[10]
                hx, hy, hz = directions[2, 0] + vx, directions[2, 1] + vy, directions[2, 2] + vz
                cosine = (nx * hx + ny * hy + nz * hz) / (
                    np.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9
                )
                if cosine > 0.0 and cos_fill > 0.0:
                    spark_fill = gloss * cosine ** m[10]
            rim = 1.0 + m[14] * (1.0 - facing) ** 3
            for c in range(3):
                surrounding = (
                    ambient[0, c]
                    + ambient[1, c] * nx
                    + ambient[2, c] * ny
                    + ambient[3, c] * nz
                    + ambient[4, c] * nx * ny
                    + ambient[5, c] * ny * nz
                    + ambient[6, c] * (3 * nz * nz - 1)
                    + ambient[7, c] * nx * nz
                    + ambient[8, c] * (nx * nx - ny * ny)
                )
                wrap = m[11 + c]
                direct = max(0.0, (cos_key + wrap) / (1.0 + wrap)) * key * light_colours[0, c]
                direct += max(0.0, (cos_fill + wrap) / (1.0 + wrap)) * light_colours[2, c]
                base = painted[row, column, c]
                if base < 0.0:
                    base = w0 * colour[i0, c] + w1 * colour[i1, c] + w2 * colour[i2, c]
                base += m[6] * t * (m[3 + c] - base)
                light = max(surrounding, 0.0) * open_sky + direct
                out[row, column, c] = (
                    base * relief * rim * light
                    + spark_key * light_colours[0, c]
                    + spark_fill * light_colours[2, c]
                )


@kernel
def gather(
    ids: IntArray,
    barycentrics: FloatArray,
    depth: FloatArray,
    triangles: IntArray,
    attributes: FloatArray,
    last: int,
) -> tuple[IntArray, FloatArray]:
    """Interpolate vertex attributes, perspective-correct, where triangles 0 to last - 1 are seen.

    depth: (V,) camera z of the vertices; attributes: (V, K) of the first V vertices.
    Returns flat pixel indices (N,) and values (N, K).
    """
    height, width = ids.shape
    count = 0
    for row in range(height):
        for column in range(width):
            count += 0 <= ids[row, column] < last
    pixels = np.empty(count, dtype=np.int64)
    values = np.empty((count, attributes.shape[1]), dtype=np.float32)
    n = 0
    for row in range(height):
        for column in range(width):
            f = ids[row, column]
            if f < 0 or f >= last:
                continue
            i0, i1, i2 = triangles[f]
            w0 = barycentrics[row, column, 0] / depth[i0]
            w1 = barycentrics[row, column, 1] / depth[i1]
            w2 = barycentrics[row, column, 2] / depth[i2]
            total = w0 + w1 + w2
            for k in range(attributes.shape[1]):
                values[n, k] = (
                    w0 * attributes[i0, k] + w1 * attributes[i1, k] + w2 * attributes[i2, k]
                ) / total
            pixels[n] = row * width + column
            n += 1
    return pixels, values


def shade(
    scene: PackedScene,
    ids: IntArray,
    barycentrics: FloatArray,
    lighting: Lighting,
    shadows: tuple[FloatArray, FloatArray],
    painted: FloatArray | None = None,
) -> FloatArray:
    """Return (H, W, 3) float32 colours, black where ids are -1, unclamped.

    painted: (H, W, 3) float32 albedo that replaces the vertex colours where not negative.
    """
    out = np.zeros((*ids.shape, 3), dtype=np.float32)
    if painted is None:
        painted = np.full_like(out, -1.0)
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
        lighting.ambient.astype(np.float32),
        lighting.directions.astype(np.float32),
        lighting.colours.astype(np.float32),
        np.float32(lighting.shadow),
        np.float32(lighting.sky_share),
        np.float32(lighting.softness),
        shadows[0],
        shadows[1],
        painted,
        out,
    )
    return out
