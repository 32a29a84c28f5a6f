"""Findings about the mesh alone: each fires on the case made for it, and alone."""

from __future__ import annotations

import numpy as np
import pytest
from diagnosis_support import HEAD, LANDMARKS, MESH, both, diagnose, heads, names, seeds
from hypothesis import given, settings
from hypothesis import strategies as st

from focsbench.geometry.diagnosis import Severity, diagnose_prediction
from focsbench.types import Mesh

FEW = settings(max_examples=12, deadline=None)


@pytest.mark.parametrize("how", ["same corner", "on a line", "one point"])
def test_zero_area_triangles(how):
    extra = {"same corner": [5, 5, 9], "on a line": [5, -1, 9], "one point": [7, 7, 7]}[how]
    middle = (MESH.vertices[5] + MESH.vertices[9]) / 2
    vertices = np.concatenate([MESH.vertices, middle[None]])
    extra = np.array(extra) % len(vertices)
    found = diagnose(Mesh(vertices, np.concatenate([MESH.triangles, extra[None]])), LANDMARKS)
    assert [f.name for f in found] == ["zero_area_triangles"]
    assert found[0].message.startswith("1 of ")


@FEW
@given(seed=seeds, count=st.integers(1, 500))
def test_duplicate_triangles_whatever_their_corner_order(seed, count):
    rng = np.random.default_rng(seed)
    copies = MESH.triangles[rng.choice(len(MESH.triangles), count, replace=False)]
    copies = rng.permuted(copies, axis=1)
    found = diagnose(Mesh(MESH.vertices, np.concatenate([copies, MESH.triangles])), LANDMARKS)
    assert [f.name for f in found] == ["duplicate_triangles"]
    assert found[0].message.startswith(f"{count} of ")


def test_duplicate_triangles_with_vertices_of_their_own():
    assert names(both(MESH, MESH), LANDMARKS) == ["duplicate_triangles"]


def test_unreferenced_vertices_only_if_many():
    extra = np.random.default_rng(0).uniform(-50, 50, (len(MESH.vertices), 3))
    few = Mesh(np.concatenate([MESH.vertices, extra[: len(extra) // 10]]), MESH.triangles)
    assert names(few, LANDMARKS) == []
    many = Mesh(np.concatenate([MESH.vertices, extra]), MESH.triangles)
    assert names(many, LANDMARKS) == ["unreferenced_vertices"]


@pytest.mark.parametrize("largest", [1, 255])
@pytest.mark.parametrize("mm", [1.0, 1000.0])
def test_vertex_colours_read_as_coordinates(largest, mm):
    rng = np.random.default_rng(largest)
    colours = rng.integers(0, 256, MESH.vertices.shape) / 255 * largest
    torn = np.stack([MESH.vertices / mm, np.round(colours, 6)], axis=1).reshape(-1, 3)
    found = diagnose(Mesh(torn, MESH.triangles), LANDMARKS / mm)
    assert [(f.name, f.severity) for f in found] == [("colours_as_coordinates", Severity.ERROR)]
    after = np.concatenate([MESH.vertices / mm, np.round(colours, 6)])
    found = diagnose(Mesh(after, MESH.triangles), LANDMARKS / mm)
    assert [(f.name, f.severity) for f in found] == [("colour_vertices", Severity.WARNING)]


@FEW
@given(head=heads, seed=seeds)
def test_triangles_of_another_model(head, seed):
    order = np.random.default_rng(seed).permutation(len(MESH.vertices))
    assert names(Mesh(head.mesh().vertices[order], MESH.triangles), LANDMARKS) == ["torn_surface"]


def test_coarse_mesh_is_not_torn():
    coarse = HEAD.mesh(14)
    assert len(coarse.triangles) > 200
    assert diagnose_prediction(coarse, LANDMARKS) == []


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_values_that_are_not_finite(value):
    vertices = MESH.vertices.copy()
    vertices[[3, 8], 1] = value
    found = diagnose(Mesh(vertices, MESH.triangles), LANDMARKS)
    assert [f.name for f in found] == ["not_finite"]
    assert found[0].message.startswith("2 of the vertices")
    landmarks = LANDMARKS.copy()
    landmarks[6, 0] = value
    assert names(MESH, landmarks) == ["not_finite"]


def test_meshes_that_cannot_be_scored():
    nothing = np.zeros((0, 3), dtype=np.int64)
    assert names(Mesh(MESH.vertices, nothing), LANDMARKS) == ["no_triangles"]
    assert names(Mesh(MESH.vertices[:99], MESH.triangles), LANDMARKS) == ["missing_vertices"]
    assert names(Mesh(MESH.vertices, MESH.triangles - 1), LANDMARKS) == ["missing_vertices"]
    assert names(MESH, np.ones((7, 3))) == ["coincident_landmarks"]
    landmarks = LANDMARKS.copy()
    landmarks[3] = landmarks[0]
    assert names(MESH, landmarks) == ["coincident_landmarks"]


def test_number_types_of_files_give_the_same_findings():
    stray = both(MESH, Mesh(np.eye(3) + 1e5, np.array([[0, 1, 2]])))
    single = Mesh(np.asfortranarray(stray.vertices.astype(np.float32)), stray.triangles)
    unsigned = Mesh(single.vertices, stray.triangles.astype(np.uint32))
    for mesh in (single, unsigned):
        assert names(mesh, LANDMARKS.astype(np.float32)) == ["far_geometry"]


def test_stray_geometry_far_away():
    stray = Mesh(np.eye(3) + 1e5, np.array([[0, 1, 2]]))
    assert names(both(MESH, stray), LANDMARKS) == ["far_geometry"]
    body = Mesh(HEAD.mesh(20).vertices * (3, 7, 2) - (0, 900, 0), HEAD.mesh(20).triangles)
    assert names(both(MESH, body), LANDMARKS) == []
