"""Alignment, landmark lists and the merge rule of CelebAMask-HQ."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from focsbench.data.alignment import align
from focsbench.data.celebahq import CelebAMaskHQ, merge_parts
from focsbench.data.celebahq_rules import split_of
from focsbench.data.landmarks_csv import read_landmarks, write_landmarks
from focsbench.data.photos import open_image
from focsbench.errors import InputError
from focsbench.geometry.five_points import TEMPLATE_DM, five_points


def template_landmarks(scale: float, centre: tuple[float, float]) -> np.ndarray:
    """68 landmarks whose five points are the template seen frontally at ``scale`` px per dm."""
    points = TEMPLATE_DM[:, :2] * [scale, -scale] + centre
    landmarks = np.tile(np.asarray(centre, dtype=float), (68, 1))
    landmarks[[36, 39]] = points[0]
    landmarks[[42, 45]] = points[1]
    landmarks[30], landmarks[48], landmarks[54] = points[2], points[3], points[4]
    return landmarks


def test_golden_eye_distance_at_224() -> None:
    landmarks = template_landmarks(180.0, (300.0, 280.0))
    aligned = align(landmarks, 640, 600, 224).points(landmarks)
    left, right = five_points(aligned)[:2]
    assert np.linalg.norm(right - left) == pytest.approx(63.4, abs=0.3)


@settings(max_examples=50, deadline=None)
@given(
    scale=st.floats(60, 400),
    x=st.floats(100, 500),
    y=st.floats(100, 500),
    size=st.sampled_from([96, 112, 224]),
)
def test_template_origin_lands_in_the_centre(scale: float, x: float, y: float, size: int) -> None:
    landmarks = template_landmarks(scale, (x, y))
    alignment = align(landmarks, 600, 600, size)
    centre = alignment.points(np.array([[x, y]]))[0]
    assert np.abs(centre - (size - 1) / 2).max() <= 1.5  # integer resize and crop
    back = alignment.points_back(alignment.points(landmarks))
    np.testing.assert_allclose(back, landmarks, atol=1e-9)


def test_pixels_follow_the_landmarks() -> None:
    """A bright blob painted at a landmark is found where the alignment maps that landmark."""
    landmarks = template_landmarks(250.0, (210.0, 190.0))
    rows, columns = np.mgrid[:400, :420]
    x, y = landmarks[30]
    blob = 255 * np.exp(-((columns - x) ** 2 + (rows - y) ** 2) / (2 * 6.0**2))
    alignment = align(landmarks, 420, 400, 224)
    crop = np.asarray(alignment.image(Image.fromarray(blob.astype(np.uint8))), dtype=float)
    rows, columns = np.mgrid[:224, :224]
    found = np.array([(crop * columns).sum(), (crop * rows).sum()]) / crop.sum()
    np.testing.assert_allclose(found, alignment.points(landmarks)[30], atol=0.1)


def test_outside_of_the_photograph_is_black() -> None:
    landmarks = template_landmarks(100.0, (5.0, 5.0))
    crop = np.asarray(align(landmarks, 200, 200, 96).image(Image.new("L", (200, 200), 255)))
    assert crop[0, 0] == 0
    assert crop[-1, -1] == 255


def test_unusable_landmarks() -> None:
    with pytest.raises(InputError, match="finite"):
        align(np.full((68, 2), np.nan), 100, 100, 96)
    with pytest.raises(InputError, match="coincide"):
        align(np.zeros((68, 2)), 100, 100, 96)


def test_landmark_list_round_trip(tmp_path: Path) -> None:
    points = np.random.default_rng(0).uniform(0, 224, (68, 2))
    write_landmarks(tmp_path / "list.csv", [("a.jpg", points)])
    np.testing.assert_allclose(read_landmarks(tmp_path / "list.csv")["a.jpg"], points, atol=0.005)


@pytest.mark.parametrize("line", ["a.jpg,1,2", "a.jpg," + ",".join(["x"] * 136)])
def test_bad_landmark_line_is_named(tmp_path: Path, line: str) -> None:
    (tmp_path / "list.csv").write_text(line + "\n")
    with pytest.raises(InputError, match=r"list\.csv, line 1"):
        read_landmarks(tmp_path / "list.csv")


def test_official_split_rule() -> None:
    expected = ["train", "val", "val", "test"]
    assert [split_of(index) for index in (162770, 162771, 182637, 182638)] == expected


def save_part(folder: Path, part: str, columns: slice) -> None:
    mask = np.zeros((4, 8), dtype=np.uint8)
    mask[:, columns] = 255
    (folder / "0").mkdir(parents=True, exist_ok=True)
    Image.fromarray(mask).save(folder / "0" / f"00007_{part}.png")


def test_merge_paints_eyes_over_glasses(tmp_path: Path) -> None:
    save_part(tmp_path, "skin", slice(0, 6))
    save_part(tmp_path, "eye_g", slice(2, 5))
    save_part(tmp_path, "l_eye", slice(3, 4))
    save_part(tmp_path, "hair", slice(0, 1))
    visible = np.asarray(merge_parts(tmp_path, 7)) > 0
    assert visible[0].tolist() == [False, True, False, True, False, True, False, False]


def test_missing_parts_and_images_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no part masks for image 7"):
        merge_parts(tmp_path, 7)
    (tmp_path / "x.jpg").write_bytes(b"\x89PNG broken")
    with pytest.raises(InputError, match=r"x\.jpg"):
        open_image(tmp_path / "x.jpg", "RGB")
    with pytest.raises(InputError, match=r"train_landmarks\.csv"):
        CelebAMaskHQ(tmp_path, "train", 96)


def published_alignment(landmarks: np.ndarray, width: int, height: int) -> dict[str, np.ndarray]:
    """The authors' alignment, formula by formula, as an oracle: y up, whole numbers cut off."""
    points = five_points(landmarks)
    up = np.stack([points[:, 0], height - points[:, 1]], axis=1)
    unknowns = np.zeros((10, 8))
    unknowns[:5, :3], unknowns[:5, 3] = TEMPLATE_DM, 1
    unknowns[5:, 4:7], unknowns[5:, 7] = TEMPLATE_DM, 1
    k, *_ = np.linalg.lstsq(unknowns, up.T.reshape(-1), rcond=None)
    s0 = (np.linalg.norm(k[:3]) + np.linalg.norm(k[4:7])) / 2
    t, s = np.array([k[3], k[7]]), 102 / s0
    w, h = int(width * s), int(height * s)
    left = int(w / 2 - 112 + (t[0] - width / 2) * s)
    upper = int(h / 2 - 112 + (height / 2 - t[1]) * s)
    all_up = np.stack([landmarks[:, 0], height - landmarks[:, 1]], axis=1)
    moved = (all_up - t + [width / 2, height / 2]) * s - [w / 2 - 112, h / 2 - 112]
    return {
        "scale": np.array(s),
        "resized": np.array([w, h]),
        "corner": np.array([left, upper]),
        "landmarks": np.stack([moved[:, 0], 224 - moved[:, 1]], axis=1),
    }


