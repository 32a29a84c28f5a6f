"""Basel Face Model 2017 from files of its form (made of free data), and files that are not it."""

from __future__ import annotations

import contextlib
import os
import pickle  # noqa: TID251 - to show that a pickle that runs something is not run
import shutil

import h5py
import numpy as np
import pytest
from face_model_files import CROP_START, write_bfm2017
from hypothesis import given
from hypothesis import strategies as st

from focsbench.errors import ConfigError, InputError
from focsbench.face_models import bfm2017_landmarks, load_face_model
from focsbench.face_models.bfm2017 import VARIANTS, analytic_crop, read_crop
from focsbench.face_models.hdf5_arrays import Hdf5Arrays

COUNT = 53149


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_bfm2017(tmp_path_factory.mktemp("bfm") / "model2017-1_bfm_nomouth.h5")


@pytest.fixture(scope="module")
def model(original):
    return load_face_model("bfm2017", original)


@pytest.fixture
def copy(original, tmp_path):
    """A copy that a test may spoil."""
    return shutil.copy(original, tmp_path / "model.h5")


def refusal(path):
    with pytest.raises(InputError) as caught:
        load_face_model("bfm2017", path)
    message = str(caught.value)
    assert message.startswith(f"{path}: ")
    assert message.count(". ") == 0, "one sentence"
    assert message.endswith(".")
    return message.removeprefix(f"{path}: ")


def test_numbers_of_the_file_in_our_frame(original, model):
    with h5py.File(original) as file:
        mean = file["shape/model/mean"][:].reshape(-1, 3)
        expression_mean = file["expression/model/mean"][:].reshape(-1, 3)
        colour = file["color/model/mean"][:].reshape(-1, 3)
        cells = file["shape/representer/cells"][:]
        moved = file["shape/model/pcaBasis"][:, 3] * np.sqrt(file["shape/model/pcaVariance"][3])
        smiled = file["expression/model/pcaBasis"][:, 1] * np.sqrt(
            file["expression/model/pcaVariance"][1]
        )
        tinted = file["color/model/pcaBasis"][:, 2] * np.sqrt(file["color/model/pcaVariance"][2])
    assert model.name == "bfm2017"
    assert model.modes == (12, 8, 12)
    assert model.mean_shape.shape == (COUNT, 3)
    np.testing.assert_array_equal(model.triangles, cells.T)
    neutral = model.shape(2.0 * np.eye(12)[3])
    np.testing.assert_allclose(neutral, mean - [0, 0, 100] + 2 * moved.reshape(-1, 3), atol=2e-4)
    fitted = model.shape(np.zeros(12), -np.eye(8)[1])
    expected = mean - [0, 0, 100] + expression_mean - smiled.reshape(-1, 3)
    np.testing.assert_allclose(fitted, expected, atol=2e-4)
    assert np.abs(expression_mean).max() > 0.5  # a mean of zero would hide a mistake
    albedo = model.albedo(3.0 * np.eye(12)[2])
    np.testing.assert_allclose(albedo, colour + 3 * tinted.reshape(-1, 3), atol=1e-5)
    assert model.landmarks68.tolist() == list(bfm2017_landmarks.NOMOUTH68)
    assert model.landmarks7.tolist() == [2735, 6088, 10263, 13746, 8165, 5394, 11116]


def test_published_numbers_of_columns_are_cut_to_those_of_the_paper(tmp_path):
    path = write_bfm2017(tmp_path / "bfm.h5", modes=(3, 2, 3), padded=(199, 100, 199))
    model = load_face_model("bfm2017", path)
    assert model.modes == (80, 64, 80)
    assert np.abs(model.identity_basis[:3]).max(axis=(1, 2)).min() > 0.1
    assert not model.identity_basis[3:].any()


def test_face12(tmp_path):
    path = write_bfm2017(tmp_path / "face12.h5", modes=(3, 2, 3), variant="bfm2017-face12")
    model = load_face_model("bfm2017", path)
    assert model.name == "bfm2017-face12"  # its coefficients mean something else
    assert model.mean_shape.shape == (28588, 3)
    assert model.landmarks68.tolist() == list(bfm2017_landmarks.FACE12_68)
    assert model.landmarks7.tolist() == [2218, 5962, 10014, 13100, 8168, 5263, 10727]
    assert len(model.crop("face").mean_shape) < 28588


def test_crop_by_formula_keeps_every_landmark(model):
    face = model.crop("face")
    assert 30000 < len(face.mean_shape) < COUNT
    points = model.mean_shape[model.landmarks68]
    np.testing.assert_array_equal(face.mean_shape[face.landmarks68], points)
    assert face.expression_mean.shape == face.mean_shape.shape


