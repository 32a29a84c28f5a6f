"""The rasterisers against a pixel-by-pixel oracle in exact arithmetic, and against each other."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from rendering_support import height_field, random_scene

from focsbench.rendering.camera import project, transform
from focsbench.rendering.numba_rasterizer import perspective_correct_arrays, rasterize_arrays
from focsbench.rendering.rasterize import get_rasterizer

HEIGHT, WIDTH = 7, 9
# Eighths are exact in float32, also after the products of the edge functions.
eighths = st.integers(-24, 96).map(lambda value: value / 8)
meshes = st.tuples(
    arrays(np.float32, (7, 2), elements=eighths),
    arrays(np.float32, (7,), elements=st.integers(-4, 400).map(lambda value: value / 4)),
    arrays(np.int32, (5, 3), elements=st.integers(0, 6)),
)


def edge(a, b, p):
    return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])


def hits(xy, depth, triangles, pixel, cull, perspective):
    """Every triangle under a pixel: (depth, id), exact."""
    result = []
    for index, triangle in enumerate(triangles):
        a, b, c = ([Fraction(float(value)) for value in xy[corner]] for corner in triangle)
        depths = [Fraction(float(depth[corner])) for corner in triangle]
        area = edge(a, b, c)
        if area == 0 or (cull and area > 0) or min(depths) <= 0:
            continue
        weights = [edge(b, c, pixel) / area, edge(c, a, pixel) / area, edge(a, b, pixel) / area]
        if min(weights) < 0:
            continue
        if perspective:
            z = 1 / sum(w / d for w, d in zip(weights, depths, strict=True))
        else:
            z = sum(w * d for w, d in zip(weights, depths, strict=True))
        result.append((z, index))
    return sorted(result)


@settings(max_examples=60, deadline=None)
@given(meshes, st.booleans(), st.booleans())
def test_numba_against_exact_arithmetic(mesh, cull, perspective):
    xy, depth, triangles = mesh
    ids, _, nearest = rasterize_arrays(xy, depth, triangles, HEIGHT, WIDTH, cull, perspective)
    for row in range(HEIGHT):
        for column in range(WIDTH):
            found = hits(xy, depth, triangles, (column, row), cull, perspective)
            if not found:
                assert ids[row, column] == -1
                assert nearest[row, column] == np.inf
                continue
            best = float(found[0][0])
            assert nearest[row, column] == pytest.approx(best, rel=1e-5)
            # Where two triangles meet in depth, rounding decides.
            assert ids[row, column] in {i for z, i in found if float(z) < best * (1 + 1e-5)}


@settings(max_examples=60, deadline=None)
@given(meshes)
def test_barycentrics_sum_to_one_inside_the_triangle_and_give_the_pixel_back(mesh):
    xy, depth, triangles = mesh
    ids, weights, _ = rasterize_arrays(xy, depth, triangles, HEIGHT, WIDTH, False)
    row, column = np.nonzero(ids >= 0)
    seen = weights[row, column]
    assert (seen >= 0).all()
    np.testing.assert_allclose(seen.sum(1), 1, atol=1e-6)
    place = (seen[..., None] * xy[triangles[ids[row, column]]]).sum(1)
    np.testing.assert_allclose(place, np.stack([column, row], 1), atol=1e-4)
    assert (weights[ids < 0] == 0).all()


@settings(max_examples=60, deadline=None)
@given(meshes, st.integers(-4, 4))
def test_moving_the_mesh_moves_the_image(mesh, shift):
    xy, depth, triangles = mesh
    wide = WIDTH + 16
    ids, _, _ = rasterize_arrays(xy + np.float32([8, 0]), depth, triangles, HEIGHT, wide, False)
    moved, _, _ = rasterize_arrays(
        xy + np.float32([8 + shift, 0]), depth, triangles, HEIGHT, wide, False
    )
    start, stop = 8, wide - 8
    assert (moved[:, start + shift : stop + shift] == ids[:, start:stop]).all()


@settings(max_examples=60, deadline=None)
@given(arrays(np.float32, (4, 2), elements=st.floats(-3, 12, width=32)))
def test_a_shared_edge_leaves_no_gap(corners):
    """Two triangles of one quadrilateral cover what the four corners' fan covers."""
    centre = corners.mean(0, keepdims=True)
    order = np.argsort(np.arctan2(*(corners - centre).T))
    square = corners[order]
    ones = np.ones(4, np.float32)
    halves = np.int32([[0, 1, 2], [0, 2, 3]])
    both, _, _ = rasterize_arrays(square, ones, halves, HEIGHT, WIDTH, False)
    single = [
        rasterize_arrays(square, ones, half[None], HEIGHT, WIDTH, False)[0] for half in halves
    ]
    assert ((both >= 0) == (np.stack(single) >= 0).any(0)).all()


