"""Faces and landmarks of photographs: lists, the cache, whole folders, and the detectors."""

import errno
import json
import os
import sys
from importlib.machinery import ModuleSpec
from importlib.util import find_spec
from pathlib import Path
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
from fit_support import rendered, write_csv
from PIL import Image

from focsbench.data.landmarks_csv import read_landmark_lines, read_landmarks
from focsbench.errors import ConfigError, InputError
from focsbench.fit.batch import photo_paths
from focsbench.landmarks import detectors, folder
from focsbench.landmarks.cache import CachedDetector
from focsbench.landmarks.csv_list import CsvLandmarks
from focsbench.landmarks.faces import Face, Photo, largest_first

POINTS = np.random.default_rng(0).uniform(10, 90, (68, 2)).round(2)


class Counting:
    """A detector that finds one face as wide as the photograph and counts its calls."""

    def __init__(self, identity="counting 1"):
        self.identity = identity
        self.calls = []

    def faces(self, photo):
        self.calls.append(photo.path.name)
        width = photo.image.width
        if photo.path.name.startswith("nobody"):
            return []
        several = 2 if photo.path.name.startswith("two") else 1
        return largest_first(
            [Face.around(POINTS * width / 100 / number) for number in range(1, several + 1)]
        )


def save_photo(path, width=40):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (width, 30), "grey").save(path)
    return path


def test_several_lines_of_a_list_are_several_faces(tmp_path):
    path = write_csv(tmp_path / "list.csv", a__jpg=[POINTS / 2, POINTS], b__jpg=POINTS)
    names = [name for name, _ in read_landmark_lines(path)]
    assert names == ["a.jpg", "a.jpg", "b.jpg"]
    np.testing.assert_array_equal(read_landmarks(path)["a.jpg"], POINTS)  # the last line
    faces = CsvLandmarks(path).faces(Photo(tmp_path / "a.jpg"))
    assert [face.size for face in faces] == sorted((face.size for face in faces), reverse=True)
    np.testing.assert_array_equal(faces[0].landmarks, POINTS)


def test_a_list_names_photographs_by_place_or_by_name(tmp_path, monkeypatch):
    path = write_csv(tmp_path / "list.csv", **{"sub/a__jpg": POINTS, "a__jpg": POINTS + 1})
    source = CsvLandmarks(path)
    assert source.faces(Photo(tmp_path / "sub" / "a.jpg"))[0].landmarks[0, 0] == POINTS[0, 0]
    elsewhere = Photo(Path("/elsewhere/a.jpg"))
    assert source.faces(elsewhere)[0].landmarks[0, 0] == POINTS[0, 0] + 1
    with pytest.raises(InputError, match=r"b\.jpg: .*list\.csv lists no landmarks for it"):
        source.faces(Photo(tmp_path / "b.jpg"))


def test_a_list_that_is_no_text_is_one_sentence(tmp_path):
    (tmp_path / "list.csv").write_bytes(b"\xff\xfe\x00a")
    with pytest.raises(InputError, match=r"list\.csv: not readable as a landmark list"):
        CsvLandmarks(tmp_path / "list.csv")


def test_the_same_file_is_looked_at_once(tmp_path):
    first, detector = save_photo(tmp_path / "a.png"), Counting()
    (tmp_path / "copy.png").write_bytes(first.read_bytes())
    cached = CachedDetector(detector, tmp_path / "cache")
    answers = [cached.faces(Photo(tmp_path / name)) for name in ("a.png", "copy.png", "a.png")]
    assert detector.calls == ["a.png"]
    for answer in answers:
        assert answer[0].box == answers[0][0].box
        np.testing.assert_array_equal(answer[0].landmarks, answers[0][0].landmarks)
    CachedDetector(Counting("counting 2"), tmp_path / "cache").faces(Photo(first))
    assert len(list((tmp_path / "cache").rglob("*.json"))) == 2  # one per detector


@pytest.mark.parametrize("content", ["", "[{}]", "{", '[{"box": [1], "landmarks": []}]', "7"])
def test_a_damaged_answer_is_made_again(tmp_path, content):
    photo, detector = save_photo(tmp_path / "a.png"), Counting()
    CachedDetector(detector, tmp_path / "cache").faces(Photo(photo))
    kept = next((tmp_path / "cache").rglob("*.json"))
    before = kept.read_text()
    kept.write_text(content)
    assert CachedDetector(detector, tmp_path / "cache").faces(Photo(photo))
    assert len(detector.calls) == 2
    assert kept.read_text() == before


