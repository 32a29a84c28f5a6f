"""The evaluation of a folder: every image, whatever happens to others; workers change nothing."""

from __future__ import annotations

import csv
import json
from dataclasses import replace

import numpy as np
import pytest
import trimesh
from geometry_support import closest_distance
from now_support import KEYS, LINES, SUBJECTS, face_of, predicted, write_dataset, write_predictions
from PIL import Image

from focsbench.data.now import read_image_list
from focsbench.data.predictions import PredictionFolder
from focsbench.drawing.scan_views import cropped_triangles, face_axes
from focsbench.errors import ConfigError, InputError
from focsbench.geometry.scan_crop import crop_scan
from focsbench.now.distance_files import distance_file, read_distances
from focsbench.now.error_maps import mean_error
from focsbench.now.evaluate import evaluate
from focsbench.now.inputs import make_request
from focsbench.now.legacy import read_legacy
from focsbench.now.misread import MISREAD
from focsbench.now.pair import score_pair
from focsbench.now.result import read_json, summarise_group, write_json
from focsbench.now.result_folder import write_result_folder
from focsbench.now.scans import cropped_scan, find_scan
from focsbench.now.tables import markdown_table, warning_lines
from focsbench.types import Mesh

FILES = (
    "images.csv",
    "subjects.csv",
    "challenges.csv",
    "error_maps/anna.png",
    "error_maps/anna.ply",
    "error_maps/bela.png",
    "method_computed_distances.npy",
    "scans/anna.npy",
    *(f"distances/{key}.npy" for key in KEYS),
)


@pytest.fixture(scope="module")
def folders(tmp_path_factory):
    """(dataset, predictions, result folder of one worker, of two), and their results."""
    root = tmp_path_factory.mktemp("now")
    dataset = write_dataset(root / "dataset")
    predictions = write_predictions(root / "method")
    results = []
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("FOCSBENCH_CACHE", str(root / "cache"))
        request = make_request(predictions, dataset)
        for workers in (1, 2):
            folder = root / f"out{workers}"
            folder.mkdir()
            results.append(evaluate(request, folder, workers))
            write_result_folder(request, results[-1], folder, workers)
        yield dataset, predictions, (root / "out1", root / "out2"), results


def without_times(result):
    return replace(result, images=tuple(replace(one, cpu_seconds=0.0) for one in result.images))


def test_one_or_two_workers_give_the_same_bytes(folders):
    _, _, (one, two), results = folders
    assert without_times(results[0]) == without_times(results[1])
    for name in FILES:
        assert (one / name).read_bytes() == (two / name).read_bytes(), name


def test_images_come_in_the_order_of_the_list_with_distances_in_scan_order(folders):
    dataset, predictions, (out, _), (result, _) = folders
    assert [image.image for image in result.images] == list(LINES)
    for image, key in zip(result.images, KEYS, strict=True):
        scan = cropped_scan(*find_scan(dataset, key.split("/")[0]))
        pair = score_pair(PredictionFolder(predictions), key, scan)
        stored = read_distances(distance_file(out, key))
        assert stored.dtype == np.float64
        np.testing.assert_array_equal(stored, pair.distances)
        numbers = np.load(out / "scans" / f"{key.split('/')[0]}.npy")
        mesh, landmarks = face_of(key.split("/")[0])
        np.testing.assert_array_equal(numbers, crop_scan(mesh.vertices, landmarks))
        assert image.n == len(stored) == len(numbers)
        assert image.median == np.median(stored)
        assert image.mean == pytest.approx(stored.mean(), rel=1e-12)
        assert image.std == pytest.approx(stored.std(), rel=1e-12)
        assert image.sum_of_squares == pytest.approx((stored**2).sum(), rel=1e-12)
        assert image.iterations == pair.steps > 0
        assert image.cpu_seconds > 0


def test_a_distance_is_that_of_its_vertex_to_the_placed_mesh(folders):
    dataset, predictions, (out, _), _ = folders
    key = KEYS[0]
    scan = cropped_scan(*find_scan(dataset, "bela"))
    pair = score_pair(PredictionFolder(predictions), key, scan)
    mesh = PredictionFolder(predictions).geometry(key)[0]
    corners = pair.transform.apply(mesh.vertices)[mesh.triangles]
    for index in (0, 17, len(scan.points) - 1):
        oracle = min(closest_distance(scan.points[index], triangle) for triangle in corners)
        assert read_distances(distance_file(out, key))[index] == pytest.approx(oracle, abs=1e-9)