def test_crop_of_the_authors(tmp_path):
    path = write_bfm2017(tmp_path / "bfm.h5", modes=(3, 2, 3), crop=True)
    model = load_face_model("bfm2017", path)
    kept = read_crop(tmp_path / "idxes_crop.pkl")
    assert model.landmarks68.tolist() == kept[list(bfm2017_landmarks.CROP68)].tolist()
    assert CROP_START < len(kept) < COUNT
    np.testing.assert_array_equal(np.flatnonzero(model.regions["face"]), np.sort(kept))
    face = model.crop("face")
    assert face.landmarks68.max() < len(face.mean_shape)


class Command:
    def __reduce__(self):
        return os.system, ("touch ran",)


def test_a_crop_file_that_runs_a_command_is_not_run(original, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = shutil.copy(original, tmp_path / "bfm.h5")
    crop = tmp_path / "idxes_crop.pkl"
    crop.write_bytes(pickle.dumps({"points": Command()}))
    with pytest.raises(InputError, match=r"idxes_crop\.pkl.*posix\.system"):
        load_face_model("bfm2017", path)
    assert not (tmp_path / "ran").exists()


def test_the_crop_may_be_a_list(tmp_path):
    path = tmp_path / "idxes_crop.pkl"
    path.write_bytes(pickle.dumps({"points": [[point] for point in range(40000)]}))
    assert read_crop(path).tolist() == [*range(40000)]


@pytest.mark.parametrize(
    "points",
    [
        [1, 2, 3],
        np.arange(COUNT + 1),
        np.zeros(40000, int),
        np.arange(40000.0),
        "no",
        None,
        [[1], [2, 3]],
        [2**70] * 40000,
        ["word"] * 40000,
    ],
)
def test_another_pickle_is_not_taken_for_the_crop(points, tmp_path):
    path = tmp_path / "idxes_crop.pkl"
    path.write_bytes(pickle.dumps({"points": points}))
    with pytest.raises(InputError, match="not the authors' list"):
        read_crop(path)


def naive_crop(x, y, z):
    """The conditions as the authors' first version states them, one vertex at a time."""
    if z <= 0:
        return False
    inside = (
        (x / z) ** 2 / 100**2 + (y / z) ** 2 / 0.75**2 <= 1
        or (x / z) ** 2 / 100**2 + ((y + 18) / z) ** 2 / 0.62**2 <= 1
        or (x / z) ** 2 / 3.2**2 + ((y - 25) / z) ** 2 / 0.92**2 <= 1
    )
    return inside and z + 0.05 * y > 20


coordinates = st.integers(-150, 150).map(float)


@given(st.lists(st.tuples(coordinates, coordinates, coordinates), min_size=1, max_size=40))
def test_crop_by_formula_is_the_formula(points):
    expected = [naive_crop(*point) for point in points]
    assert analytic_crop(np.array(points)).tolist() == expected


def test_crop_by_formula_on_points_worked_out_by_hand():
    points = [
        [0, 0, 131],  # nose tip
        [0, -75, 95],  # chin: only the lower cone has it, 57 <= 0.62 * 95
        [0, 90, 90],  # forehead: only the upper cone has it, 65 <= 0.92 * 90
        [70, 0, 19.9],  # beside the ear: z is too small
        [0, -80, 60],  # neck
    ]
    assert analytic_crop(np.array(points)).tolist() == [True, True, True, False, False]


def test_a_truncated_file(copy):
    data = copy.read_bytes()
    copy.write_bytes(data[: len(data) * 6 // 10])
    assert "cut off" in refusal(copy)


def test_no_file_and_no_name(tmp_path):
    assert "no such file" in refusal(tmp_path / "missing.h5")
    with pytest.raises(ConfigError, match=r"bfm2017 needs model2017-1_bfm_nomouth\.h5"):
        load_face_model("bfm2017")
    with pytest.raises(ConfigError, match="anny is built from an installed package"):
        load_face_model("anny", tmp_path)


def test_a_folder_or_text_is_no_model(tmp_path):
    assert "no such file" in refusal(tmp_path)
    text = tmp_path / "model.h5"
    text.write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "cannot be read as HDF5" in refusal(text)


def rewrite(path, name, change):
    with h5py.File(path, "r+") as file:
        values = file[name][()]
        del file[name]
        changed = change(values)
        if changed is not None:
            file[name] = changed


@pytest.mark.parametrize(
    ("name", "change", "reason"),
    [
        ("color/model/pcaBasis", lambda v: None, "no dataset color/model/pcaBasis"),
        ("shape/model/mean", lambda v: v[:-3], "no known mesh of the Basel Face Model 2017"),
        ("shape/model/mean", lambda v: v[None], "no known mesh"),
        ("shape/representer/cells", lambda v: v.T, "instead of (3, 105694)"),
        ("expression/model/pcaBasis", lambda v: v[:-3], "instead of (159447, 8)"),
        ("expression/model/pcaVariance", lambda v: v[:-1], "instead of (159447, 7)"),
        ("shape/representer/cells", lambda v: v + 1, "vertices that do not exist"),
        (
            "shape/model/mean",
            lambda v: v / 1000,
            "as if it were in metres",
        ),
        ("shape/model/mean", lambda v: v * 1000, "as if it were in micrometres"),
        ("shape/model/mean", lambda v: v.reshape(-1, 3)[::-1].ravel(), "landmarks are not where"),
        ("shape/model/mean", lambda v: -v, "landmarks are not where"),
        ("shape/model/mean", lambda v: 0 * v, "mm apart instead of some 90"),
        ("shape/representer/cells", lambda v: v[::-1], "triangles look inwards"),
        ("shape/model/pcaBasis", lambda v: v * 30, "not of length 1"),
        ("shape/model/pcaVariance", lambda v: v * 1e6, "scaled otherwise"),
        ("shape/model/pcaVariance", lambda v: -v, "variances are negative"),
        ("color/model/mean", lambda v: v * 255, "instead of 0 to 1"),
        ("color/model/mean", lambda v: v / 255, "colours are black"),
        ("shape/model/mean", lambda v: np.where(np.arange(len(v)) == 9, np.nan, v), "not finite"),
        ("shape/model/mean", lambda v: v.astype("S8"), "instead of numbers"),
    ],
)
def test_wrong_shapes_units_and_models(copy, name, change, reason):
    rewrite(copy, name, change)
    assert reason in refusal(copy)


def hostile(path, kind):
    """Replace the mean shape by something that is no plain array in the file."""
    name = "shape/model/mean"
    with h5py.File(path, "r+") as file:
        if kind == "virtual":
            layout = h5py.VirtualLayout((3 * COUNT,), "f4")
            layout[:] = h5py.VirtualSource("other.h5", "x", (3 * COUNT,))
        if kind != "huge chunk":
            del file[name]
        if kind == "external link":
            file[name] = h5py.ExternalLink("/etc/passwd", "x")
        elif kind == "soft link":
            file[name] = h5py.SoftLink("/expression/model/mean")
        elif kind == "external data":
            external = [("/etc/passwd", 0, 12 * COUNT)]
            file.create_dataset(name, (3 * COUNT,), "f4", external=external)
        elif kind == "virtual":
            file.create_virtual_dataset(name, layout)
        elif kind == "group":
            file.create_group(name)
        elif kind == "huge":
            file.create_dataset(name, (1 << 40,), "f4", chunks=(1 << 10,))
        elif kind == "huge chunk":
            del file["shape/model/pcaBasis"]
            chunks = (3 * COUNT, 500)
            file.create_dataset(
                "shape/model/pcaBasis", (3 * COUNT, 12), "f4", chunks=chunks, maxshape=(None, None)
            )
    return path


@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        ("external link", "is a link"),
        ("soft link", "is a link"),
        ("external data", "in another file"),
        ("virtual", "in another file"),
        ("group", "is no dataset"),
        ("huge", "no known mesh"),
        ("huge chunk", "in pieces of 304 MiB"),
    ],
)
def test_hdf5_files_with_ill_intent(copy, kind, reason):
    assert reason in refusal(hostile(copy, kind))


@pytest.fixture(scope="module")
def flipped(tmp_path_factory):
    """A small file and its content."""
    path = tmp_path_factory.mktemp("flip") / "small.h5"
    with h5py.File(path, "w") as file:
        file["shape/model/mean"] = np.arange(30.0)
        packed = {"compression": "gzip", "shuffle": True, "fletcher32": True, "chunks": (10, 2)}
        file.create_dataset("shape/model/pcaBasis", data=np.ones((30, 4), "f4"), **packed)
    content = path.read_bytes()
    return path, content


@given(st.data())
def test_a_flipped_byte_ends_in_numbers_or_a_reason(flipped, data):
    path, content = flipped
    place = data.draw(st.integers(0, len(content) - 1))
    spoilt = bytearray(content)
    spoilt[place] ^= data.draw(st.integers(1, 255))
    path.write_bytes(spoilt)
    with contextlib.suppress(InputError), Hdf5Arrays(path) as file:  # nothing else comes out
        assert file.numbers("shape/model/mean", (30,)).shape == (30,)
        assert file.numbers("shape/model/pcaBasis", (30, None), columns=2).shape == (30, 2)


def test_variants_are_the_published_ones():
    assert [(v.vertices, v.triangles) for v in VARIANTS] == [(53149, 105694), (28588, 56572)]