@pytest.mark.parametrize("step", ["mkdir", "write"])
def test_a_full_cache_costs_nothing_but_time(tmp_path, monkeypatch, step):
    def full(*arguments, **options):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    photo, detector = save_photo(tmp_path / "a.png"), Counting()
    monkeypatch.setattr(*((Path, "mkdir", full) if step == "mkdir" else (os, "fsync", full)))
    for _ in range(2):
        assert CachedDetector(detector, tmp_path / "cache").faces(Photo(photo))
    assert len(detector.calls) == 2


def test_a_photograph_without_a_face_is_kept_too(tmp_path):
    photo, detector = save_photo(tmp_path / "nobody.png"), Counting()
    for _ in range(2):
        assert CachedDetector(detector, tmp_path / "cache").faces(Photo(photo)) == []
    assert len(detector.calls) == 1


@pytest.fixture
def counting(monkeypatch, tmp_path):
    """`open_detector` gives a counting detector; the cache is the test's own."""
    detector = Counting()
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "user-cache"))
    monkeypatch.setattr(folder, "open_detector", lambda name, weights: detector)
    return detector


def test_a_folder_becomes_a_list_that_datasets_read(tmp_path, counting, focsbench):
    photos = tmp_path / "photos"
    names = ("b.png", "sub/a.jpg", "two.png", "nobody.png", ".hidden/c.png")
    for width, name in enumerate(names, start=40):  # the same file would be looked at once
        save_photo(photos / name, width)
    (photos / "broken.jpg").write_bytes(b"no image")
    code, out, err = focsbench("data", "landmarks", photos, "--workers", "1")
    assert code == 2
    assert "landmarks.csv: 3 photographs" in out
    assert "2 photographs without landmarks" in err
    assert "1 photographs have more than one face" in err
    landmarks = read_landmarks(photos / "landmarks.csv")
    assert list(landmarks) == ["b.png", "sub/a.jpg", "two.png"]
    np.testing.assert_allclose(landmarks["b.png"], POINTS * 0.4, atol=0.0051)
    failed = (photos / "landmarks_failed.csv").read_text().splitlines()
    assert failed[0] == "file,reason"
    assert failed[1].startswith('"broken.jpg",')
    assert failed[2] == '"nobody.png","no face found"'
    calls = len(counting.calls)
    for name in ("broken.jpg", "nobody.png"):
        (photos / name).unlink()
    code, _, _ = focsbench("data", "landmarks", photos, "--workers", "1")
    assert code == 0
    assert len(counting.calls) == calls  # everything was kept
    assert not (photos / "landmarks_failed.csv").exists()


def test_masks_are_no_photographs(tmp_path, counting, focsbench):
    masks = ("masks/m-001-01.png", "b_mask.png", "sub/c_visible_skin_mask.png")
    for width, name in enumerate(("m-001-01.png", "b.png", "sub/c.png", *masks), start=40):
        save_photo(tmp_path / name, width)
    output = tmp_path / "list.csv"
    assert focsbench("data", "landmarks", tmp_path, "--output", output, "--workers", "1")[0] == 0
    landmarks = read_landmarks(output)
    assert list(landmarks) == ["b.png", "m-001-01.png", "sub/c.png"]
    np.testing.assert_allclose(landmarks["m-001-01.png"], POINTS * 0.4, atol=0.0051)
    assert photo_paths([tmp_path]) == [tmp_path / name for name in landmarks]


def test_a_detector_that_fails_on_one_photograph(tmp_path, counting, monkeypatch, caplog):
    def fail(photo):
        if photo.path.name in broken:
            raise RuntimeError("no convolution fits")
        return found(photo)

    found = counting.faces
    monkeypatch.setattr(counting, "faces", fail)
    for width, name in enumerate(("a.png", "b.png", "c.png"), start=40):
        save_photo(tmp_path / name, width)
    broken = ["b.png"]
    detected = folder.detect_folder(tmp_path, "auto", None, 1)
    assert list(detected.landmarks) == ["a.png", "c.png"]
    assert detected.failures == {"b.png": "RuntimeError: no convolution fits"}
    assert "b.png: the detector failed" in caplog.text
    broken += ["a.png", "c.png"]
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "another-cache"))
    with pytest.raises(RuntimeError, match="no convolution fits"):  # not the photographs' fault
        folder.detect_folder(tmp_path, "auto", None, 1)