def test_front_faces_are_counter_clockwise_for_the_viewer():
    xy = np.float32([[0, 0], [0, 6], [6, 0]])  # y down: this order runs counter-clockwise
    ones, front, back = np.ones(3, np.float32), np.int32([[0, 1, 2]]), np.int32([[0, 2, 1]])
    assert (rasterize_arrays(xy, ones, front, 4, 4, True)[0] == 0).any()
    assert (rasterize_arrays(xy, ones, back, 4, 4, True)[0] == -1).all()
    assert (rasterize_arrays(xy, ones, back, 4, 4, False)[0] == 0).any()


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_hostile_numbers_draw_nothing(bad):
    xy = np.array([[0, 0], [0, 6], [6, 0]], np.float32)
    triangle = np.int32([[0, 1, 2]])
    broken = xy.copy()
    broken[1, 1] = bad
    assert (rasterize_arrays(broken, np.ones(3), triangle, 4, 4, False)[0] == -1).all()
    for depth in ([1, 0, 1], [1, -1, 1], [1, np.nan, 1]):
        for perspective in (False, True):
            ids = rasterize_arrays(xy, np.float32(depth), triangle, 4, 4, False, perspective)[0]
            assert (ids == -1).all()


def test_a_missing_vertex_is_an_error_and_an_empty_mesh_is_not():
    xy, depth = np.zeros((3, 2), np.float32), np.ones(3, np.float32)
    for index in (3, -1):
        with pytest.raises(ValueError, match=r"outside 0\.\.2"):
            rasterize_arrays(xy, depth, np.int32([[0, 1, index]]), 4, 4, True)
    ids, _, _ = rasterize_arrays(xy, depth, np.zeros((0, 3), np.int32), 4, 5, True)
    assert ids.shape == (4, 5)
    assert (ids == -1).all()


def test_perspective_barycentrics_hit_the_ray():
    corners = np.array([[-20, 15, 60], [30, 5, 200], [0, -25, 90]], np.float64)
    xy = 100 * corners[:, :2] / corners[:, 2:] + 32
    triangle = np.int32([[0, 1, 2]])
    ids, weights, depth = rasterize_arrays(xy, corners[:, 2], triangle, 64, 64, False, True)
    correct = perspective_correct_arrays(ids, weights, corners[:, 2], triangle)
    row, column = np.nonzero(ids == 0)
    assert len(row) > 100
    place = correct[row, column] @ corners
    np.testing.assert_allclose(place[:, 2], depth[row, column], rtol=1e-9)
    np.testing.assert_allclose(100 * place[:, 0] / place[:, 2] + 32, column, atol=1e-9)
    np.testing.assert_allclose(100 * place[:, 1] / place[:, 2] + 32, row, atol=1e-9)


@pytest.mark.parametrize("cull", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_torch_and_numba_agree_to_the_last_bit(cull, dtype):
    vertices, triangles = height_field(20)
    bent, _, angles, translation, _ = random_scene(vertices, 3, dtype, nearer=300)
    camera = transform(bent, 4 * angles, translation).detach()
    uv = project(camera, 48)
    numba = get_rasterizer("numba", cull)(camera, uv, triangles, 48)
    plain = get_rasterizer("torch", cull)(camera, uv, triangles, 48)
    assert (numba.triangle_ids >= 0).any()
    assert torch.equal(numba.triangle_ids, plain.triangle_ids)
    assert torch.equal(numba.barycentrics, plain.barycentrics)


def test_torch_in_small_portions(monkeypatch):
    vertices, triangles = height_field(9)
    camera = transform(vertices[None], torch.zeros(1, 3).double(), torch.zeros(1, 3).double())
    uv = project(camera, 48)
    whole = get_rasterizer("torch")(camera, uv, triangles, 48)
    monkeypatch.setattr("focsbench.rendering.torch_rasterizer.PAIRS_AT_ONCE", 50)
    portions = get_rasterizer("torch")(camera, uv, triangles, 48)
    assert torch.equal(whole.triangle_ids, portions.triangle_ids)