def turned_landmarks(seed: int, scale: float, centre: tuple[float, float]) -> np.ndarray:
    """Template landmarks, turned and with noise, the others around them."""
    rng = np.random.default_rng(seed)
    landmarks = template_landmarks(scale, centre)
    landmarks[:36] += rng.normal(0, scale / 3, (36, 2))
    landmarks += rng.normal(0, scale / 100, landmarks.shape)
    angle = rng.uniform(-0.3, 0.3)
    turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return (landmarks - centre) @ turn.T + centre


@settings(max_examples=60, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    scale=st.floats(60, 700),
    x=st.floats(0.3, 0.7),
    y=st.floats(0.3, 0.7),
    width=st.integers(200, 1500),
    height=st.integers(200, 1500),
)
def test_agrees_with_the_published_formula(
    seed: int, scale: float, x: float, y: float, width: int, height: int
) -> None:
    """Same scale and size; half a pixel apart on average, and rounded to whole pixels otherwise.

    The authors place the template's origin at 112 of 224 pixels and project with a centre of 111.5;
    here both are 111.5. Whole pixels are rounded here, cut off there, where in addition landmarks
    do not follow what is cut off.
    """
    landmarks = turned_landmarks(seed, scale, (x * width, y * height))
    oracle = published_alignment(landmarks, width, height)
    ours = align(landmarks, width, height, 224)
    assert ours.resized == tuple(oracle["resized"])
    later = np.array(ours.corner) - oracle["corner"]  # half a pixel of the photograph, and rounding
    assert (later - oracle["scale"] / 2).min() >= -1.5
    assert (later - oracle["scale"] / 2).max() <= 2
    shift = ours.points(landmarks) - oracle["landmarks"]
    tolerance = 1e-6 + np.abs(landmarks).max() / min(
        width, height
    )  # (w, h) are cut to whole pixels
    assert np.abs(shift - shift[30]).max() <= tolerance
    assert -1.5 - tolerance <= shift[30].min() <= shift[30].max() <= 0.5 + tolerance


def test_worked_numbers_of_the_published_alignment() -> None:
    """A decimetre of 175 px becomes 102 px, eyes are 63.4 px apart, the origin in the middle."""
    landmarks = template_landmarks(175.0, (300.0, 280.0))
    oracle = published_alignment(landmarks, 640, 600)
    assert oracle["scale"] == pytest.approx(102 / 175)
    assert oracle["resized"].tolist() == [373, 349]  # 373.03 and 349.71, cut off
    assert oracle["corner"].tolist() == [62, 50]  # 62.84 and 50.84, cut off
    ours = align(landmarks, 640, 600, 224)
    assert (ours.resized, ours.corner) == ((373, 349), (63, 51))
    eyes = five_points(ours.points(landmarks))[:2]
    assert np.linalg.norm(eyes[1] - eyes[0]) == pytest.approx(63.4, abs=0.2)
    origin = ours.points(np.array([[300.0, 280.0]]))[0]
    np.testing.assert_allclose(origin, 111.5, atol=0.7)


@settings(max_examples=25, deadline=None)
@given(
    seed=st.integers(0, 1000),
    scale=st.floats(90, 220),
    size=st.sampled_from([96, 224]),
)
def test_pixels_go_there_and_back_within_half_a_pixel(seed: int, scale: float, size: int) -> None:
    """Blobs in the photograph are found in the crop; mapped back they are where they were."""
    rng = np.random.default_rng(seed)
    width, height = int(3.2 * scale), int(2.9 * scale)
    landmarks = template_landmarks(scale, tuple(rng.uniform(0.4, 0.6, 2) * [width, height]))
    alignment = align(landmarks, width, height, size)
    point = landmarks[30] + rng.uniform(-0.4, 0.4, 2) * scale
    rows, columns = np.mgrid[:height, :width]
    radius = scale / 22  # about two pixels of the smallest crop
    blob = np.exp(-((columns - point[0]) ** 2 + (rows - point[1]) ** 2) / (2 * radius**2))
    crop = np.asarray(alignment.image(Image.fromarray((255 * blob).astype(np.uint8))), dtype=float)
    rows, columns = np.mgrid[:size, :size]
    found = np.array([(crop * columns).sum(), (crop * rows).sum()]) / crop.sum()
    back = alignment.points_back(found[None])[0]
    assert np.abs(back - point).max() <= 0.5
