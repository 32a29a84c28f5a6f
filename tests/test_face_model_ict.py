"""ICT-FaceKit from a folder of its form (made of free data), and folders that are not it."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest
from face_model_files import write_ict

from focsbench.errors import InputError
from focsbench.face_models import ict, load_face_model
from focsbench.geometry.five_points import TEMPLATE_DM, five_points
from focsbench.geometry.io import read_mesh


@pytest.fixture(scope="module")
def original(tmp_path_factory):
    return write_ict(tmp_path_factory.mktemp("ict"))


@pytest.fixture(scope="module")
def model(original):
    return ict.read(original)


@pytest.fixture
def copy(original, tmp_path):
    return shutil.copytree(original, tmp_path / "ICT-FaceKit")


def refusal(path):
    with pytest.raises(InputError) as caught:
        ict.read(path)
    assert str(caught.value).startswith(str(path))
    return str(caught.value)


def test_numbers_of_the_files_in_our_frame(original, model):
    folder = original / "FaceXModel"
    neutral = read_mesh(folder / "generic_neutral_mesh.obj").vertices
    identity = read_mesh(folder / "identity001.obj").vertices
    smile = read_mesh(folder / "mouthSmile_L.obj").vertices
    kept = [*range(11248), *range(21451, 24591)]
    assert model.modes == (3, 2, 0)
    assert model.mean_shape.shape == (len(kept), 3)
    shift = model.mean_shape - 10 * neutral[kept]
    assert np.ptp(shift, axis=0).max() < 1e-4, "moved as a whole"
    moved = model.shape(np.array([0, 2, 0])) - model.mean_shape
    np.testing.assert_allclose(moved, 20 * (identity - neutral)[kept], atol=1e-4)
    smiling = model.shape(np.zeros(3), np.array([0, 1])) - model.mean_shape
    np.testing.assert_allclose(smiling, 3 * (smile - neutral)[kept], atol=1e-4)
    assert model.expression_names == ("jawOpen", "mouthSmile_L")
    points = five_points(model.mean_shape[model.landmarks68].astype(float))
    np.testing.assert_allclose((points - 100 * TEMPLATE_DM).mean(axis=0), 0, atol=1e-3)


def test_landmarks_and_parts_are_those_of_the_readme(model):
    assert model.landmarks68.tolist() == list(ict.LANDMARKS68)
    assert model.landmarks7.tolist() == [1507, 1528, 3742, 3721, 1147, 5708, 6213]
    assert model.regions["eyes"].sum() == 2 * 1570
    assert model.regions["face_and_ears"].sum() == 9409 + 2 * 1570
    face = model.crop("face")
    assert face.regions["eyes"].any()
    np.testing.assert_array_equal(
        face.mean_shape[face.landmarks68], model.mean_shape[model.landmarks68]
    )


def test_no_colours_are_no_modes(model):
    assert model.albedo_basis.shape == (0, len(model.mean_shape), 3)
    np.testing.assert_array_equal(model.albedo(np.zeros(0)), model.mean_albedo)


def test_a_copy_is_kept_and_follows_the_files(copy, tmp_path, monkeypatch):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "cache"))
    first = load_face_model("ict", copy)
    again = load_face_model("ict", copy / "FaceXModel")
    np.testing.assert_array_equal(first.identity_basis, again.identity_basis)
    assert len(list((tmp_path / "cache").rglob("ict-*.safetensors"))) == 1
    (copy / "FaceXModel" / "identity002.obj").unlink()
    assert load_face_model("ict", copy).modes == (2, 2, 0)


@pytest.mark.parametrize("name", ["identity001.obj", "jawOpen.obj", "generic_neutral_mesh.obj"])
def test_a_half_clone(copy, name):
    (copy / "FaceXModel" / name).unlink()
    message = refusal(copy)
    assert name in message
    assert "clone" in message


def test_large_files_that_were_not_fetched(copy):
    path = copy / "FaceXModel" / "identity001.obj"
    path.write_text("version https://git-lfs.github.com/spec/v1\n")
    assert "identity001.obj" in refusal(copy)


def test_another_mesh(copy):
    path = copy / "FaceXModel" / "identity001.obj"
    path.write_text("v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    assert "has 3 vertices instead of the 26719" in refusal(copy)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        '{"expressions": []}',
        '{"expressions": ["../../../etc/passwd"]}',
        '{"expressions": ["jawOpen", "jawOpen"]}',
        '{"expressions": "jawOpen"}',
        "[" * 100_000,
    ],
)
def test_lists_of_names_that_are_none(copy, text):
    (copy / "FaceXModel" / "vertex_indices.json").write_text(text)
    assert "does not list the expressions" in refusal(copy)


def test_an_expression_that_is_not_there(copy):
    path = copy / "FaceXModel" / "vertex_indices.json"
    path.write_text(json.dumps({"expressions": ["jawOpen", "browDown_R"]}))
    assert "browDown_R.obj: is missing" in refusal(copy)


def test_another_unit(copy):
    for path in (copy / "FaceXModel").glob("*.obj"):
        lines = [
            "v {} {} {}\n".format(*(10 * float(x) for x in line.split()[1:]))
            if line.startswith("v ")
            else line
            for line in path.read_text().splitlines(keepends=True)
        ]
        path.write_text("".join(lines))
    assert "as if it were in millimetres" in refusal(copy)


def test_a_folder_of_something_else(tmp_path):
    assert "no clone of ICT-FaceKit" in refusal(tmp_path)
