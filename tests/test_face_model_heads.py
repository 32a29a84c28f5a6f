"""The built heads and the built model: geometry, landmarks, regions, hands."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.sparse import coo_matrix
from scipy.sparse.csgraph import connected_components
from scipy.spatial.transform import Rotation

from focsbench.face_models import load_face_model
from focsbench.face_models.anny_heads import AnnyHeads
from focsbench.face_models.anny_model import ARKIT_MODES, RESIDUAL_MODES, vertex_weights
from focsbench.face_models.anny_warp import (
    ASYMMETRIC_SHARE,
    AXIS_SHARE,
    SCALES,
    spread_out,
    warp_modes,
)
from focsbench.face_models.frame import NOW_LANDMARKS
from focsbench.geometry.five_points import TEMPLATE_DM, five_points

MIRROR = np.array([-1.0, 1.0, 1.0])


@pytest.fixture(scope="module")
def heads():
    return AnnyHeads.load()


@pytest.fixture(scope="module")
def model():
    return load_face_model()


def test_sizes_and_types(heads, model):
    count = len(heads.base)
    assert heads.triangles.dtype == np.int32
    assert heads.uv.shape == (count, 2)
    assert model.mean_shape.shape == (count, 3)
    assert model.identity_basis.shape == (80, count, 3)
    assert model.expression_basis.shape == (64, count, 3)
    assert model.albedo_basis.shape == (80, count, 3)
    assert len(model.expression_names) == 64
    np.testing.assert_array_equal(model.triangles, heads.triangles)
    for array in (model.mean_shape, model.identity_basis, model.expression_basis):
        assert array.dtype == np.float32
        assert np.isfinite(array).all()


def test_triangles_face_outwards(heads):
    corners = heads.base[heads.triangles].astype(float)
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    # In front of the face every skin triangle that looks sideways or forwards belongs outside.
    middle = corners.mean(axis=1)
    forehead = heads.regions["scalp"][heads.triangles].all(axis=1)
    centre = heads.base[heads.regions["scalp"]].mean(axis=0)
    assert ((normals * (middle - centre)).sum(axis=1)[forehead] > 0).mean() > 0.99
    for side in (-1, 1):
        ball = heads.regions["eyes"] & (side * heads.base[:, 0] > 0)
        cap = ball[heads.triangles].all(axis=1)
        assert (normals[cap, 2] > 0).all()
    edges = np.sort(
        np.stack([heads.triangles, np.roll(heads.triangles, -1, axis=1)], axis=-1).reshape(-1, 2)
    )
    assert np.unique(edges, axis=0, return_counts=True)[1].max() == 2


def test_eyeballs_are_spheres_of_one_radius(heads):
    for side in (-1, 1):
        points = heads.base[heads.regions["eyes"] & (side * heads.base[:, 0] > 0)].astype(float)
        system = np.c_[2 * points, np.ones(len(points))]
        solution = np.linalg.lstsq(system, (points**2).sum(axis=1), rcond=None)[0]
        radii = np.linalg.norm(points - solution[:3], axis=1)
        assert 13 < radii.mean() < 17
        assert np.ptp(radii) < 1.0


def test_the_average_head_is_symmetric_and_is_the_base(heads):
    np.testing.assert_allclose(heads.base[heads.mirror] * MIRROR, heads.base, atol=0.05)
    average = heads.head(heads.average_identity())
    np.testing.assert_allclose(average, heads.base, atol=1e-3)


def test_the_origin_follows_the_five_point_template(heads, model):
    for shape in (heads.base, model.mean_shape):
        points = five_points(shape[model.landmarks68])
        np.testing.assert_allclose(points.mean(axis=0), (100 * TEMPLATE_DM).mean(axis=0), atol=0.5)
        assert np.linalg.norm(points - (100 * TEMPLATE_DM), axis=1).max() < 10


def test_heads_are_deterministic_and_aligned(heads):
    identity = heads.sample_identity(np.random.default_rng(4))
    head = heads.head(identity)
    again = heads.head(heads.sample_identity(np.random.default_rng(4)))
    np.testing.assert_array_equal(head, again)
    both = heads.neutral_heads([heads.average_identity(), identity])
    np.testing.assert_allclose(both[1], head, atol=1e-3)
    source, target = head[heads.stable].astype(float), heads.base[heads.stable].astype(float)
    np.testing.assert_allclose(source.mean(axis=0), target.mean(axis=0), atol=1e-3)
    rotation, _ = Rotation.align_vectors(target - target.mean(0), source - source.mean(0))
    assert rotation.magnitude() < 1e-4


def test_expressions_by_name_and_by_vector_agree_and_stay_local(heads):
    identity = heads.sample_identity(np.random.default_rng(2))
    vector = np.zeros(len(heads.expression_names))
    vector[heads.expression_names.index("jawOpen")] = 0.7
    opened = heads.head(identity, {"jawOpen": 0.7})
    np.testing.assert_array_equal(opened, heads.head(identity, vector))
    np.testing.assert_array_equal(opened, heads.head(identity, vector[:51]))
    movement = np.linalg.norm(opened - heads.head(identity), axis=1)
    assert movement[heads.landmarks68[8]] > 10
    assert movement[heads.landmarks68[[19, 24, 27]]].max() < 0.5
    with pytest.raises(ValueError, match="grin"):
        heads.head(identity, {"grin": 1.0})


def test_eyes_turn_without_changing_their_size(heads):
    identity = heads.average_identity()
    left = heads.regions["eyes"] & (heads.base[:, 0] > 0)
    before = heads.head(identity)[left]
    after = heads.head(identity, {"eyeLookOutLeft": 1.0})[left]
    assert np.linalg.norm(after - before, axis=1).max() > 3
    pairs = np.random.default_rng(0).integers(0, len(before), (2, 200))
    lengths = [np.linalg.norm(p[pairs[0]] - p[pairs[1]], axis=1) for p in (before, after)]
    assert np.abs(lengths[0] - lengths[1]).max() < 2.5


def test_heads_differ_like_people(heads):
    rng = np.random.default_rng(11)
    sample = heads.neutral_heads([heads.sample_identity(rng) for _ in range(120)])
    points = sample[:, heads.landmarks68].astype(float)

    def spread(first, second):
        lengths = np.linalg.norm(points[:, first] - points[:, second], axis=1)
        return lengths.std() / lengths.mean()

    assert 0.04 < spread(36, 45) < 0.10  # outer eye corners
    assert 0.04 < spread(27, 8) < 0.10  # height of the face
    assert 0.06 < spread(48, 54) < 0.14  # mouth
    surface = np.linalg.norm(sample - sample.mean(axis=0), axis=-1)[:, heads.stable]
    assert 2.5 < np.sqrt((surface**2).mean()) < 6.0


def test_landmarks_are_distinct_symmetric_and_in_order(model, heads):
    marks = heads.base[model.landmarks68]
    assert len(set(model.landmarks68.tolist())) == 68
    swapped = [
        *range(16, -1, -1), *range(26, 16, -1), *range(27, 31), *range(35, 30, -1),
        45, 44, 43, 42, 47, 46, 39, 38, 37, 36, 41, 40,
        *range(54, 47, -1), *range(59, 54, -1), *range(64, 59, -1), *range(67, 64, -1),
    ]  # fmt: skip
    np.testing.assert_allclose(marks[swapped] * MIRROR, marks, atol=0.1)
    assert (np.diff(marks[:17, 0]) > -1).all()
    assert (np.diff(marks[:9, 1]) < 0).all()
    for run in (range(17, 27), range(31, 36), range(48, 55), range(60, 65)):
        assert (np.diff(marks[list(run), 0]) > 0).all()
    assert (np.diff(marks[27:31, 1]) < 0).all()
    assert marks[30, 2] == pytest.approx(heads.base[:, 2].max(), abs=1)
    np.testing.assert_array_equal(model.landmarks7, model.landmarks68[list(NOW_LANDMARKS)])
    assert abs(marks[[8, 27, 28, 29, 30, 33, 51, 57, 62, 66], 0]).max() < 0.1
    assert (marks[[61, 62, 63], 1] >= marks[[67, 66, 65], 1]).all()
    assert (marks[[37, 38, 43, 44], 1] > marks[[41, 40, 47, 46], 1] + 4).all()
    assert (marks[17:27, 1] > marks[[37, 44], 1].max() + 5).all()


def test_the_face_crop_is_one_sheet_with_two_eyes(model):
    face = model.crop("face")
    assert 2000 < len(face.mean_shape) < 3500
    corners = face.triangles
    graph = coo_matrix(
        (np.ones(corners.size), (corners.ravel(), np.roll(corners, 1, axis=1).ravel())),
        shape=(len(face.mean_shape),) * 2,
    )
    _, labels = connected_components(graph, directed=False)
    sizes = np.bincount(labels)
    assert len(sizes) == 3
    for name in ("ears", "neck", "scalp", "mouth_interior"):
        assert not face.regions[name].any()
    for name in ("lips", "nose", "brows", "eyes"):
        assert face.regions[name].sum() == model.regions[name].sum()
    np.testing.assert_array_equal(
        face.mean_shape[face.landmarks68], model.mean_shape[model.landmarks68]
    )


def test_regions_do_not_overlap_where_they_must_not(model):
    regions = model.regions
    for first, second in [
        ("lips", "nose"), ("face", "ears"), ("face", "neck"), ("face", "scalp"),
        ("ears", "scalp"), ("neck", "scalp"), ("eyes", "eye_cavity"), ("lips", "mouth_interior"),
    ]:  # fmt: skip
        assert not (regions[first] & regions[second]).any(), (first, second)


def test_identity_modes_are_unit_sigma_and_explain_new_heads(model, heads):
    rng = np.random.default_rng(77)
    sample = heads.neutral_heads([heads.sample_identity(rng, 0.18) for _ in range(60)])
    offsets = (sample - model.mean_shape)[:, heads.stable].reshape(60, -1).astype(float)
    offsets -= offsets.mean(axis=0)
    basis = model.identity_basis[:, heads.stable].reshape(80, -1).astype(float)
    coefficients = np.linalg.solve(basis @ basis.T + 1e-3 * np.eye(80), basis @ offsets.T).T
    assert 0.7 < coefficients[:, :10].std() < 1.5
    residual = offsets - coefficients @ basis
    assert (residual**2).sum() < 0.05 * (offsets**2).sum()


def test_named_expression_modes_are_arkit_shapes(model, heads):
    for name in ("jawOpen", "browInnerUp", "mouthSmileRight"):
        mode = model.expression_basis[model.expression_names.index(name)].ravel()
        shape = heads.expression_offsets({name: 1.0}).ravel()
        scale = (mode @ shape) / (shape @ shape)
        assert 0.1 < scale < 0.5
        np.testing.assert_allclose(mode, scale * shape, atol=1e-4)


def test_residual_expressions_are_orthogonal_to_the_named_ones(model, heads):
    root = np.sqrt(np.repeat(vertex_weights(heads), 3))
    flat = model.expression_basis.reshape(64, -1) * root
    unit = flat / np.linalg.norm(flat, axis=1, keepdims=True)
    cosines = unit[ARKIT_MODES:] @ unit.T
    assert np.abs(cosines[:, :ARKIT_MODES]).max() < 1e-3
    np.testing.assert_allclose(cosines[:, ARKIT_MODES:], np.eye(RESIDUAL_MODES), atol=1e-3)


def test_mean_albedo_is_a_colour(model):
    assert model.mean_albedo.min() >= 0
    assert model.mean_albedo.max() <= 1


def test_warps_have_the_covariance_of_the_process():
    rng = np.random.default_rng(3)
    half = rng.uniform([5, -50, -40], [70, 50, 40], (60, 3))
    points = np.concatenate([half, half * MIRROR])
    modes = warp_modes(points, np.ones(120, dtype=bool)).astype(float)
    distance = ((points[:, None] - points[None]) ** 2).sum(axis=-1)
    mirrored = ((points[:, None] - (points * MIRROR)[None]) ** 2).sum(axis=-1)
    for axis, share in enumerate(AXIS_SHARE):
        expected = np.zeros((120, 120))
        for length, deviation in SCALES:
            same = deviation**2 * np.exp(-distance / (2 * length**2))
            other = deviation**2 * np.exp(-mirrored / (2 * length**2))
            parity = -1 if axis == 0 else 1
            expected += 0.5 * share**2 * (same + parity * other)
            expected += 0.5 * (share * ASYMMETRIC_SHARE) ** 2 * (same - parity * other)
        covariance = modes[:, :, axis].T @ modes[:, :, axis]
        assert np.abs(covariance - expected).max() < 0.15 * expected.max()
        assert np.abs(covariance - expected).mean() < 0.02 * expected.max()


def test_warps_fade_on_the_crown_and_vanish_far_below(heads):
    modes = heads.warps.astype(float)
    strength = np.sqrt((modes**2).sum(axis=(0, 2)))
    face, crown = heads.regions["nose"], heads.base[:, 1] > 130
    collar = heads.base[:, 1] < heads.base[:, 1].min() + 10
    assert strength[crown].mean() < 0.6 * strength[face].mean()
    assert strength[collar].mean() < 0.25 * strength[face].mean()


def test_spread_out_picks_the_farthest_next():
    points = np.array([[0.0], [1.0], [10.0], [6.0]])
    assert spread_out(points, 3).tolist() == [0, 2, 3]


def test_the_resting_hand_is_its_own_pose(heads):
    hand = heads.hands
    np.testing.assert_allclose(hand.pose({}), hand.vertices, atol=1e-4)
    np.testing.assert_allclose(hand.weights.sum(axis=1), 1, atol=1e-5)
    assert (hand.parents[1:] < np.arange(1, len(hand.bones))).all()
    assert 150 < np.ptp(hand.vertices @ np.array([0, -0.7, 0.7])) < 260
    with pytest.raises(KeyError, match="thumb"):
        hand.pose({"thumb": np.eye(3)})


def test_turning_the_wrist_turns_the_whole_hand(heads):
    hand = heads.hands
    turn = Rotation.from_euler("xyz", [30, 50, -20], degrees=True).as_matrix()
    posed = hand.pose({hand.bones[0]: turn})
    np.testing.assert_allclose(posed, hand.vertices @ turn.T, atol=1e-3)


def test_curling_brings_finger_tips_to_the_palm(heads):
    hand = heads.hands
    fingers = [i for i, bone in enumerate(hand.bones) if bone.startswith("finger")]
    turns = {hand.bones[i]: Rotation.from_rotvec(0.9 * hand.axes[i]).as_matrix() for i in fingers}
    posed = hand.pose(turns)
    palm = hand.vertices[hand.weights[:, hand.bones.index("metacarpal2.R")] > 0.5].mean(axis=0)
    for number in "2345":
        bone = hand.bones.index(f"finger{number}-3.R")
        tip = hand.weights[:, bone] > 0.9
        before = np.linalg.norm(hand.vertices[tip].mean(axis=0) - palm)
        after = np.linalg.norm(posed[tip].mean(axis=0) - palm)
        assert after < 0.75 * before
