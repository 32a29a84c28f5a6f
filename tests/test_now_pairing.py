"""Pairs of photographs in comparable pose: the best match, whatever the order, and its lists."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from itertools import permutations
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from focsbench.errors import InputError
from focsbench.geometry.head_pose import MEAN_FACE, POINTS
from focsbench.now.pairing import (
    OCCLUDED,
    PAIRS_FILE,
    UNOCCLUDED,
    YAW_FILE,
    pair_by_yaw,
    read_pairs,
    read_yaw,
    write_pairs,
)


@dataclass(frozen=True)
class Photo:
    key: str
    subject: str
    challenge: str


def photo(subject: str, challenge: str, number: int) -> Photo:
    return Photo(f"{subject}/{challenge}/IMG_{number}", subject, challenge)


def landmarks_at(yaw: float) -> np.ndarray:
    turned = MEAN_FACE @ Rotation.from_euler("y", yaw, degrees=True).as_matrix().T
    landmarks = np.zeros((68, 2))
    landmarks[list(POINTS)] = turned[:, :2] * [1, -1] + 100
    return landmarks


yaws = st.lists(st.floats(-60, 60), max_size=4)
subjects = st.dictionaries(st.sampled_from("abc"), st.tuples(yaws, yaws), max_size=3)


def photos_of(people: dict) -> dict[Photo, float]:
    return {
        photo(name, challenge, number): yaw
        for name, groups in people.items()
        for challenge, group in zip((UNOCCLUDED, OCCLUDED), groups, strict=True)
        for number, yaw in enumerate(group)
    }


def least_total(first: list[float], second: list[float]) -> float:
    """Every way to match the smaller group, one after the other."""
    few, many = sorted((first, second), key=len)
    ways = permutations(many, len(few))
    return min(sum(abs(a - b) for a, b in zip(few, way, strict=True)) for way in ways)


@given(subjects, st.randoms(use_true_random=False))
def test_the_match_is_the_best_of_all(people, shuffler):
    yaw = photos_of(people)
    items = [*yaw, *(photo(name, "selfie", 9) for name in people)]
    shuffler.shuffle(items)
    degrees = {item.key: yaw.get(item, 0.0) for item in items}
    pairs = pair_by_yaw(items, degrees)
    assert pairs == pair_by_yaw(sorted(items, key=lambda item: item.key), degrees)
    keys = [key for pair in pairs for key in pair]
    assert len(keys) == len(set(keys))
    by_key = {item.key: item for item in items}
    for unoccluded, occluded in pairs:
        assert by_key[unoccluded].challenge == UNOCCLUDED
        assert by_key[occluded].challenge == OCCLUDED
        assert by_key[unoccluded].subject == by_key[occluded].subject
    for name, (first, second) in people.items():
        mine = [pair for pair in pairs if pair[0].startswith(f"{name}/")]
        assert len(mine) == min(len(first), len(second))
        total = sum(abs(degrees[a] - degrees[b]) for a, b in mine)
        assert total == pytest.approx(least_total(first, second), abs=1e-9)


def test_the_side_of_the_turn_counts():
    left, right = photo("anna", UNOCCLUDED, 0), photo("anna", UNOCCLUDED, 1)
    hidden = photo("anna", OCCLUDED, 2)
    degrees = {left.key: 30.0, right.key: -29.0, hidden.key: 12.0}
    assert pair_by_yaw([right, left, hidden], degrees) == [(left.key, hidden.key)]


def test_an_image_of_unknown_pose_leaves_its_partner_to_another():
    near, far = photo("anna", UNOCCLUDED, 0), photo("anna", UNOCCLUDED, 1)
    hidden = photo("anna", OCCLUDED, 2)
    degrees = {near.key: 1.0, far.key: -40.0, hidden.key: 0.0}
    assert pair_by_yaw([near, far, hidden], degrees) == [(near.key, hidden.key)]
    del degrees[near.key]
    assert pair_by_yaw([near, far, hidden], degrees) == [(far.key, hidden.key)]
    del degrees[hidden.key]
    assert pair_by_yaw([near, far, hidden], degrees) == []


def rows(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def small_dataset() -> tuple[list[Photo], dict[str, np.ndarray]]:
    turns = {
        photo("anna", UNOCCLUDED, 0): -20.0,
        photo("anna", UNOCCLUDED, 1): 15.0,
        photo("anna", OCCLUDED, 2): 18.5,
        photo("anna", "selfie", 3): 0.0,
        photo("bela", OCCLUDED, 0): 5.0,
    }
    return list(turns), {item.key: landmarks_at(yaw) for item, yaw in turns.items()}


def test_the_lists_say_everything(tmp_path):
    items, landmarks = small_dataset()
    landmarks["bela/multiview_occlusions/IMG_0"] = np.zeros((68, 2))
    del landmarks["anna/selfie/IMG_3"]
    write_pairs(items, landmarks, tmp_path)
    assert rows(tmp_path / PAIRS_FILE) == [
        {
            "unoccluded": "anna/multiview_neutral/IMG_1",
            "occluded": "anna/multiview_occlusions/IMG_2",
            "yaw_unoccluded": "15.00",
            "yaw_occluded": "18.50",
            "difference": "3.50",
        }
    ]
    poses = {row["image"]: row for row in rows(tmp_path / YAW_FILE)}
    assert list(poses) == [item.key for item in items]
    assert poses["anna/multiview_neutral/IMG_0"] == {
        "image": "anna/multiview_neutral/IMG_0",
        "yaw": "-20.00", "pitch": "0.00", "roll": "0.00", "reason": "",
    }  # fmt: skip
    assert poses["anna/selfie/IMG_3"]["reason"] == "no landmarks"
    assert "one line" in poses["bela/multiview_occlusions/IMG_0"]["reason"]
    assert poses["bela/multiview_occlusions/IMG_0"]["yaw"] == ""
    assert read_pairs(tmp_path) == [
        ("anna/multiview_neutral/IMG_1", "anna/multiview_occlusions/IMG_2")
    ]
    assert read_yaw(tmp_path) == {
        "anna/multiview_neutral/IMG_0": -20.0,
        "anna/multiview_neutral/IMG_1": 15.0,
        "anna/multiview_occlusions/IMG_2": 18.5,
    }


def test_the_published_yaw_gives_the_published_pairs(tmp_path):
    rng = np.random.default_rng(0)
    items = [
        photo(name, challenge, number)
        for name in ("anna", "bela", 'with "quotes", and a comma')
        for challenge in (UNOCCLUDED, OCCLUDED)
        for number in range(4)
    ]
    landmarks = {item.key: landmarks_at(rng.uniform(-50, 50)) for item in items}
    write_pairs(items, landmarks, tmp_path)
    assert len(read_pairs(tmp_path)) == 12
    assert read_pairs(tmp_path) == pair_by_yaw(items, read_yaw(tmp_path))
    (tmp_path / "again").mkdir()
    write_pairs(items, landmarks, tmp_path / "again")
    for name in (PAIRS_FILE, YAW_FILE):
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()


def test_without_landmarks_the_lists_are_empty(tmp_path):
    items, _ = small_dataset()
    assert (read_pairs(tmp_path), read_yaw(tmp_path)) == ([], {})
    write_pairs(items, {}, tmp_path)
    assert rows(tmp_path / PAIRS_FILE) == []
    assert {row["reason"] for row in rows(tmp_path / YAW_FILE)} == {"no landmarks"}
    assert (read_pairs(tmp_path), read_yaw(tmp_path)) == ([], {})


@pytest.mark.parametrize(
    ("name", "content"),
    [
        (PAIRS_FILE, b""),
        (PAIRS_FILE, b"a,b\n1,2\n"),
        (PAIRS_FILE, b"unoccluded,occluded,yaw_unoccluded,yaw_occluded,difference\nx,y\n"),
        (YAW_FILE, b"image,yaw,pitch,roll,reason\nx,left,0,0,\n"),
        (YAW_FILE, b"image,yaw,pitch,roll,reason\nx,nan,0,0,\n"),
        (YAW_FILE, b"image,yaw,pitch,roll,reason\n\xff\xfe,1,0,0,\n"),
    ],
)
def test_damaged_lists_are_named(tmp_path, name, content):
    (tmp_path / name).write_bytes(content)
    advice = "(score the method|save it as UTF-8)"
    with pytest.raises(InputError, match=rf"{name}: not readable as a list .*; {advice}"):
        read_pairs(tmp_path) if name == PAIRS_FILE else read_yaw(tmp_path)
