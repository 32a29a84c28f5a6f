"""MorphableModel as linear algebra, on a toy model; PCA and subdivision against naive oracles."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from focsbench.errors import CacheError, ConfigError
from focsbench.face_models import face_model_path, load_face_model
from focsbench.face_models.anny_heads import align_rigidly
from focsbench.face_models.anny_model import principal_components
from focsbench.face_models.array_cache import write_arrays
from focsbench.face_models.morphable_model import MorphableModel
from focsbench.face_models.subdivision import catmull_clark


def toy_model() -> MorphableModel:
    """A strip of 6 vertices and 4 triangles with 2 + 1 + 2 modes."""
    rng = np.random.default_rng(3)
    return MorphableModel(
        name="toy",
        mean_shape=rng.normal(size=(6, 3)).astype(np.float32),
        identity_basis=rng.normal(size=(2, 6, 3)).astype(np.float32),
        expression_basis=rng.normal(size=(1, 6, 3)).astype(np.float32),
        mean_albedo=rng.random((6, 3)).astype(np.float32),
        albedo_basis=rng.normal(size=(2, 6, 3)).astype(np.float32),
        triangles=np.array([[0, 1, 2], [1, 3, 2], [2, 3, 4], [3, 5, 4]], dtype=np.int32),
        landmarks68=np.full(68, 3, dtype=np.int64),
        landmarks7=np.full(7, 4, dtype=np.int64),
        regions={
            "front": np.array([0, 0, 1, 1, 1, 1], dtype=bool),
            "back": np.array([1, 1, 1, 0, 0, 0], dtype=bool),
        },
        expression_names=("jawOpen",),
    )


def test_shape_and_albedo_are_the_naive_sums():
    model = toy_model()
    rng = np.random.default_rng(0)
    identity, expression, colour = rng.normal(size=2), rng.normal(size=1), rng.normal(size=2)
    shape, albedo = model.mean_shape.astype(float), model.mean_albedo.astype(float)
    for k in range(2):
        shape = shape + identity[k] * model.identity_basis[k]
        albedo = albedo + colour[k] * model.albedo_basis[k]
    neutral = shape
    shape = shape + expression[0] * model.expression_basis[0]
    np.testing.assert_allclose(model.shape(identity, expression), shape, atol=1e-5)
    np.testing.assert_allclose(model.shape(identity), neutral, atol=1e-5)
    np.testing.assert_allclose(model.albedo(colour), albedo, atol=1e-5)


def test_batches_keep_their_leading_axes():
    model = toy_model()
    identity = np.random.default_rng(1).normal(size=(4, 5, 2))
    shapes = model.shape(identity, np.zeros((4, 5, 1)))
    assert shapes.shape == (4, 5, 6, 3)
    assert shapes.dtype == np.float32
    np.testing.assert_allclose(shapes[2, 3], model.shape(identity[2, 3]), atol=1e-5)


def test_crop_keeps_inner_triangles_and_positions():
    model = toy_model()
    front = model.crop("front")
    np.testing.assert_array_equal(front.triangles, [[0, 1, 2], [1, 3, 2]])
    np.testing.assert_array_equal(front.mean_shape, model.mean_shape[2:])
    np.testing.assert_array_equal(front.identity_basis, model.identity_basis[:, 2:])
    np.testing.assert_array_equal(front.albedo_basis, model.albedo_basis[:, 2:])
    np.testing.assert_array_equal(front.landmarks68, 1)
    np.testing.assert_array_equal(front.landmarks7, 2)
    assert front.regions["back"].tolist() == [True, False, False, False]
    assert front.name == "toy-front"


def test_crop_refuses_to_lose_landmarks():
    with pytest.raises(ConfigError, match="loses landmarks"):
        toy_model().crop("back")


def test_crop_lists_the_regions_it_knows():
    with pytest.raises(ConfigError, match="back, front"):
        toy_model().crop("chin")


def test_a_saved_model_comes_back_equal(tmp_path):
    model = toy_model()
    model.save(tmp_path / "m.safetensors")
    back = MorphableModel.load(tmp_path / "m.safetensors")
    assert back.name == model.name
    assert back.expression_names == model.expression_names
    for field in dataclasses.fields(model):
        value = getattr(model, field.name)
        if isinstance(value, np.ndarray):
            np.testing.assert_array_equal(getattr(back, field.name), value)
    assert back.regions.keys() == model.regions.keys()


def test_a_sound_file_without_a_model_is_refused(tmp_path):
    write_arrays(tmp_path / "x", {"a": np.zeros(3)}, {"name": "x"})
    with pytest.raises(CacheError, match="holds no face model"):
        MorphableModel.load(tmp_path / "x")


def test_unknown_model_names_list_the_known_ones():
    with pytest.raises(ConfigError, match="choose one of anny"):
        load_face_model("bfm1999")


def test_a_damaged_cache_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path))
    path = face_model_path("anny")
    path.parent.mkdir(parents=True)
    path.write_bytes(b"broken")
    with pytest.raises(CacheError, match="delete it"):
        load_face_model("anny")


def test_pca_agrees_with_a_naive_weighted_svd():
    rng = np.random.default_rng(5)
    samples = (rng.normal(size=(40, 6)) @ rng.normal(size=(6, 30))).reshape(40, 10, 3)
    weights = rng.uniform(0.2, 2.0, 10)
    result = principal_components(samples.astype(np.float32), weights, 4)
    centred = (samples - samples.mean(axis=0)).reshape(40, 30)
    root = np.sqrt(np.repeat(weights, 3))
    _, values, right = np.linalg.svd(centred * root, full_matrices=False)
    for k in range(4):
        expected = right[k] * values[k] / np.sqrt(39) / root
        mode = result.modes[k].ravel()
        sign = np.sign(expected @ mode)
        np.testing.assert_allclose(mode, sign * expected, atol=2e-4)
        assert mode[np.abs(mode).argmax()] > 0
    np.testing.assert_allclose(result.explained, (values**2 / (values**2).sum())[:4], atol=1e-5)


def test_one_unit_of_a_mode_is_one_standard_deviation():
    rng = np.random.default_rng(6)
    direction = rng.normal(size=(5, 3))
    amounts = rng.normal(size=500)
    samples = (7.0 + amounts[:, None, None] * direction).astype(np.float32)
    noise = rng.normal(scale=1e-3, size=samples.shape).astype(np.float32)
    mode = principal_components(samples + noise, np.ones(5), 1).modes[0]
    np.testing.assert_allclose(np.abs(mode), amounts.std(ddof=1) * np.abs(direction), atol=2e-3)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000))
def test_rigid_alignment_undoes_any_rigid_motion(seed):
    from scipy.spatial.transform import Rotation

    rng = np.random.default_rng(seed)
    reference = rng.normal(scale=50, size=(30, 3)).astype(np.float32)
    chosen = rng.random(30) < 0.5
    chosen[:4] = True
    turn = Rotation.random(random_state=seed).as_matrix()
    moved = (reference @ turn.T + rng.normal(scale=100, size=3)).astype(np.float32)
    aligned, rotations = align_rigidly(moved[None], reference, chosen)
    np.testing.assert_allclose(aligned[0], reference, atol=1e-3)
    np.testing.assert_allclose(rotations[0], turn.T, atol=1e-5)
    np.testing.assert_allclose(np.linalg.det(rotations), 1, atol=1e-5)


def cube() -> tuple[np.ndarray, np.ndarray]:
    corners = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], float)
    quads = [[0, 1, 3, 2], [4, 6, 7, 5], [0, 4, 5, 1], [2, 3, 7, 6], [0, 2, 6, 4], [1, 5, 7, 3]]
    return corners, np.array(quads)


def test_catmull_clark_of_a_cube_has_the_known_points():
    corners, quads = cube()
    matrix, finer = catmull_clark(quads, 8)
    points = matrix @ corners
    assert points.shape == (26, 3)
    assert finer.shape == (24, 4)
    # For a cube of half side 1: corners move to 5/9, edge points to 3/4, face points stay at 1.
    np.testing.assert_allclose(np.sort(np.abs(points[:8])), 5 / 9)
    np.testing.assert_allclose(np.sort(np.abs(points[8:20]), axis=1), [[0, 0.75, 0.75]] * 12)
    np.testing.assert_allclose(np.sort(np.abs(points[20:]), axis=1), [[0, 0, 1]] * 6, atol=1e-12)


def test_catmull_clark_keeps_winding_closedness_and_affine_maps():
    corners, quads = cube()
    for _ in range(2):
        matrix, quads = catmull_clark(quads, len(corners))
        np.testing.assert_allclose(matrix.sum(axis=1), 1)
        corners = matrix @ corners
    edges = np.sort(np.stack([quads, np.roll(quads, -1, axis=1)], axis=-1).reshape(-1, 2), axis=1)
    assert (np.unique(edges, axis=0, return_counts=True)[1] == 2).all()
    a, b, c, d = np.moveaxis(corners[quads], 1, 0)
    outward = (np.cross(c - a, d - b) * (a + b + c + d)).sum(axis=1)
    assert (outward > 0).all() or (outward < 0).all()