def test_groups_pool_their_images(folders):
    _, _, (out, _), (result, _) = folders
    groups = {**result.challenges, **result.subjects, "all": result.overall}
    for name, group in groups.items():
        keys = [key for key in KEYS if name == "all" or name in key.split("/")]
        pool = np.concatenate([read_distances(distance_file(out, key)) for key in keys])
        assert (group.images, group.done, group.done_rate) == (len(keys), len(keys), 1)
        assert group.pooled.n == len(pool)
        for statistic in ("median", "mean", "std"):
            value = getattr(np, statistic)(pool)
            assert getattr(group.pooled, statistic) == pytest.approx(value, rel=1e-12)
            each = [getattr(np, statistic)(read_distances(distance_file(out, key))) for key in keys]
            assert getattr(group.mean_of_images, statistic) == pytest.approx(np.mean(each))
    assert list(result.challenges) == ["selfie", "multiview_neutral", "multiview_occlusions"]
    assert list(result.subjects) == ["bela", "anna"]


def test_json_has_the_published_form_and_is_read_back(folders, tmp_path):
    _, _, (out, _), (result, _) = folders
    data = json.loads((out / "result.json").read_text())
    assert list(data) == [
        "method", "mode", "metrical_unit", "protocol", "images", "missing", "n_images", "n_done",
        "done_rate", "pooled", "mean_of_images", "challenges", "subjects",
    ]  # fmt: skip
    assert list(data["images"][0]) == [
        "image", "n", "median", "mean", "std", "iterations", "sum_of_squares", "cpu_seconds",
        "warnings",
    ]  # fmt: skip
    assert set(data["pooled"]) == {"n", "median", "mean", "std"}
    assert data["protocol"]["name"] == "now"
    assert data["protocol"]["version"] == 2
    assert (data["method"], data["mode"], data["metrical_unit"]) == ("method", "official", None)
    assert read_json(out / "result.json") == result
    nothing = replace(
        result, images=(), missing=dict.fromkeys(LINES, "lost"), overall=summarise_group(5, [], [])
    )
    write_json(tmp_path / "nothing.json", nothing)
    assert json.loads((tmp_path / "nothing.json").read_text())["pooled"] is None
    assert read_json(tmp_path / "nothing.json") == nothing
    assert nothing.done_rate == 0
    assert [cell.strip() for cell in markdown_table(nothing).splitlines()[2].split("|")[1:-1]] == [
        "all", "0/5", *["—"] * 7
    ]  # fmt: skip


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"method": 1}', "[" * 5000])
def test_what_is_no_result_is_refused(tmp_path, text):
    (tmp_path / "result.json").write_text(text)
    with pytest.raises(InputError, match=r"result\.json: not a result of `focsbench now score`"):
        read_json(tmp_path / "result.json")


@pytest.mark.parametrize("line", ["", "a.jpg", "a//c.jpg", "../b/c.jpg", "a/b/c/d.jpg"])
def test_images_of_a_result_are_lines_of_the_list(folders, tmp_path, line):
    _, _, _, (result, _) = folders
    images = (replace(result.images[0], image=line), *result.images[1:])
    write_json(tmp_path / "result.json", replace(result, images=images))
    with pytest.raises(InputError, match=r"result\.json: .* is not subject/challenge/image\.jpg"):
        read_json(tmp_path / "result.json")


