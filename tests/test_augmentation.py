from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from focsbench.focs.augmentation import FLIP_PERMUTATION, Batch, augment, random_similarities
from focsbench.focs.config import AugmentationConfig
from focsbench.focs.presets import PRESETS

SIZE = 64
RELEASED = PRESETS["released"]().augmentation


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def dot_image(point):
    """A soft dot at (x, y), pixel centres at integers."""
    ys, xs = np.mgrid[:SIZE, :SIZE]
    return np.exp(-((xs - point[0]) ** 2 + (ys - point[1]) ** 2) / 8).astype(np.float32)


def centroid(image):
    ys, xs = np.mgrid[:SIZE, :SIZE]
    return np.array([(image * xs).sum(), (image * ys).sum()]) / image.sum()


def dot_batch(seed, count=4):
    """Each image and its mask show a dot at landmark 36; every other landmark is elsewhere."""
    rng = np.random.default_rng(seed)
    landmarks = rng.uniform(0, SIZE, size=(count, 68, 2)).astype(np.float32)
    landmarks[:, 36] = rng.uniform(0.4 * SIZE, 0.6 * SIZE, size=(count, 2))
    dots = torch.from_numpy(np.stack([dot_image(points[36]) for points in landmarks]))
    return Batch(dots[:, None].expand(-1, 3, -1, -1), torch.from_numpy(landmarks), dots)


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from(["bilinear", "bicubic"]))
def test_landmarks_stay_on_their_pixels(seed, interpolation):
    config = RELEASED.model_copy(update={"interpolation": interpolation})
    batch = dot_batch(seed)
    moved = augment(batch, config, generator(seed))
    _, flipped = random_similarities(4, SIZE, config, generator(seed))
    for index in range(4):
        name = 45 if flipped[index] else 36  # the outer eye corner changes sides
        wanted = moved.landmarks[index, name].numpy()
        np.testing.assert_allclose(centroid(moved.images[index, 1].numpy()), wanted, atol=0.1)
        np.testing.assert_allclose(centroid(moved.masks[index].numpy()), wanted, atol=0.1)


def only(**ranges):
    nothing = {"max_shift": 0, "max_scale": 0, "max_rotation": 0, "flip_probability": 0}
    return AugmentationConfig(**{**nothing, **ranges})


def test_a_flip_reverses_the_columns_exactly():
    batch = dot_batch(1)
    moved = augment(batch, only(flip_probability=1, interpolation="bilinear"), generator())
    torch.testing.assert_close(moved.images, batch.images.flip(3), atol=1e-5, rtol=0)
    mirrored = batch.landmarks[:, list(FLIP_PERMUTATION)]
    mirrored = torch.stack([SIZE - 1 - mirrored[..., 0], mirrored[..., 1]], dim=2)
    torch.testing.assert_close(moved.landmarks, mirrored)


@pytest.mark.parametrize("interpolation", ["bilinear", "bicubic"])
def test_no_ranges_change_nothing(interpolation):
    batch = dot_batch(2)
    moved = augment(batch, only(interpolation=interpolation), generator())
    for found, expected in zip(moved, batch, strict=True):
        torch.testing.assert_close(found, expected, atol=1e-4, rtol=1e-5)


def test_disabled_means_untouched():
    batch = dot_batch(3)
    same = augment(batch, AugmentationConfig(enabled=False), generator())
    assert all(one is other for one, other in zip(same, batch, strict=True))


def test_masks_are_optional():
    batch = dot_batch(4)._replace(masks=None)
    assert augment(batch, RELEASED, generator()).masks is None


def test_whole_pixel_shifts_move_pixels_without_interpolation():
    batch = dot_batch(5)
    config = only(max_shift=3, interpolation="bilinear")
    moved = augment(batch, config, generator(5))
    matrix, _ = random_similarities(4, SIZE, config, generator(5))
    for index in range(4):
        shift = matrix[index, :, 2].round().int().tolist()
        torch.testing.assert_close(matrix[index, :, 2], matrix[index, :, 2].round())
        expected = batch.images[index].roll(shift[::-1], dims=(1, 2))
        inner = slice(4, SIZE - 4)
        torch.testing.assert_close(
            moved.images[index, :, inner, inner], expected[:, inner, inner], atol=1e-5, rtol=0
        )


def test_the_transforms_fill_their_ranges():
    matrix, flipped = random_similarities(4000, SIZE, RELEASED, generator())
    linear = matrix[:, :, :2]
    scale = torch.linalg.vector_norm(linear[:, :, 1], dim=1)
    assert 0.9 <= scale.min() < 0.901
    assert 1.099 < scale.max() <= 1.1
    angle = torch.rad2deg(torch.atan2(-linear[:, 0, 1], linear[:, 1, 1]))
    assert -10.0001 <= angle.min() < -9.9
    assert 9.9 < angle.max() <= 10.0001
    assert torch.equal(torch.linalg.det(linear) < 0, flipped)
    assert 0.45 < flipped.float().mean() < 0.55


def test_the_flip_permutation_is_its_own_inverse_and_swaps_the_sides():
    order = np.array(FLIP_PERMUTATION)
    assert sorted(order) == list(range(68))
    np.testing.assert_array_equal(order[order], np.arange(68))
    midline = {8, 27, 28, 29, 30, 33, 51, 57, 62, 66}
    assert set(np.flatnonzero(order == np.arange(68))) == midline
    for left, right in ((0, 16), (17, 26), (31, 35), (36, 45), (39, 42), (37, 44), (48, 54)):
        assert order[left] == right
    for left, right in ((41, 46), (59, 55), (60, 64), (67, 65), (61, 63), (50, 52)):
        assert order[left] == right


def test_colour_changes_are_bounded_and_leave_geometry_alone():
    batch = dot_batch(6)
    config = only(max_gain=0.2, max_offset=0.1, noise=0.02, interpolation="bilinear")
    moved = augment(batch, config, generator())
    assert not torch.allclose(moved.images, batch.images, atol=0.01)
    assert 0 <= moved.images.min() <= moved.images.max() <= 1
    assert (moved.images - batch.images).abs().max() < 0.2 + 0.1 + 6 * 0.02
    torch.testing.assert_close(moved.landmarks, batch.landmarks, atol=1e-4, rtol=0)
    torch.testing.assert_close(moved.masks, batch.masks, atol=1e-5, rtol=0)


def test_the_generator_decides_everything():
    batch = dot_batch(7)
    config = RELEASED.model_copy(update={"max_gain": 0.1, "noise": 0.02})
    first, second, other = (augment(batch, config, generator(seed)) for seed in (1, 1, 2))
    assert torch.equal(first.images, second.images)
    assert torch.equal(first.landmarks, second.landmarks)
    assert not torch.equal(first.images, other.images)


def test_bicubic_images_stay_in_range():
    batch = Batch((torch.rand(3, 3, SIZE, SIZE) > 0.5).float(), torch.rand(3, 68, 2) * SIZE)
    images = augment(batch, RELEASED, generator()).images
    assert images.min() >= 0
    assert images.max() <= 1
