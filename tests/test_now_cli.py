"""``focsbench now score``: two paths are enough, a mistake is one sentence, codes tell the rest."""

from __future__ import annotations

import errno
import json

import pytest
from now_support import KEYS, LINES, write_dataset, write_predictions
from test_geometry_now_reference import MM_PER_UNIT, REFERENCE

from focsbench.now.result import read_json
from focsbench.now.warm_up import warm_up


@pytest.fixture
def paths(tmp_path, monkeypatch):
    """(predictions, dataset) and a cache of their own."""
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "cache"))
    return write_predictions(tmp_path / "method"), write_dataset(tmp_path / "dataset")


def test_two_paths_are_enough(focsbench, paths):
    code, output, errors = focsbench("now", "score", *paths)
    assert code == 0
    # made-up faces may look odd; but each kind of warning is one line
    kinds = [line.split()[:2] for line in errors.splitlines()]
    assert all(word == "warning" for word, _ in kinds)
    assert len({name for _, name in kinds}) == len(kinds)
    assert output.startswith("method, now version 2, mm\n")
    rows = [line.split("|")[1:3] for line in output.splitlines() if line.startswith("| ")]
    assert [(name.strip(), done.strip()) for name, done in rows[1:]] == [
        ("all", "5/5"),
        ("selfie", "2/2"),
        ("multiview_neutral", "2/2"),
        ("multiview_occlusions", "1/1"),
    ]
    assert "Files:" not in output


def test_options_reach_the_evaluation(focsbench, paths, tmp_path):
    target, folder = tmp_path / "new" / "result.json", tmp_path / "out"
    (paths[0] / f"{KEYS[4]}.obj").unlink()
    code, output, errors = focsbench(
        "now", "score", *paths, "--mode", "converged", "--metrical", "m", "--challenge", "selfie",
        "--workers", 1, "--json", target, "--output", folder, "--name", "My method",
    )  # fmt: skip
    assert code == 2
    assert f"no score: 1 images, the first is {LINES[4]}: {KEYS[4]}.obj (or .ply)" in errors
    result = read_json(target)
    assert result == read_json(folder / "result.json")
    assert [image.image for image in result.images] == [LINES[0]]
    assert list(result.missing) == [LINES[4]]
    assert (result.method, result.mode, result.metrical_unit) == ("My method", "converged", "m")
    assert result.protocol["name"] == "now_metrical_converged"
    official = folder / "My method_computed_distances_selfie.npy"
    for path in (target, folder / "images.csv", folder / "error_maps", official):
        assert f"  {path}\n" in output
        assert path.exists()
    assert sorted(path.name for path in (folder / "error_maps").iterdir()) == [
        "bela.ply",
        "bela.png",
    ]


def test_nothing_scored_is_a_failure_with_reasons(focsbench, paths, tmp_path):
    for path in paths[0].rglob("*.obj"):
        path.write_text("v 0 0\n")
    for path in paths[0].rglob("*.ply"):
        path.write_bytes(b"ply\n")
    target = tmp_path / "result.json"
    code, output, errors = focsbench("now", "score", *paths, "--json", target)
    assert code == 1
    assert "no score: 5 images" in errors
    assert "0/5" in output
    assert json.loads(target.read_text())["pooled"] is None


