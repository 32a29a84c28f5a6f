"""A bounding-box tree over triangles, laid out so that eight neighbours are one vector operation.

The triangles stand in spatial order, eight to a leaf. Sixteen consecutive leaves share a node,
sixteen consecutive nodes the node above, up to one root; so places are arithmetic.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from focsbench.geometry.spatial_order import spatial_order
from focsbench.jit import kernel
from focsbench.types import FloatArray, IntArray

# Compiled kernels elsewhere hold these numbers: whoever changes one edits bvh_query.py as well, or
# numba goes on using the old one.
LEAF = 8  # triangles of a leaf: one AVX-512 register of doubles
CHILDREN = 16  # leaves or nodes below a node


@dataclass(frozen=True)
class BoxTree:
    """Boxes and prepared triangles of one mesh.

    leaves: (L, 16, 8) float64, of each triangle (a, b, c) of a leaf, with u = b - a, v = c - a:
        a, u, v (three rows each), u'u, u'v, v'v, then 1 / u'u, 1 / v'v, 1 / |c - b|^2 and
        1 / |u x v|^2, which are 0 where they would divide by nothing.
    numbers: (L, 8) the triangles of each leaf, ascending. The last leaf may repeat one.
    nodes: (M, 6, 16) lower and upper corner of the box of every child; children that do not exist
        have an empty box. The lowest level comes first, the root last.
    levels: first node of every level; the children of level 0 are the leaves.
    home: (F,) the leaf that holds each triangle.
    """

    leaves: FloatArray
    numbers: IntArray
    nodes: FloatArray
    levels: IntArray
    home: IntArray


def build_tree(vertices: FloatArray, triangles: IntArray) -> BoxTree:
    """Build the tree of a mesh with (V, 3) float64 vertices and (F, 3) int64 triangles, F >= 1."""
    order = spatial_order(_corner_sums(vertices, triangles), LEAF)
    missing = -len(order) % LEAF
    numbers = np.sort(np.pad(order, (0, missing), mode="edge").reshape(-1, LEAF), axis=1)
    leaves, boxes = _pack(vertices, triangles, numbers)
    levels: list[FloatArray] = []
    while not levels or len(boxes) > 1:
        nodes, boxes = _gather_boxes(boxes)
        levels.append(nodes)
    home = np.zeros(len(triangles), np.int64)
    home[order] = np.arange(len(triangles)) // LEAF
    first = np.cumsum([0, *(len(nodes) for nodes in levels[:-1])])
    return BoxTree(leaves, numbers, np.concatenate(levels), first, home)


@kernel
def _corner_sums(vertices: FloatArray, triangles: IntArray) -> FloatArray:
    """(F, 3) sums of the corners: three times the centroids."""
    sums = np.zeros((len(triangles), 3))
    for f in range(len(triangles)):
        a, b, c = triangles[f]
        for k in range(3):
            sums[f, k] = vertices[a, k] + vertices[b, k] + vertices[c, k]
    return sums


@kernel
def _pack(
    vertices: FloatArray, triangles: IntArray, numbers: IntArray
) -> tuple[FloatArray, FloatArray]:
    """The leaves of the triangles with these numbers (L, 8), and (L, 6) their boxes."""
    leaves = np.zeros((len(numbers), 16, LEAF))
    boxes = np.zeros((len(numbers), 6))
    for i in range(len(numbers)):
        leaf = leaves[i]
        for k in range(3):
            boxes[i, k], boxes[i, 3 + k] = np.inf, -np.inf
        for j in range(LEAF):
            f = numbers[i, j]
            for k in range(3):
                a, b, c = (
                    vertices[triangles[f, 0], k],
                    vertices[triangles[f, 1], k],
                    vertices[triangles[f, 2], k],
                )
                leaf[k, j], leaf[3 + k, j], leaf[6 + k, j] = a, b - a, c - a
                leaf[14, j] += (c - b) * (c - b)
                boxes[i, k] = min(boxes[i, k], a, b, c)
                boxes[i, 3 + k] = max(boxes[i, 3 + k], a, b, c)
        for j in range(LEAF):
            uu = leaf[3, j] ** 2 + leaf[4, j] ** 2 + leaf[5, j] ** 2
            uv = leaf[3, j] * leaf[6, j] + leaf[4, j] * leaf[7, j] + leaf[5, j] * leaf[8, j]
            vv = leaf[6, j] ** 2 + leaf[7, j] ** 2 + leaf[8, j] ** 2
            leaf[9, j], leaf[10, j], leaf[11, j] = uu, uv, vv
            leaf[12, j], leaf[13, j], leaf[15, j] = uu, vv, uu * vv - uv * uv
            for k in range(12, 16):
                leaf[k, j] = 1 / leaf[k, j] if leaf[k, j] > 1e-300 else 0.0
    return leaves, boxes


@kernel
def _gather_boxes(boxes: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Nodes (M, 6, 16) over runs of sixteen boxes (C, 6), and the boxes (M, 6) of the nodes."""
    count = (len(boxes) + CHILDREN - 1) // CHILDREN
    nodes = np.zeros((count, 6, CHILDREN))
    around = np.zeros((count, 6))
    for i in range(count):
        for k in range(3):
            around[i, k], around[i, 3 + k] = np.inf, -np.inf
            for j in range(CHILDREN):
                child = i * CHILDREN + j
                low, high = np.inf, -np.inf
                if child < len(boxes):
                    low, high = boxes[child, k], boxes[child, 3 + k]
                nodes[i, k, j], nodes[i, 3 + k, j] = low, high
                around[i, k] = min(around[i, k], low)
                around[i, 3 + k] = max(around[i, 3 + k], high)
    return nodes, around
