"""Rectangles of cutout and cutmix: ranges, masks, contents."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from focsbench.focs.augmentation import Batch, augment
from focsbench.focs.image_config import AugmentationConfig, SyntheticOcclusionConfig
from focsbench.focs.synthetic_occlusion import draw_rectangles, inside, occlude

SIZE = 64
SOURCES = ["hands", "texture", "photograph"]


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


def policy(kind="cutmix", probability=1.0, **fields):
    return SyntheticOcclusionConfig(kind=kind, probability=probability, **fields)


def photographs(count=6):
    """Images in [0.2, 0.8] and masks of ones, so that 0 can only come from a rectangle."""
    return 0.2 + 0.6 * torch.rand(count, 3, SIZE, SIZE, generator=generator(9)), torch.ones(
        count, SIZE, SIZE
    )


def bounding_box(covered):
    """First row, first column, height, width of a filled rectangle of True."""
    rows, columns = covered.any(dim=1).nonzero()[:, 0], covered.any(dim=0).nonzero()[:, 0]
    top, left = int(rows[0]), int(columns[0])
    height, width = int(rows[-1]) - top + 1, int(columns[-1]) - left + 1
    assert covered[top : top + height, left : left + width].all()
    assert int(covered.sum()) == height * width
    return top, left, height, width


@settings(deadline=None, max_examples=40)
@given(
    size=st.integers(32, 512),
    sides=st.tuples(st.floats(0.02, 1), st.floats(0.02, 1)),
    corners=st.tuples(st.floats(0, 0.99), st.floats(0, 0.99)),
    seed=st.integers(0, 2**32),
)
def test_rectangles_obey_the_stated_ranges(size, sides, corners, seed):
    config = policy(
        min_side=min(sides), max_side=max(sides), min_corner=min(corners), max_corner=max(corners)
    )
    rectangles = draw_rectangles(8, size, config, generator(seed))
    low = int(config.min_corner * size)
    high = max(int(config.max_corner * (size - 1)), low)
    short, long = int(config.min_side * size), int(config.max_side * size)
    for corner, side in (
        (rectangles.row, rectangles.height),
        (rectangles.column, rectangles.width),
    ):
        assert low <= corner.min() <= corner.max() <= high
        assert (side <= max(long - 1, 1)).all()
        assert (side >= 1).all()
        room = size - 1 - corner - 1  # a rectangle ends before the last pixel
        assert (side >= torch.minimum(torch.tensor(short - 1), room)).all()
        assert ((corner + side <= size - 1) | (side == 1)).all()


def test_the_ranges_at_224_pixels_are_those_of_the_authors_and_are_filled():
    rectangles = draw_rectangles(20_000, 224, policy(), generator())
    for corner in (rectangles.row, rectangles.column):
        assert (int(corner.min()), int(corner.max())) == (33, 167)
    for side, corner in (
        (rectangles.height, rectangles.row),
        (rectangles.width, rectangles.column),
    ):
        assert (int(side.min()), int(side.max())) == (21, 88)  # nominal 22 to 89, less one
        assert int((corner + side).max()) == 222
    assert (rectangles.height != rectangles.width).float().mean() > 0.9
    assert torch.equal(rectangles.row.unique(), torch.arange(33, 168))


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32))
def test_the_covered_pixels_are_the_rectangles(seed):
    rectangles = draw_rectangles(4, SIZE, policy(), generator(seed))
    covered = inside(rectangles, SIZE)
    for index in range(4):
        assert bounding_box(covered[index]) == tuple(int(values[index]) for values in rectangles)


@settings(deadline=None, max_examples=40)
@given(st.integers(0, 2**32), st.sampled_from(["cutout", *SOURCES]))
def test_only_the_rectangle_changes_and_leaves_the_visible_face(seed, what):
    images, masks = photographs(4)
    before = images.clone(), masks.clone()
    config = policy("cutout") if what == "cutout" else policy(source=what)
    changed, visible = occlude(images, masks, config, generator(seed))
    assert torch.equal(images, before[0])
    assert torch.equal(masks, before[1])
    hidden = visible == 0
    for index in range(4):
        bounding_box(hidden[index])
    keep = ~hidden[:, None].expand_as(images)
    assert torch.equal(changed[keep], images[keep])
    assert 0 <= changed.min() <= changed.max() <= 1
    if what == "cutout":
        assert (changed[~keep] == 0).all()
    else:
        assert (changed[~keep] != images[~keep]).float().mean() > 0.9


def test_the_mask_is_the_labels_and_not_the_rectangle():
    images, _ = photographs(5)
    labels = (torch.rand(5, SIZE, SIZE, generator=generator(3)) > 0.5).float()
    _, ones = occlude(images, torch.ones_like(labels), policy("cutout"), generator(4))
    _, visible = occlude(images, labels, policy("cutout"), generator(4))
    assert torch.equal(visible, labels * ones)


def test_cutmix_with_photographs_shows_the_neighbour_in_the_batch():
    images, masks = photographs()
    changed, visible = occlude(images, masks, policy(source="photograph"), generator(1))
    hidden = (visible == 0)[:, None].expand_as(images)
    assert torch.equal(changed[hidden], images.roll(1, dims=0)[hidden])


def test_the_probability_is_that_of_a_rectangle():
    images, masks = torch.ones(4000, 3, 16, 16), torch.ones(4000, 16, 16)
    for probability in (0.0, 0.25, 1.0):
        config = policy("cutout", probability)
        _, visible = occlude(images, masks, config, generator())
        share = (visible == 0).any(dim=(1, 2)).float().mean()
        assert float(share) == pytest.approx(probability, abs=0.03)


def test_without_rectangles_nothing_is_drawn_from_the_generator():
    images, masks = photographs()
    source = generator(5)
    same, visible = occlude(images, masks, SyntheticOcclusionConfig(), source)
    assert same is images
    assert visible is masks
    assert torch.equal(source.get_state(), generator(5).get_state())


@pytest.mark.parametrize("source", SOURCES)
def test_the_generator_decides_everything(source):
    images, masks = photographs()
    config = policy(source=source, probability=0.5)
    first, second, other = (occlude(images, masks, config, generator(s)) for s in (1, 1, 2))
    assert torch.equal(first[0], second[0])
    assert torch.equal(first[1], second[1])
    assert not torch.equal(first[1], other[1])


def test_drawn_hands_have_the_colour_of_skin():
    from focsbench.focs.skin_detector import skin_probability
    from focsbench.focs.synthetic_occlusion import grounds, hands_before

    frames = grounds(20, SIZE, generator(2))
    hands = hands_before(frames, generator(3))
    drawn = (hands != frames).any(dim=1)
    assert 0.2 < drawn.float().mean() < 0.9
    assert skin_probability(hands)[drawn].mean() > 0.8
    assert frames.mean(dim=(2, 3)).std(dim=0).min() > 0.1  # grounds differ


def test_augmentation_ends_with_the_rectangles():
    images, masks = photographs()
    batch = Batch(images, torch.rand(6, 68, 2, generator=generator()) * SIZE, masks)
    plain = augment(batch, AugmentationConfig(), generator(7))
    config = AugmentationConfig(occlusion=policy("cutout"))
    covered = augment(batch, config, generator(7))
    assert torch.equal(plain.landmarks, covered.landmarks)
    hidden = (plain.masks > 0) & (covered.masks == 0)
    assert hidden.any()
    keep = ~hidden[:, None].expand_as(images)
    black = (covered.images == 0).all(dim=1)
    assert (black | ~hidden).all()
    same = covered.images[keep] == plain.images[keep]
    assert same.float().mean() > 0.95  # the rest are rectangles over borders that were black
    assert augment(batch._replace(masks=None), config, generator(7)).masks is None


@pytest.mark.parametrize("kind", ["cutout", "cutmix"])
def test_rectangles_do_not_depend_on_the_rest_of_the_augmentation(kind):
    images, masks = photographs()
    batch = Batch(images, torch.zeros(6, 68, 2), masks)
    config = AugmentationConfig(enabled=False, occlusion=policy(kind))
    covered = augment(batch, config, generator(7))
    assert 0 < covered.masks.mean() < 1
    assert torch.equal(covered.images.where(covered.masks[:, None] > 0, images), images)
    assert not torch.equal(covered.images, images)
    assert torch.equal(covered.landmarks, batch.landmarks)


@pytest.mark.parametrize(
    "fields", [{"min_side": 0.5}, {"min_corner": 0.8}, {"probability": 1.5}, {"kind": "blur"}]
)
def test_impossible_policies_are_refused(fields):
    with pytest.raises(ValidationError):
        SyntheticOcclusionConfig(**fields)