def test_tables(folders):
    _, _, (out, _), (result, _) = folders
    with (out / "images.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["image"] for row in rows] == list(LINES)
    assert [float(row["median"]) for row in rows] == [image.median for image in result.images]
    assert {row["status"] for row in rows} == {"ok"}
    with (out / "challenges.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["challenge"] for row in rows] == ["all", *result.challenges]
    assert float(rows[0]["mean_of_medians"]) == result.mean_of_images.median
    lines = markdown_table(result).splitlines()
    assert len(lines) == 2 + 1 + 3
    assert f"{result.pooled.median:.2f}" in lines[2]
    assert f"{result.mean_of_images.median:.2f}" in lines[2]


def test_the_official_file_has_the_distances_of_every_image(folders):
    _, _, (out, _), (result, _) = folders
    legacy = read_legacy(out / "method_computed_distances.npy")
    assert legacy.images == LINES
    assert legacy.missing == 0
    np.testing.assert_array_equal(legacy.distances[2], read_distances(distance_file(out, KEYS[2])))
    text = (out / "method_computed_distances.npy.meanmedian").read_text()
    assert [float(line) for line in text.split()] == [result.pooled.median, result.pooled.mean]


def test_error_maps_show_the_mean_error_of_the_subject(folders):
    _, _, (out, _), _ = folders
    for subject in SUBJECTS:
        keys = [key for key in KEYS if key.startswith(subject)]
        errors = np.mean([read_distances(distance_file(out, key)) for key in keys], axis=0)
        ply = trimesh.load(out / "error_maps" / f"{subject}.ply", process=False)
        written = ply.metadata["_ply_raw"]["vertex"]["data"]["error"]
        np.testing.assert_allclose(written, errors, rtol=1e-6)
        kept = np.load(out / "scans" / f"{subject}.npy")
        np.testing.assert_allclose(ply.vertices, face_of(subject)[0].vertices[kept], atol=1e-4)
        colours = np.asarray(ply.visual.vertex_colors, dtype=int)
        assert (colours[errors.argmax()] != colours[errors.argmin()]).any()
        with Image.open(out / "error_maps" / f"{subject}.png") as picture:
            pixels = np.asarray(picture.convert("RGB"))
        white = (pixels == 255).all(axis=-1).mean()
        assert 0.3 < white < 0.8  # three faces on white paper


def test_parts_of_error_maps():
    assert mean_error([np.array([1.0, 2.0]), np.array([3.0, 0.0])]).tolist() == [2.0, 1.0]
    square = Mesh(np.zeros((5, 3)), np.array([[1, 2, 4], [0, 1, 2]]))
    assert cropped_triangles(square, np.array([1, 2, 4])).tolist() == [[0, 1, 2]]
    np.testing.assert_allclose(face_axes(face_of("anna")[1]), np.eye(3), atol=0.2)
    turn = np.array([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]])
    turned = face_axes(face_of("anna")[1] @ turn.T)
    np.testing.assert_allclose(turned, face_axes(face_of("anna")[1]) @ turn.T, atol=1e-12)


def test_a_broken_image_stops_no_other(tmp_path, monkeypatch):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "cache"))
    dataset = write_dataset(tmp_path / "dataset")
    predictions = write_predictions(tmp_path / "method")
    (predictions / f"{KEYS[4]}.obj").unlink()
    np.save(predictions / f"{KEYS[2]}.npy", np.ones((7, 3)))
    (dataset / "scans_lmks_onlypp" / "bela" / "scan.pp").unlink()
    mesh, _ = predicted(KEYS[1])
    with (predictions / f"{KEYS[1]}.obj").open("w") as file:  # with colours; mirrored
        np.savetxt(
            file,
            np.c_[mesh.vertices * [-1, 1, 1], np.ones((len(mesh.vertices), 3))],
            "v" + 6 * " %.7f",
        )
        np.savetxt(file, mesh.triangles + 1, "f %d %d %d")
    (predictions / f"{KEYS[1]}.ply").unlink()
    (tmp_path / "out").mkdir()
    request = make_request(predictions, dataset)
    result = evaluate(request, tmp_path / "out", 1)
    assert [image.image for image in result.images] == [LINES[1]]
    assert result.done_rate == pytest.approx(1 / 5)
    assert list(result.missing) == [LINES[0], LINES[2], LINES[3], LINES[4]]
    assert "no *.pp file" in result.missing[LINES[0]]
    assert "coincide" in result.missing[LINES[2]]
    assert result.missing[LINES[4]].startswith(f"{KEYS[4]}.obj (or .ply): the mesh is missing")
    assert result.challenges["selfie"].pooled is None
    assert result.challenges["multiview_neutral"].done_rate == 0.5
    assert not (tmp_path / "out/distances" / f"{KEYS[2]}.npy").exists()
    assert [path.name for path in (tmp_path / "out/scans").iterdir()] == ["anna.npy"]
    assert any(warning.startswith(MISREAD) for warning in result.images[0].warnings)
    text = warning_lines(result)
    assert any(
        line.startswith(f"warning {MISREAD}: 1 of 1 images, the first is {LINES[1]}: ")
        for line in text
    )
    assert text[-1].startswith(f"no score: 4 images, the first is {LINES[0]}: ")
    with pytest.raises(InputError, match=r"IMG_1\.npy: the file of distances is missing"):
        read_distances(distance_file(tmp_path / "out", KEYS[2]))


