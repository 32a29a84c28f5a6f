"""Closest points on the triangles of a box tree.

Points are taken in groups of neighbours. Each point first measures a leaf where its closest
triangle is likely, which bounds its distance; one walk down the tree then collects the leaves that
any point of the group could need, and each point measures those of them that its own bound does
not rule out. Rounding is allowed for when a box is ruled out, so the least of all computed
distances is always found: the answer does not depend on the tree, the groups or the first leaf.
"""

from __future__ import annotations

import numpy as np

from focsbench.geometry.bvh import CHILDREN, LEAF
from focsbench.jit import helper, kernel
from focsbench.types import FloatArray, IntArray

GROUP = 16
# The squared distance to a box and to a triangle in it each carry rounding errors, of the order of
# 1e-16 of the squared distance and, for points near the surface, of the coordinates.
_RELATIVE = 1 + 4e-12
_OF_SIZE = 4e-18


@kernel
def closest_points(
    points: FloatArray,
    leaves: FloatArray,
    numbers: IntArray,
    nodes: FloatArray,
    levels: IntArray,
    size: float,
    home: IntArray,
    squared: FloatArray,
    closest: FloatArray,
    triangles: IntArray,
) -> None:
    """Fill the last three arrays for the points (N, 3), which stand in spatial order.

    Args:
        points: the places to search from.
        leaves, numbers, nodes, levels: see :class:`focsbench.geometry.bvh.BoxTree`.
        size: largest coordinate of the mesh.
        home: (N,) a leaf to begin with, -1 if none is known. Becomes the leaf of the answer.
        squared: (N,) squared distances.
        closest: (N, 3) closest points.
        triangles: (N,) triangles that hold them; the first one of equals.
    """
    lanes, gaps = np.zeros(LEAF), np.zeros(CHILDREN)
    box = np.zeros(6)
    found = np.zeros(len(leaves), np.int64)
    boxes = np.zeros((len(leaves) // CHILDREN + 1, 6, CHILDREN))
    stack = np.zeros((2, (len(levels) + 1) * CHILDREN), np.int64)
    extra = _OF_SIZE * size * size
    for first in range(0, len(points), GROUP):
        last = min(first + GROUP, len(points))
        if home[first] < 0:
            home[first:last] = _descend(nodes, levels, points[(first + last) // 2], gaps)
        reach = 0.0
        for p in range(first, last):
            _measure(leaves, home[p], points[p, 0], points[p, 1], points[p, 2], lanes)
            least = _least(lanes)
            squared[p], triangles[p] = least, numbers[home[p], _first(lanes, least)]
            reach = max(reach, least)
        _enclose(points, first, last, box)
        reach = reach * _RELATIVE + extra
        listed = _collect(nodes, levels, box, reach, stack, gaps, found, boxes)
        for p in range(first, last):
            x, y, z = points[p, 0], points[p, 1], points[p, 2]
            begun, bound = home[p], squared[p] * _RELATIVE + extra
            for i in range(listed):
                if i % CHILDREN == 0:
                    _gaps(boxes, i // CHILDREN, x, y, z, x, y, z, gaps)
                if gaps[i % CHILDREN] > bound or found[i] == begun:
                    continue
                _measure(leaves, found[i], x, y, z, lanes)
                least = _least(lanes)
                if least <= squared[p]:
                    number = numbers[found[i], _first(lanes, least)]
                    if least < squared[p] or number < triangles[p]:
                        squared[p], triangles[p], home[p] = least, number, found[i]
                        bound = least * _RELATIVE + extra
            lane = 0
            while numbers[home[p], lane] != triangles[p]:
                lane += 1
            rx, ry, rz, _ = _offset(leaves, home[p], lane, x, y, z)
            closest[p, 0], closest[p, 1], closest[p, 2] = x - rx, y - ry, z - rz


@helper
def _enclose(points: FloatArray, first: int, last: int, box: FloatArray) -> None:
    """The box (lower, upper corner) around the points [first, last)."""
    box[:3] = points[first]
    box[3:] = points[first]
    for p in range(first + 1, last):
        for k in range(3):
            box[k] = min(box[k], points[p, k])
            box[3 + k] = max(box[3 + k], points[p, k])


@helper
def _descend(nodes: FloatArray, levels: IntArray, point: FloatArray, gaps: FloatArray) -> int:
    """A leaf near a point: from the root always into the closest child."""
    x, y, z = point[0], point[1], point[2]
    place = 0
    for level in range(len(levels) - 1, -1, -1):
        _gaps(nodes, levels[level] + place, x, y, z, x, y, z, gaps)
        nearest = 0
        for j in range(1, CHILDREN):
            if gaps[j] < gaps[nearest]:
                nearest = j
        place = place * CHILDREN + nearest
    return place


@helper
def _collect(
    nodes: FloatArray,
    levels: IntArray,
    box: FloatArray,
    reach: float,
    stack: IntArray,
    gaps: FloatArray,
    found: IntArray,
    boxes: FloatArray,
) -> int:
    """Write down the leaves within a squared distance of a box, with their boxes; how many."""
    count = 0
    depth = 1
    stack[0, 0], stack[1, 0] = len(levels) - 1, 0
    while depth > 0:
        depth -= 1
        level, place = stack[0, depth], stack[1, depth]
        node = levels[level] + place
        _gaps(nodes, node, box[0], box[1], box[2], box[3], box[4], box[5], gaps)
        for j in range(CHILDREN):
            if gaps[j] > reach:
                continue
            if level > 0:
                stack[0, depth], stack[1, depth] = level - 1, place * CHILDREN + j
                depth += 1
            else:
                found[count] = place * CHILDREN + j
                for k in range(6):
                    boxes[count // CHILDREN, k, count % CHILDREN] = nodes[node, k, j]
                count += 1
    return count


@helper
def _gaps(
    nodes: FloatArray,
    node: int,
    x0: float,
    y0: float,
    z0: float,
    x1: float,
    y1: float,
    z1: float,
    gaps: FloatArray,
) -> None:
    """Squared distances of the box from (x0, y0, z0) to (x1, y1, z1) to the boxes of a node."""
    for j in range(nodes.shape[2]):
        x = max(max(nodes[node, 0, j] - x1, x0 - nodes[node, 3, j]), 0.0)
        y = max(max(nodes[node, 1, j] - y1, y0 - nodes[node, 4, j]), 0.0)
        z = max(max(nodes[node, 2, j] - z1, z0 - nodes[node, 5, j]), 0.0)
        gaps[j] = x * x + y * y + z * z


@helper
def _measure(
    leaves: FloatArray, leaf: int, x: float, y: float, z: float, lanes: FloatArray
) -> None:
    """Squared distances of a point to the triangles of a leaf."""
    # A length the compiler does not know keeps it from unrolling instead of using vectors.
    for j in range(leaves.shape[2]):
        lanes[j] = _offset(leaves, leaf, j, x, y, z)[3]


@helper
def _least(lanes: FloatArray) -> float:
    """The least of eight, in three rounds."""
    least: float = min(
        min(min(lanes[0], lanes[1]), min(lanes[2], lanes[3])),
        min(min(lanes[4], lanes[5]), min(lanes[6], lanes[7])),
    )
    return least


@helper
def _first(lanes: FloatArray, least: float) -> int:
    """The first triangle of a leaf at the least distance: the one of the lowest number."""
    lane = LEAF - 1
    for j in range(LEAF - 2, -1, -1):
        lane = j if lanes[j] == least else lane
    return lane


@helper
def _offset(
    leaves: FloatArray, leaf: int, j: int, x: float, y: float, z: float
) -> tuple[float, float, float, float]:
    """From the closest point of a triangle to a point: the vector and its squared length.

    The closest point lies on one of the three edges or, where the foot of the perpendicular is
    inside, there. All four are points of the triangle, so the nearest of them is right whatever
    rounding does to their places; a triangle of no area is its longest edge. (Ericson, Real-Time
    Collision Detection, 2005, section 5.1.5, without its branches.)
    """
    x, y, z = x - leaves[leaf, 0, j], y - leaves[leaf, 1, j], z - leaves[leaf, 2, j]
    ux, uy, uz = leaves[leaf, 3, j], leaves[leaf, 4, j], leaves[leaf, 5, j]
    vx, vy, vz = leaves[leaf, 6, j], leaves[leaf, 7, j], leaves[leaf, 8, j]
    uu, uv, vv = leaves[leaf, 9, j], leaves[leaf, 10, j], leaves[leaf, 11, j]
    du = x * ux + y * uy + z * uz
    dv = x * vx + y * vy + z * vz
    pv = 0.0
    pu = min(max(du * leaves[leaf, 12, j], 0.0), 1.0)
    sx, sy, sz = x - pu * ux, y - pu * uy, z - pu * uz
    squared = sx * sx + sy * sy + sz * sz
    t = min(max(dv * leaves[leaf, 13, j], 0.0), 1.0)
    sx, sy, sz = x - t * vx, y - t * vy, z - t * vz
    other = sx * sx + sy * sy + sz * sz
    pu = 0.0 if other < squared else pu
    pv = t if other < squared else pv
    squared = min(other, squared)
    t = min(max((dv - du + uu - uv) * leaves[leaf, 14, j], 0.0), 1.0)
    sx, sy, sz = x - ux - t * (vx - ux), y - uy - t * (vy - uy), z - uz - t * (vz - uz)
    other = sx * sx + sy * sy + sz * sz
    pu = 1.0 - t if other < squared else pu
    pv = t if other < squared else pv
    squared = min(other, squared)
    s = (vv * du - uv * dv) * leaves[leaf, 15, j]
    t = (uu * dv - uv * du) * leaves[leaf, 15, j]
    sx, sy, sz = x - s * ux - t * vx, y - s * uy - t * vy, z - s * uz - t * vz
    other = sx * sx + sy * sy + sz * sz
    other = other if s >= 0.0 else np.inf
    other = other if t >= 0.0 else np.inf
    other = other if s + t <= 1.0 else np.inf
    pu = s if other < squared else pu
    pv = t if other < squared else pv
    return x - pu * ux - pv * vx, y - pu * uy - pv * vy, z - pu * uz - pv * vz, min(other, squared)
