"""Pieces of the photo generator: plan, seeds, labels, textures, camera, anatomy, scans."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from focsbench.data.synthetic import SyntheticConfig, ar_writer, celebahq_writer, now_writer
from focsbench.data.synthetic.developing import reduce_image, smaller_labels
from focsbench.data.synthetic.grids import disc, grid_triangles, rotation, tube
from focsbench.data.synthetic.parts import LABEL, OTHER, visible_face
from focsbench.data.synthetic.scans import make_scan, scan_grid
from focsbench.data.synthetic.seeds import generator
from focsbench.data.synthetic.subjects import head_labels, load_heads, sample_subject
from focsbench.data.synthetic.surfaces import vertex_normals
from focsbench.data.synthetic.textures import NAMES, texture_bank
from focsbench.data.synthetic.view import FLIP, View


def test_configuration_is_closed_and_frozen():
    with pytest.raises(ValidationError):
        SyntheticConfig(photos=3)
    with pytest.raises(ValidationError):
        SyntheticConfig().seed = 2
    with pytest.raises(ValidationError):
        SyntheticConfig(celeba_train=0)
    with pytest.raises(ValidationError):
        SyntheticConfig(photo_size=255)


@given(
    count=st.integers(1, 500),
    fraction=st.floats(0, 1, allow_nan=False),
)
def test_occluded_share_is_exact_and_even(count, fraction):
    flags = [celebahq_writer.is_occluded(index, fraction) for index in range(count)]
    assert sum(flags) == int(count * fraction)


def test_plan_covers_every_image_once_and_numbers_splits_in_a_row():
    config = SyntheticConfig(celeba_train=13, celeba_val=5, celeba_test=4)
    jobs = celebahq_writer.plan(config)
    images = [image for job in jobs for image in job.images]
    assert images == list(range(22))
    persons = [(job.split, job.subject) for job in jobs]
    assert len(set(persons)) == len(persons)
    assert [len(j.images) for j in jobs if j.split == "train"] == [5, 5, 3]


def test_streams_depend_on_the_whole_path_only():
    same = [generator(3, "ar", "val", 7).random() for _ in range(2)]
    assert same[0] == same[1]
    others = [
        generator(3, "ar", "test", 7).random(),
        generator(3, "ar", "val", 8).random(),
        generator(4, "ar", "val", 7).random(),
        generator(3, "now", "val", 7).random(),
    ]
    assert len({same[0], *others}) == 5


def test_no_person_is_in_two_splits():
    config = SyntheticConfig(
        celeba_train=20, celeba_val=6, celeba_test=6, ar_subjects=3, ar_val_subjects=3,
        now_subjects=3, now_val_subjects=3,
    )  # fmt: skip
    heads = load_heads()
    paths = {("celeba", j.split, j.subject) for j in celebahq_writer.plan(config)}
    paths |= {("ar", j.split, j.subject) for j in ar_writer.plan(config)}
    paths |= {("now", j.split, j.subject) for j in now_writer.plan(config)}
    sliders = np.stack(
        [heads.sample_identity(generator(0, *path), 0.2).sliders for path in sorted(paths)]
    )
    distance = np.linalg.norm(sliders[:, None] - sliders[None], axis=-1)
    assert distance[~np.eye(len(paths), dtype=bool)].min() > 0.5


def test_every_texture_is_a_bounded_tile():
    bank = texture_bank()
    assert bank.shape[0] == len(NAMES)
    assert bank.dtype == np.float32
    assert bank.min() >= 0
    assert bank.max() <= 1


def naive_reduction(image):
    """Average over areas by enlarging every rendered pixel to 2 x 2 and cutting 3 x 3 blocks."""
    large = np.kron(image, np.ones((2, 2)))
    n = large.shape[0] // 3
    return large.reshape(n, 3, n, 3).mean(axis=(1, 3))


def test_reduction_averages_areas():
    image = np.random.default_rng(0).random((12, 12)).astype(np.float32)
    np.testing.assert_allclose(
        reduce_image(image[..., None])[..., 0], naive_reduction(image), atol=1e-6
    )


def test_label_of_the_largest_area_wins():
    labels = np.random.default_rng(1).integers(0, OTHER + 1, (30, 30)).astype(np.uint8)
    area = np.stack([naive_reduction(labels == label) for label in range(OTHER + 1)])
    np.testing.assert_array_equal(smaller_labels(labels), area.round(9).argmax(axis=0))


def test_face_rule():
    face = ["skin", "nose", "l_eye", "r_eye", "l_brow", "r_brow", "mouth", "u_lip", "l_lip"]
    assert visible_face(np.array([LABEL[part] for part in face])).all()
    rest = [0, OTHER, *(LABEL[p] for p in ("hair", "hat", "eye_g", "l_ear", "neck", "cloth"))]
    assert not visible_face(np.array(rest)).any()


def test_geometry_of_building_blocks():
    turn = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ring = np.stack([30 * np.cos(turn), 20 * np.sin(turn), 0 * turn], axis=1)
    vertices, triangles, uv = tube(ring, 2.0, sides=6, closed=True)
    nearest = np.linalg.norm(vertices[:, None] - ring[None], axis=-1).min(axis=1)
    np.testing.assert_allclose(nearest, 2.0, atol=1e-4)
    assert len(uv) == len(vertices)
    # closed: every edge has a twin in the other direction
    edges = {(a, b) for t in triangles.tolist() for a, b in zip(t, t[1:] + t[:1], strict=True)}
    assert all((b, a) in edges for a, b in edges)
    filled, faces = disc(ring, rings=3)
    assert np.abs(vertex_normals(filled, faces)[:, 2]).min() > 0.99
    assert grid_triangles(3, 4).shape == (12, 3)
    assert grid_triangles(3, 4, wrap=True).shape == (16, 3)


def test_camera_agrees_with_the_method():
    """u = f X / Z + c with v_cam = F Rx Ry Rz v + T; the method's golden projection."""
    view = View(224, 1014.72, FLIP @ rotation((0.0, 0.0, 0.0)), FLIP, np.array([0, 0, 1000.0]))
    x, y, z = 30.0, -20.0, 50.0
    pixel = view.project(view.pose_head(np.array([[x, y, z]])))[0]
    expected = (111.5 + 1014.72 * x / (1000 - z), 111.5 - 1014.72 * y / (1000 - z))
    np.testing.assert_allclose(pixel, expected, rtol=1e-5)
    turned = rotation((0.1, 0.2, 0.3))
    np.testing.assert_allclose(turned @ turned.T, np.eye(3), atol=1e-12)


