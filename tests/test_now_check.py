"""``focsbench now check``: what is missing or wrong is named, and nothing else."""

import json

import numpy as np
import pytest
from submission_support import KEYS, LINES, add_colours, write_heads, write_list

from focsbench.data.now import read_image_list
from focsbench.errors import InputError
from focsbench.geometry.io import read_mesh, write_mesh
from focsbench.now import check as check_module
from focsbench.now.check import check_predictions, listed_images, report_lines
from focsbench.types import Mesh


@pytest.fixture
def predictions(tmp_path):
    return write_heads(tmp_path / "ours")


@pytest.fixture
def items(tmp_path):
    return read_image_list(write_list(tmp_path / "NoW"))


def named(report):
    """Lines of the images by severity and name of what is found."""
    return {
        (str(severity), name): [line for line, _ in hits]
        for (severity, name), hits in report.grouped().items()
    }


def test_good_predictions_have_no_findings(predictions, items):
    report = check_predictions(predictions, items, 1)
    assert report_lines(report) == []
    assert list(report.images) == list(LINES)
    assert report.unusable == []


def shift_landmarks(stem):
    np.save(stem.with_suffix(".npy"), np.load(stem.with_suffix(".npy")) + 900)


def cut_off_a_triangle(stem):
    mesh = read_mesh(stem.with_suffix(".obj"))
    write_mesh(stem.with_suffix(".obj"), Mesh(mesh.vertices, mesh.triangles[1:]))


@pytest.mark.parametrize(
    ("severity", "name", "breakage"),
    [
        ("error", "no_mesh", lambda stem: stem.with_suffix(".obj").unlink()),
        (
            "error",
            "no_mesh",
            lambda stem: stem.with_suffix(".obj").write_text("v 0 0 nan\nf 1 1 1"),
        ),
        ("error", "no_landmarks", lambda stem: stem.with_suffix(".npy").unlink()),
        (
            "error",
            "no_landmarks",
            lambda stem: np.save(stem.with_suffix(".npy"), np.zeros((68, 3))),
        ),
        ("error", "landmarks_off_mesh", shift_landmarks),
        ("warning", "misread_by_official_tool", lambda stem: add_colours(stem.with_suffix(".obj"))),
        ("warning", "two_meshes", lambda stem: stem.with_suffix(".ply").write_text("")),
        ("warning", "two_landmark_files", lambda stem: stem.with_suffix(".txt").write_text("")),
    ],
)
def test_each_breakage_is_named(predictions, items, severity, name, breakage):
    breakage(predictions / KEYS[2])
    report = check_predictions(predictions, items, 1)
    assert named(report) == {(severity, name): [LINES[2]]}
    assert report.unusable == ([LINES[2]] if severity == "error" else [])
    assert report.images[LINES[2]].is_misread == (name == "misread_by_official_tool")
    (line,) = report_lines(report)
    assert line.startswith(f"{severity} {name}: 1 of 4 images, the first is {LINES[2]}: ")
    assert str(predictions) not in line


def test_landmarks_that_only_we_can_read(predictions, items):
    path = predictions / f"{KEYS[1]}.txt"
    path.write_text(path.read_text().replace(" ", "  "))
    report = check_predictions(predictions, items, 1)
    assert named(report) == {("warning", "misread_by_official_tool"): [LINES[1]]}
    assert not report.images[LINES[1]].is_misread  # the mesh is as it should be


def test_another_topology_and_strange_files_are_hints(predictions, items):
    cut_off_a_triangle(predictions / KEYS[0])
    (predictions / "anna" / "notes").write_text("")
    (predictions / "manifest.json").write_text("{}")
    (predictions / "results").mkdir()
    (predictions / "results" / "x.npy").write_text("")
    report = check_predictions(predictions, items, 1)
    assert named(report) == {
        ("warning", "topology_differs"): [""],
        ("warning", "unexpected_files"): [""],
    }
    topology, strange = report_lines(report)
    assert "1 of 4 meshes" in topology
    assert f"the first is {LINES[0]}" in topology
    assert "1 files" in strange
    assert "the first is anna/notes" in strange


def test_failures_of_the_method_keep_their_reason(predictions, items):
    failures = {"failures": {KEYS[3]: "no face found"}}
    (predictions / "manifest.json").write_text(json.dumps(failures))
    report = check_predictions(predictions, items, 1)
    assert report.unusable == [LINES[3]]
    assert "no face found" in report.images[LINES[3]].findings[0].message


def test_workers_change_nothing(predictions, items, monkeypatch):
    cut_off_a_triangle(predictions / KEYS[0])
    (predictions / f"{KEYS[3]}.ply").unlink()
    alone = check_predictions(predictions, items, 1)
    monkeypatch.setattr(check_module, "_FEW", 0)
    assert check_predictions(predictions, items, 2) == alone


def test_lists_and_folders(tmp_path):
    path = write_list(tmp_path, "imagepathsvalidation.txt")
    assert [item.file for item in listed_images(path, "test")] == list(LINES)
    assert [item.file for item in listed_images(tmp_path, "validation")] == list(LINES)
    with pytest.raises(InputError, match=r"imagepathstest\.txt"):
        listed_images(tmp_path, "test")


def test_command(focsbench, predictions, tmp_path):
    image_list = write_list(tmp_path / "NoW")
    assert focsbench("now", "check", predictions, image_list) == (
        0,
        "4 of 4 images can be scored\n",
        "",
    )
    for key in KEYS[1:3]:
        stem = predictions / key
        for suffix in (".npy", ".txt"):
            stem.with_suffix(suffix).unlink(missing_ok=True)
    code, output, _ = focsbench("now", "check", predictions, tmp_path / "NoW", "--split", "test")
    assert code == 2
    assert "error no_landmarks: 2 of 4 images" in output
    assert output.endswith("2 of 4 images can be scored\n")
    _, output, _ = focsbench("now", "check", predictions, image_list, "--verbose")
    assert output.count("error no_landmarks: ") == 2
    code, output, errors = focsbench("now", "check", tmp_path / "none", image_list)
    assert (code, output) == (1, "")
    assert errors.count("\n") == 1
