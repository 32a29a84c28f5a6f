"""One-pass kernels of the diagnosis, so that it costs a few milliseconds on a large mesh."""

from __future__ import annotations

from typing import Any

import numpy as np

from focsbench.jit import helper, kernel
from focsbench.types import BoolArray, FloatArray, IntArray

# Height over longest edge below which a triangle counts as having no area: the rounding of
# float32 coordinates.
_FLAT = 1e-7


@helper
def _mixed(value: Any) -> Any:
    """Spread the bits of a uint64 (the finaliser of splitmix64, Steele et al., OOPSLA 2014)."""
    value ^= value >> np.uint64(30)
    value *= np.uint64(0xBF58476D1CE4E5B9)
    value ^= value >> np.uint64(27)
    value *= np.uint64(0x94D049BB133111EB)
    return value ^ (value >> np.uint64(31))


@kernel
def position_hashes(bits: IntArray) -> IntArray:
    """Hash each position: (V, 3) uint64 bit patterns of the coordinates to (V,) uint64."""
    hashes = np.empty(len(bits), np.uint64)
    for i in range(len(bits)):
        value = _mixed(bits[i, 0] + np.uint64(0x9E3779B97F4A7C15))
        value = _mixed(value ^ bits[i, 1])
        hashes[i] = _mixed(value ^ bits[i, 2])
    return hashes


@kernel
def count_duplicates(hashes: IntArray, triangles: IntArray) -> int:
    """Count triangles with the same three positions as an earlier one, in any order.

    Args:
        hashes: (V,) uint64 of :func:`position_hashes`. Sixty-four bits are taken as equality.
        triangles: (F, 3).
    """
    size = 16
    while size < 2 * len(triangles):
        size *= 2
    table = np.zeros(size, np.uint64)  # zero marks a free place
    found = 0
    for f in range(len(triangles)):
        a, b, c = hashes[triangles[f, 0]], hashes[triangles[f, 1]], hashes[triangles[f, 2]]
        key = _mixed(a + b + c) ^ (a ^ b ^ c)
        if key == np.uint64(0):
            key = np.uint64(1)
        place = int(key >> np.uint64(11)) % size
        while table[place] != np.uint64(0) and table[place] != key:
            place = (place + 1) % size
        if table[place] == key:
            found += 1
        table[place] = key
    return found


@kernel
def first_of_position(hashes: IntArray) -> IntArray:
    """Return (V,) the first vertex with the same position hash as each."""
    size = 16
    while size < 2 * len(hashes):
        size *= 2
    table = np.full(size, -1, np.int64)
    first = np.empty(len(hashes), np.int64)
    for v in range(len(hashes)):
        place = int(hashes[v] >> np.uint64(11)) % size
        while table[place] >= 0 and hashes[table[place]] != hashes[v]:
            place = (place + 1) % size
        if table[place] < 0:
            table[place] = v
        first[v] = table[place]
    return first


@kernel
def touches_border(hashes: IntArray, triangles: IntArray, asked: IntArray) -> BoolArray:
    """Mark the asked triangles that have a vertex on the border of the surface.

    Around an inner vertex each neighbour belongs to two triangles, so the neighbours' hashes
    cancel in an exclusive or; at a border two neighbours remain. The winding does not matter.

    Args:
        hashes: (V,) uint64, different for each vertex.
        triangles: (F, 3), vertices of the same position being one.
        asked: (N,) triangle numbers.
    """
    link = np.zeros(len(hashes), np.uint64)
    for f in range(len(triangles)):
        a, b, c = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        if a != b and b != c and c != a:
            link[a] ^= hashes[b] ^ hashes[c]
            link[b] ^= hashes[c] ^ hashes[a]
            link[c] ^= hashes[a] ^ hashes[b]
    marked = np.zeros(len(asked), np.bool_)
    for n in range(len(asked)):
        for corner in range(3):
            if link[triangles[asked[n], corner]] != np.uint64(0):
                marked[n] = True
    return marked


@kernel
def inspect_triangles(vertices: FloatArray, triangles: IntArray) -> tuple[int, BoolArray]:
    """Count triangles without area, and mark the (V,) vertices that a triangle uses."""
    used = np.zeros(len(vertices), np.bool_)
    flat = 0
    for f in range(len(triangles)):
        i, j, k = triangles[f, 0], triangles[f, 1], triangles[f, 2]
        used[i] = used[j] = used[k] = True
        ux, uy, uz = (
            vertices[j, 0] - vertices[i, 0],
            vertices[j, 1] - vertices[i, 1],
            vertices[j, 2] - vertices[i, 2],
        )
        vx, vy, vz = (
            vertices[k, 0] - vertices[i, 0],
            vertices[k, 1] - vertices[i, 1],
            vertices[k, 2] - vertices[i, 2],
        )
        wx, wy, wz = vx - ux, vy - uy, vz - uz
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        longest = max(
            ux * ux + uy * uy + uz * uz, vx * vx + vy * vy + vz * vz, wx * wx + wy * wy + wz * wz
        )
        if np.sqrt(nx * nx + ny * ny + nz * nz) <= _FLAT * longest:
            flat += 1
    return flat, used