def test_head_labels_are_left_right_balanced():
    labels = head_labels()
    heads = load_heads()
    assert len(labels) == len(heads.triangles)
    counts = np.bincount(labels, minlength=OTHER + 1)
    for left, right in (("l_eye", "r_eye"), ("l_brow", "r_brow"), ("l_ear", "r_ear")):
        assert counts[LABEL[left]] > 0
        assert abs(int(counts[LABEL[left]]) - int(counts[LABEL[right]])) <= 12
    corners = heads.base[heads.triangles].mean(axis=1)
    assert (corners[labels == LABEL["l_eye"], 0] > 0).all()
    mouth = (
        corners[labels == LABEL["u_lip"], 1].mean() - corners[labels == LABEL["l_lip"], 1].mean()
    )
    assert mouth > 3


def squared_distance(points, vertices, triangles):
    import igl

    return igl.point_mesh_squared_distance(
        np.ascontiguousarray(points, dtype=np.float64),
        vertices.astype(np.float64),
        triangles.astype(np.int64),
    )[0]


def rigid_fit(source, target):
    """Rotation and shift of (N, 3) points onto others, least squares."""
    a, b = source - source.mean(0), target - target.mean(0)
    u, _, vt = np.linalg.svd(b.T @ a)
    turn = u @ np.diag([1, 1, np.linalg.det(u @ vt)]) @ vt
    return turn, target.mean(0) - turn @ source.mean(0)


def test_scan_lies_on_the_true_head_within_its_noise():
    import igl

    rng = generator(0, "scan test")
    subject = sample_subject(rng, 0.2)
    heads = load_heads()
    head = heads.head(subject.identity)
    landmarks = head[heads.landmarks68].astype(np.float64)
    points, found, _ = scan_grid(head, heads.triangles, subject.anatomy.axis_z)
    exact = squared_distance(points[found][::17], head, heads.triangles)
    assert exact.max() < 1e-6

    scan, picked = make_scan(rng, head, heads.triangles, landmarks, 0.1)
    turn, shift = rigid_fit(picked, landmarks[[36, 39, 42, 45, 33, 48, 54]])
    moved = scan.vertices @ turn.T + shift
    for _ in range(15):  # the picked landmarks are 0.3 mm off: refine on the surface
        _, _, nearest = igl.point_mesh_squared_distance(
            moved[::7], head.astype(np.float64), heads.triangles.astype(np.int64)
        )
        turn, shift = rigid_fit(moved[::7], nearest)
        moved = moved @ turn.T + shift
    distance = np.sqrt(squared_distance(moved[::3], head, heads.triangles))
    assert np.median(distance) < 0.2
    assert distance.max() < 1.0
    near = np.linalg.norm(moved - landmarks[33], axis=1) < 95
    assert 7000 < near.sum() < 16000
    assert len(scan.vertices) != len(head)
    again, _ = make_scan(generator(1, "x"), head, heads.triangles, landmarks, 0.1)
    repeated, _ = make_scan(generator(1, "x"), head, heads.triangles, landmarks, 0.1)
    np.testing.assert_array_equal(again.vertices, repeated.vertices)