FRAGILE = """
import os
from types import SimpleNamespace
import numpy as np

class FaceAnalysis:
    def __init__(self, name, allowed_modules, providers): pass

    def prepare(self, ctx_id, det_size): pass

    def get(self, pixels):
        if pixels.shape[1] == 45:
            os._exit(1)  # as if it had been killed
        if pixels.shape[1] == 43:
            raise RuntimeError("no convolution fits")
        points = np.full((68, 3), pixels.shape[1], dtype=np.float32)
        return [SimpleNamespace(bbox=np.arange(4.0), landmark_3d_68=points)]
"""


def test_a_photograph_that_kills_its_process_fails_alone(tmp_path, monkeypatch):
    package, info = tmp_path / "site/insightface", tmp_path / "site/insightface-1.dist-info"
    for made in (package, info, tmp_path / "weights"):
        made.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "app.py").write_text(FRAGILE)
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: insightface\nVersion: 1\n")
    for name in ("det_10g.onnx", "1k3d68.onnx"):
        (tmp_path / "weights" / name).touch()
    for name in ("insightface", "insightface.app"):
        monkeypatch.setitem(sys.modules, name, None)  # so that it is gone again afterwards
        del sys.modules[name]
    monkeypatch.syspath_prepend(tmp_path / "site")
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "user-cache"))
    widths = range(40, 40 + folder.FEW)
    for width in widths:
        save_photo(tmp_path / f"photos/{width}.png", width)
    found = folder.detect_folder(tmp_path / "photos", "insightface", tmp_path / "weights", 2)
    assert list(found.landmarks) == [f"{width}.png" for width in widths if width not in (43, 45)]
    assert found.landmarks["50.png"][0, 0] == 50
    assert list(found.failures) == ["43.png", "45.png"]
    assert found.failures["43.png"] == "RuntimeError: no convolution fits"
    assert "was killed" in found.failures["45.png"]


def test_folders_without_images_are_one_sentence(tmp_path, focsbench):
    code, _, err = focsbench("data", "landmarks", tmp_path)
    assert (code, err.count("\n")) == (1, 1)
    assert "holds no image" in err
    code, _, err = focsbench("data", "landmarks", tmp_path / "gone")
    assert code == 1
    assert "no such folder" in err


def stub(monkeypatch, name, **attributes):
    """Put a package of this test's own in place of an optional one."""
    module = ModuleType(name)
    module.__spec__ = ModuleSpec(name, None)
    for key, value in attributes.items():
        setattr(module, key, value)
    monkeypatch.setitem(sys.modules, name, module)
    return module


@pytest.fixture
def nothing_installed(monkeypatch):
    monkeypatch.setattr(detectors, "find_spec", lambda name: None)


def test_without_a_detector_it_is_said_what_to_install(nothing_installed):
    with pytest.raises(ConfigError, match="pip install dlib-bin face-recognition-models"):
        detectors.open_detector()
    with pytest.raises(ConfigError, match="pip install insightface"):
        detectors.open_detector("insightface")
    with pytest.raises(ConfigError, match="no detector 'dlob'"):
        detectors.open_detector("dlob")


def test_weights_of_face_alignment_that_cannot_be_fetched_are_named(monkeypatch, tmp_path):
    def fail(*arguments, **options):
        raise OSError("no network")

    types = SimpleNamespace(TWO_D=1)
    stub(monkeypatch, "face_alignment", FaceAlignment=fail, LandmarksType=types)
    monkeypatch.setattr("torch.hub.get_dir", lambda: str(tmp_path / "hub"))
    with pytest.raises(ConfigError, match=r"s3fd-.* and 2DFAN4-.*hub/checkpoints"):
        detectors.open_detector("face-alignment")
    (tmp_path / "mine").mkdir()
    with pytest.raises(ConfigError, match="--detector-weights"):
        detectors.open_detector("face-alignment", tmp_path / "mine")


def test_face_alignment_answers_in_pixels_of_the_photograph(monkeypatch, tmp_path):
    from focsbench.landmarks import face_alignment_detector as adapter

    seen = {}

    class Network:
        def __init__(self, kind, device, compile):
            import torch

            seen.update(compile=compile, hub=sorted(Path(torch.hub.get_dir()).rglob("*/*.pth*")))

        def get_landmarks_from_image(self, pixels, return_bboxes):
            seen["shape"] = pixels.shape
            small = np.tile([[10.0, 20.0]], (68, 1))
            return [small, 2 * small], None, [np.array([5.0, 5, 30, 30, 0.9]), np.zeros(5)]

    stub(
        monkeypatch,
        "face_alignment",
        FaceAlignment=Network,
        LandmarksType=SimpleNamespace(TWO_D=1),
    )
    monkeypatch.setattr(adapter, "version", lambda name: "1")
    monkeypatch.setattr(adapter, "LARGEST_SIDE", 100)
    for name in adapter.FILES:
        (tmp_path / name).touch()
    detector = detectors.open_detector("face-alignment", tmp_path)
    assert seen["compile"] is False
    assert len(seen["hub"]) == 2  # torch looked into the folder that was named
    faces = detector.faces(Photo(save_photo(tmp_path / "wide.png", 200)))
    assert seen["shape"] == (15, 100, 3)
    np.testing.assert_allclose(faces[0].landmarks[0], (20.5, 40.5))
    assert faces[0].size == 50
    assert len(faces) == 2