def test_ctrl_c_leaves_no_result(focsbench, paths, tmp_path, monkeypatch):
    def interrupted(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr("focsbench.now.evaluate.run_jobs", interrupted)
    code, output, errors = focsbench("now", "score", *paths, "--output", tmp_path / "out")
    assert (code, output, errors) == (130, "", "Stopped before the end; there is no result.\n")
    assert not (tmp_path / "out" / "result.json").exists()


@pytest.fixture
def tiny_files():
    """No file may get longer than 2500 bytes; the distances of an image take more."""
    resource = pytest.importorskip("resource", reason="needs limits of the system")
    warm_up()  # compiled code is kept on the disk
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (2500, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_is_no_missing_image(focsbench, paths, tiny_files):
    code, output, errors = focsbench("now", "score", *paths, "--workers", 1)
    assert (code, output) == (1, "")
    assert "because the disk is full (File too large)" in errors
    assert errors.count("\n") == 1


def test_what_cannot_be_written_is_no_missing_image(focsbench, paths, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()
    (folder / "distances").write_text("in the way")
    monkeypatch.setattr("focsbench.files.empty_folder", lambda path: path)
    code, output, errors = focsbench("now", "score", *paths, "--output", folder)
    assert (code, output) == (1, "")
    assert ".npy: cannot be written (Not a directory); choose another folder." in errors
    assert not (folder / "result.json").exists()


def test_tables_that_do_not_fit_are_one_sentence(focsbench, paths, tmp_path, monkeypatch):
    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("focsbench.now.result_folder.write_tables", full)
    folder = tmp_path / "out"
    code, output, errors = focsbench("now", "score", *paths, "--output", folder)
    assert (code, output) == (1, "")
    assert f"{folder}: cannot be written, because the disk is full" in errors


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["NONE", "dataset"], "NONE: no such predictions folder"),
        (["method", "NONE"], "NONE: this dataset folder does not exist"),
        (["method", "method"], "the image list of NoW is missing"),
        (["dataset", "dataset"], "no mesh of any of the 5 images is here"),
        (["method", "dataset", "--challenge", "x"], "--challenge x: the image list knows selfie"),
        (["method", "dataset", "--metrical", "km"], "Invalid value for '--metrical'"),
        (["method", "dataset", "--mode", "fast"], "Invalid value for '--mode'"),
        (["method", "dataset", "--output", "dataset"], "dataset: this folder is not empty"),
        (["method", "dataset", "--json", "dataset"], "dataset: cannot be written; choose another"),
        (["method", "dataset", "--name", "a/b"], "not usable in file names"),
    ],
)
def test_mistakes_are_one_sentence(focsbench, paths, tmp_path, monkeypatch, arguments, message):
    monkeypatch.chdir(tmp_path)
    code, output, errors = focsbench("now", "score", *arguments)
    assert (code, output) == (1, "")
    assert errors.startswith("focsbench: ")
    assert message in errors
    assert errors.count("\n") == 1


@pytest.mark.skipif(
    not (REFERENCE / "official").is_dir(), reason="no reference results of the official evaluation"
)
@pytest.mark.parametrize(("mode", "kind"), [("non_metrical", None), ("metrical", "A")])
def test_official_numbers(focsbench, tmp_path, mode, kind):
    """The command gives what the official tool gives, and has nothing to warn of."""
    official = json.loads((REFERENCE / "official" / f"{mode}.json").read_text())
    target = tmp_path / "result.json"
    options = ["--json", target]
    if kind is not None:
        unit = {1000.0: "m", 10.0: "cm"}[MM_PER_UNIT[kind]]
        options += ["--metrical", unit, "--challenge", "multiview_neutral"]
    code, _, errors = focsbench(
        "now", "score", REFERENCE / "predictions", REFERENCE / "dataset", *options
    )
    assert (code, errors) == (0, "")
    result = read_json(target)
    pairs = [pair for pair in official["pairs"] if kind in (None, pair["kind"])]
    assert [image.image for image in result.images] == [pair["line"] for pair in pairs]
    for image, pair in zip(result.images, pairs, strict=True):
        assert (image.n, image.iterations) == (pair["n_scan"], pair["n_outer"])
        assert image.median == pytest.approx(pair["median"], abs=1e-4)
        assert image.mean == pytest.approx(pair["mean"], abs=1e-5)
        assert image.std == pytest.approx(pair["std"], abs=1e-5)
        assert image.sum_of_squares == pytest.approx(pair["sse"], rel=1e-5)
    if kind is None:
        for name, value in official["pooled"].items():
            assert getattr(result.pooled, name) == pytest.approx(value, abs=1e-5)
