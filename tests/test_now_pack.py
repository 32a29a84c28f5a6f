"""``focsbench now pack``: whole submissions, the same bytes each time, or nothing at all."""

import hashlib
import zipfile

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from submission_support import KEYS, LINES, add_colours, write_heads, write_list

from focsbench.data.now import read_image_list
from focsbench.data.predictions import PredictionFolder
from focsbench.errors import ConfigError, InputError
from focsbench.geometry.io import read_mesh_with_notes
from focsbench.now.check import check_predictions
from focsbench.now.pack import make_submission, plain_obj, write_submission
from focsbench.types import Mesh


@pytest.fixture
def predictions(tmp_path):
    return write_heads(tmp_path / "ours")


@pytest.fixture
def items(tmp_path):
    return read_image_list(write_list(tmp_path / "NoW"))


def pack(predictions, items, output, **options):
    submission = make_submission(predictions, items, output, **options)
    return write_submission(submission, check_predictions(predictions, items, 1), output)


def test_a_zip_holds_what_the_folder_holds(predictions, items, tmp_path):
    assert pack(predictions, items, tmp_path / "out" / "ours.zip", unit="mm") == 0
    assert pack(predictions, items, tmp_path / "folder", unit="mm") == 0
    with zipfile.ZipFile(tmp_path / "out" / "ours.zip") as archive:
        names = archive.namelist()
        contents = {name: archive.read(name) for name in names}
    files = [path for path in (tmp_path / "folder").rglob("*") if path.is_file()]
    inside = {path.relative_to(tmp_path / "folder").as_posix(): path.read_bytes() for path in files}
    assert inside == contents
    images = [name for name in names if "/" in name]
    assert images == sorted(images)
    wanted = {f"{key}{('.obj', '.ply')[number % 2]}" for number, key in enumerate(KEYS)}
    assert set(images) == wanted | {f"{key}.npy" for key in KEYS}
    sums = dict(line.split("  ")[::-1] for line in contents["SHA256SUMS"].decode().splitlines())
    assert sums == {
        name: hashlib.sha256(data).hexdigest()
        for name, data in contents.items()
        if name != "SHA256SUMS"
    }


def test_the_same_predictions_give_the_same_bytes(predictions, items, tmp_path, monkeypatch):
    pack(predictions, items, tmp_path / "a.zip")
    monkeypatch.setenv("TZ", "Asia/Tokyo")
    for path in predictions.rglob("*.*"):
        path.touch()
    pack(predictions, items[::-1], tmp_path / "b.zip")
    assert (tmp_path / "a.zip").read_bytes() == (tmp_path / "b.zip").read_bytes()


def test_geometry_is_kept_and_made_plain(predictions, items, tmp_path):
    add_colours(predictions / f"{KEYS[0]}.obj")
    output = tmp_path / "plain"
    assert pack(predictions, items, output) == 1
    before, after = PredictionFolder(predictions), PredictionFolder(output)
    for key in KEYS:
        (mesh, landmarks), (packed, points) = before.geometry(key), after.geometry(key)
        np.testing.assert_array_equal(packed.vertices, mesh.vertices)
        np.testing.assert_array_equal(packed.triangles, mesh.triangles)
        np.testing.assert_array_equal(points, landmarks)
        assert np.load(after.landmark_file(key)).shape == (7, 3)
        assert read_mesh_with_notes(after.mesh_file(key))[1] == frozenset()


@given(hnp.arrays(np.float64, (5, 3), elements=st.floats(-1e300, 1e300)))
def test_plain_meshes_keep_every_digit(tmp_path_factory, vertices):
    path = tmp_path_factory.mktemp("obj") / "mesh.obj"
    triangles = np.array([[0, 1, 2], [4, 3, 2]])
    path.write_bytes(plain_obj(Mesh(vertices, triangles)))
    mesh, notes = read_mesh_with_notes(path)
    assert mesh.vertices.tobytes() == vertices.tobytes()
    assert mesh.triangles.tolist() == triangles.tolist()
    assert notes == frozenset()


def test_incomplete_predictions_are_refused(predictions, items, tmp_path):
    (predictions / f"{KEYS[1]}.ply").unlink()
    before = sorted(tmp_path.rglob("*"))
    for output in (tmp_path / "new" / "out.zip", tmp_path / "new" / "out"):
        with pytest.raises(InputError, match=f"1 of 4 images .* {LINES[1]}; nothing was written"):
            pack(predictions, items, output)
    assert sorted(tmp_path.rglob("*")) == before


@pytest.mark.parametrize("name", ["out.zip", "out"])
def test_a_failure_on_the_way_leaves_nothing(predictions, items, tmp_path, name):
    output = tmp_path / name
    submission = make_submission(predictions, items, output)
    report = check_predictions(predictions, items, 1)
    (predictions / f"{KEYS[0]}.npy").unlink()  # after the check
    with pytest.raises(InputError, match=r"\.npy"):
        write_submission(submission, report, output)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["NoW", "ours"]


def test_the_readme_says_what_it_is(predictions, items, tmp_path):
    pack(predictions, items, tmp_path / "a", unit="cm", name="Ours v2")
    text = (tmp_path / "a" / "README.txt").read_text()
    for line in (
        "Method: Ours v2",
        "Unit of the meshes: cm",
        "Images: 4, all with mesh and landmarks",
        "  multiview_neutral: 2",
        "Subjects: 2",
    ):
        assert f"\n{line}\n" in text
    assert "neutral" in text
    pack(predictions, items, tmp_path / "b")
    assert "\nUnit of the meshes: not stated" in (tmp_path / "b" / "README.txt").read_text()


def test_options_that_contradict(predictions, items, tmp_path):
    (tmp_path / "there").mkdir()
    with pytest.raises(ConfigError, match="there: exists already"):
        make_submission(predictions, items, tmp_path / "there")
    with pytest.raises(ConfigError, match="--name '': not usable"):
        make_submission(predictions, items, tmp_path / "x", name="")
    (predictions / "manifest.json").write_text('{"unit": "mm"}')
    assert make_submission(predictions, items, tmp_path / "x").unit == "mm"
    with pytest.raises(ConfigError, match=r"--unit m: .*manifest\.json says .* mm"):
        make_submission(predictions, items, tmp_path / "x", unit="m")
    (predictions / "manifest.json").write_text('{"unit": "ell"}')
    with pytest.raises(InputError, match="'ell'"):
        make_submission(predictions, items, tmp_path / "x")


def test_command(focsbench, predictions, tmp_path):
    write_list(tmp_path / "NoW")
    output = tmp_path / "ours.zip"
    code, text, errors = focsbench("now", "pack", predictions, tmp_path / "NoW", output)
    assert (code, errors) == (0, "")
    assert text.startswith(f"4 images, 0 meshes written anew: {output}\n")
    assert "site of the benchmark" in text
    assert zipfile.is_zipfile(output)
    (predictions / f"{KEYS[2]}.obj").unlink()
    other = tmp_path / "other.zip"
    code, text, errors = focsbench("now", "pack", predictions, tmp_path / "NoW", other)
    assert (code, text) == (1, "")
    assert f"\n  {LINES[2]}\n" in errors
    assert errors.splitlines()[-1].startswith("focsbench: ")
    assert not other.exists()