@pytest.mark.parametrize(
    ("array", "reason"),
    [
        (np.array([1.0, np.nan]), "a distance is negative or not finite"),
        (np.array([1.0, -1.0]), "a distance is negative or not finite"),
        (np.zeros(0), "0 distances where 2 belong"),
        (np.ones(3), "3 distances where 2 belong"),
        (np.ones((2, 1)), "an array of float64 with 2 axes"),
        (np.array(["a", "b"]), "an array of <U1"),
        (np.array([1, 2]), "an array of int64 with 1 axes"),
    ],
)
def test_damaged_distances_are_named(tmp_path, array, reason):
    path = distance_file(tmp_path, KEYS[0])
    path.parent.mkdir(parents=True)
    np.save(path, array)
    with pytest.raises(InputError) as raised:
        read_distances(path, 2)
    assert str(raised.value) == f"{path}: {reason}; score the method again."
    np.save(path, np.array([1.5, 2.5], np.float32))
    assert read_distances(path, 2).tolist() == [1.5, 2.5]
    assert read_distances(path).dtype == np.float64


def test_requests(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    predictions = write_predictions(tmp_path / "method")
    request = make_request(predictions, dataset, challenge="selfie", metrical_unit="cm", name="x")
    assert [item.file for item in request.items] == [LINES[0], LINES[4]]
    assert (request.method, request.mm_per_unit, request.listed) == ("x", 10.0, 5)
    assert list(make_request(predictions, dataset).items) == read_image_list(
        dataset / "imagepathsvalidation.txt"
    )
    for options, message in (
        ({"challenge": "selfy"}, "the image list knows selfie, multiview_neutral"),
        ({"name": "a/b"}, "not usable in file names"),
        ({"name": ""}, "not usable in file names"),
    ):
        with pytest.raises(ConfigError, match=message):
            make_request(predictions, dataset, **options)
    (predictions / "manifest.json").write_text('{"unit": "mm"}')
    with pytest.raises(ConfigError, match=r"manifest\.json says that the meshes are in 'mm'"):
        make_request(predictions, dataset, metrical_unit="m")
    assert make_request(predictions, dataset, metrical_unit="mm").mm_per_unit == 1.0


def test_folders_of_another_shape_are_explained(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    write_predictions(tmp_path / "outer" / "inner")
    with pytest.raises(InputError, match=r"give .*inner instead"):
        make_request(tmp_path / "outer", dataset)
    flat = tmp_path / "flat"
    flat.mkdir()
    with pytest.raises(InputError, match=r"expected bela/selfie/IMG_3\.obj \(or \.ply\)"):
        make_request(flat, dataset)
    (flat / "IMG_0.ply").write_bytes(b"ply\n")
    with pytest.raises(InputError, match="sort them into <subject>/<challenge>/"):
        make_request(flat, dataset)
    failures = dict.fromkeys(KEYS, "no face found")
    (flat / "manifest.json").write_text(json.dumps({"failures": failures}))
    assert len(make_request(flat, dataset).items) == len(KEYS)
    with pytest.raises(InputError, match="this dataset folder does not exist"):
        make_request(flat, tmp_path / "nowhere")
    with pytest.raises(InputError, match="no such predictions folder"):
        make_request(tmp_path / "nowhere", dataset)


def test_a_wrong_unit_is_refused_and_names_the_right_one(tmp_path):
    dataset = write_dataset(tmp_path / "dataset")
    predictions = write_predictions(tmp_path / "method")  # in metres
    for unit in ("mm", "m"):
        (tmp_path / unit).mkdir()
    result = evaluate(make_request(predictions, dataset, metrical_unit="mm"), tmp_path / "mm", 1)
    assert result.images == ()
    assert set(result.missing) == set(LINES)
    assert all("wrong_unit" in reason for reason in result.missing.values())
    assert all("so state that one" in reason for reason in result.missing.values())
    right = evaluate(make_request(predictions, dataset, metrical_unit="m"), tmp_path / "m", 1)
    assert right.missing == {}