def test_insightface_sees_blue_first_and_its_folder(monkeypatch, tmp_path):
    from focsbench.landmarks import insightface_detector as adapter

    seen = {}

    class Analysis:
        def __init__(self, name, allowed_modules, providers):
            seen["name"] = name

        def prepare(self, ctx_id, det_size):
            seen["ctx_id"] = ctx_id

        def get(self, pixels):
            seen["pixel"] = pixels[0, 0].tolist()
            points = np.ones((68, 3), dtype=np.float32)
            return [SimpleNamespace(bbox=np.arange(4.0), landmark_3d_68=points)]

    stub(monkeypatch, "insightface")
    stub(monkeypatch, "insightface.app", FaceAnalysis=Analysis)
    monkeypatch.setattr(adapter, "version", lambda name: "1")
    with pytest.raises(ConfigError, match=r"det_10g\.onnx and 1k3d68\.onnx"):
        detectors.open_detector("insightface", tmp_path)
    for name in adapter.FILES:
        (tmp_path / name).touch()
    detector = detectors.open_detector("insightface", tmp_path)
    assert seen["name"] == str(tmp_path)
    Image.new("RGB", (9, 9), (255, 0, 7)).save(tmp_path / "a.png")
    (face,) = detector.faces(Photo(tmp_path / "a.png"))
    assert seen["pixel"] == [7, 0, 255]
    assert face.landmarks.shape == (68, 2)


def test_dlib_without_its_models_says_which_file_goes_where(monkeypatch, tmp_path):
    from focsbench.landmarks import dlib_detector as adapter

    stub(monkeypatch, "dlib")
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path))
    monkeypatch.setattr(adapter, "find_spec", lambda name: None)
    with pytest.raises(ConfigError, match=r"shape_predictor_68.*face-recognition-models"):
        detectors.open_detector("dlib")


dlib_is_there = pytest.mark.skipif(
    not (find_spec("dlib") and find_spec("face_recognition_models")), reason="no dlib"
)


@pytest.fixture(scope="module")
def dlib_detector():
    return detectors.open_detector("dlib")


@dlib_is_there
def test_dlib_finds_a_rendered_face_where_it_is(dlib_detector, tmp_path):
    drawn = rendered(seed=4, yaw=0.0)
    photo = Photo(drawn.save(tmp_path / "face.png"))
    (face,) = dlib_detector.faces(photo)
    inner = slice(27, 68)  # brows and jaw of the face model are not where dlib puts them
    off = np.linalg.norm(face.landmarks[inner] - drawn.landmarks[inner], axis=1)
    eyes = np.linalg.norm(drawn.landmarks[36] - drawn.landmarks[45])
    assert off.mean() < 0.06 * eyes


@dlib_is_there
def test_dlib_answers_alike_at_every_size(dlib_detector, tmp_path):
    drawn = rendered(seed=4, yaw=0.0)
    image = Image.fromarray(drawn.image)
    answers = []
    allowed = (6.0, 0.0, 2.0)  # px of the photograph; half of it shows the detector less
    for scale in (0.5, 1, 3):
        size = (int(image.width * scale), int(image.height * scale))
        image.resize(size, Image.BICUBIC).save(tmp_path / "face.png")
        (face,) = dlib_detector.faces(Photo(tmp_path / "face.png"))
        answers.append((face.landmarks + 0.5) / scale - 0.5)
    for answer, most in zip(answers, allowed, strict=True):
        assert np.abs(answer - answers[1])[17:].mean() <= most


@dlib_is_there
def test_dlib_finds_nobody_in_noise(dlib_detector, tmp_path):
    noise = np.random.default_rng(1).integers(0, 256, (200, 200, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "noise.png")
    assert dlib_detector.faces(Photo(tmp_path / "noise.png")) == []


@dlib_is_there
def test_the_identity_names_version_and_weights(dlib_detector):
    import dlib

    assert dlib.__version__ in dlib_detector.identity
    assert json.dumps(dlib_detector.identity)