@kernel
def vertex_distances(
    vertices: FloatArray, used: BoolArray, points: FloatArray
) -> tuple[FloatArray, float]:
    """Distance of each of (P, 3) points to the nearest used vertex, and of the farthest vertex.

    The second is the largest distance of a used vertex from the first point.
    """
    nearest = np.full(len(points), np.inf)
    farthest = 0.0
    for i in range(len(vertices)):
        if not used[i]:
            continue
        for p in range(len(points)):
            x = vertices[i, 0] - points[p, 0]
            y = vertices[i, 1] - points[p, 1]
            z = vertices[i, 2] - points[p, 2]
            squared = x * x + y * y + z * z
            nearest[p] = min(nearest[p], squared)
            if p == 0:
                farthest = max(farthest, squared)
    return np.sqrt(nearest), np.sqrt(farthest)


@kernel
def component_sizes(triangles: IntArray, n_vertices: int, asked: IntArray) -> IntArray:
    """Count the triangles in the connected piece that holds each asked triangle.

    Args:
        triangles: (F, 3) indices below ``n_vertices``. Two are connected if they share a vertex.
        asked: (N,) triangle numbers.

    Returns:
        (N,) counts.
    """
    parent = np.arange(n_vertices)  # never above the vertex itself, so one pass flattens it
    for f in range(len(triangles)):
        a = triangles[f, 0]
        if parent[a] == parent[triangles[f, 1]] and parent[a] == parent[triangles[f, 2]]:
            continue
        while parent[a] != a:
            parent[a] = parent[parent[a]]
            a = parent[a]
        for corner in range(1, 3):
            b = triangles[f, corner]
            while parent[b] != b:
                parent[b] = parent[parent[b]]
                b = parent[b]
            parent[max(a, b)] = min(a, b)
            a = min(a, b)
    for v in range(n_vertices):
        parent[v] = parent[parent[v]]
    counts = np.zeros(n_vertices, np.int64)
    for f in range(len(triangles)):
        counts[parent[triangles[f, 0]]] += 1
    sizes = np.empty(len(asked), np.int64)
    for n in range(len(asked)):
        sizes[n] = counts[parent[triangles[asked[n], 0]]]
    return sizes


@kernel
def protrusion(
    vertices: FloatArray, point: FloatArray, direction: FloatArray, radius: float
) -> float:
    """How far the vertices within ``radius`` of a point stand out over it along a unit vector.

    Minus infinity if there are none.
    """
    best = -np.inf
    for i in range(len(vertices)):
        x, y, z = vertices[i, 0] - point[0], vertices[i, 1] - point[1], vertices[i, 2] - point[2]
        if x * x + y * y + z * z < radius * radius:
            best = max(best, x * direction[0] + y * direction[1] + z * direction[2])
    return best


@kernel
def front_profile(
    vertices: FloatArray,
    triangles: IntArray,
    frame: FloatArray,
    origin: FloatArray,
    step: float,
    count: int,
    back: float,
) -> FloatArray:
    """Depth of the foremost surface along the middle of a face.

    The mesh is cut with the plane through ``origin`` that holds the second and third axis.

    Args:
        vertices, triangles: (V, 3), (F, 3).
        frame: (3, 3) rows: to the side, up, to the front; orthonormal.
        origin: (3,) where the profile starts.
        step, count: the profile has ``count`` samples, going down by ``step`` each.
        back: surface below this depth does not count.

    Returns:
        (count,) depth over the origin, -inf where there is no surface.
    """
    local = np.empty_like(vertices)
    for i in range(len(vertices)):
        for k in range(3):
            local[i, k] = (
                (vertices[i, 0] - origin[0]) * frame[k, 0]
                + (vertices[i, 1] - origin[1]) * frame[k, 1]
                + (vertices[i, 2] - origin[2]) * frame[k, 2]
            )
    depth = np.full(count, -np.inf)
    for f in range(len(triangles)):
        right = 0
        for corner in range(3):
            right += local[triangles[f, corner], 0] > 0
        if right in (0, 3):
            continue
        ends = np.empty((2, 2))
        found = 0
        for corner in range(3):
            a, b = local[triangles[f, corner]], local[triangles[f, (corner + 1) % 3]]
            if (a[0] > 0) != (b[0] > 0) and found < 2:
                share = a[0] / (a[0] - b[0])
                ends[found, 0] = -(a[1] + share * (b[1] - a[1]))  # downwards
                ends[found, 1] = a[2] + share * (b[2] - a[2])
                found += 1
        lower, upper = min(ends[0, 0], ends[1, 0]), max(ends[0, 0], ends[1, 0])
        if min(ends[0, 1], ends[1, 1]) < back or upper < 0 or lower > step * count:
            continue
        run = ends[1, 0] - ends[0, 0]
        for sample in range(max(0, int(np.ceil(lower / step))), count):
            at = sample * step
            if at > upper:
                break
            share = 0.0 if run == 0 else (at - ends[0, 0]) / run
            z = ends[0, 1] + share * (ends[1, 1] - ends[0, 1])
            depth[sample] = max(depth[sample], z)
    return depth
