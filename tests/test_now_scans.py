"""Cropped scans and the cache that keeps them; the image list that names their subjects."""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from geometry_support import grid_face
from hypothesis import given, settings
from hypothesis import strategies as st

from focsbench.data.now import NoWImages, NoWItem, read_image_list
from focsbench.errors import InputError
from focsbench.geometry.io import write_mesh
from focsbench.geometry.scan_crop import crop_scan
from focsbench.now import scans
from focsbench.now.scans import cropped_scan, find_scan
from focsbench.types import Mesh

PHOTO = "FaMoS_1.2/selfie/IMG_0001"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "cache"))
    forget()
    yield tmp_path / "cache" / "scans"
    forget()


def forget():
    """As in a new process."""
    scans._cropped.cache_clear()


@pytest.fixture
def dataset(tmp_path):
    write_subject(tmp_path / "NoW", "FaMoS_1.2")
    (tmp_path / "NoW/imagepathsvalidation.txt").write_text(f"{PHOTO}.jpg\n")
    return tmp_path / "NoW"


def write_subject(root, subject, seed=0):
    mesh, landmarks = grid_face(20, seed)
    for folder in ("scans", "scans_lmks_onlypp"):
        (root / folder / subject).mkdir(parents=True, exist_ok=True)
    write_mesh(root / "scans" / subject / "natural.000001.obj", mesh)
    points = "".join('<point x="{}" y="{}" z="{}"/>'.format(*point) for point in landmarks)
    path = root / "scans_lmks_onlypp" / subject / "natural.000001_picked_points.pp"
    path.write_text(f"<PickedPoints>{points}</PickedPoints>")


def assert_same(one, two):
    for name in ("points", "vertices", "landmarks"):
        a, b = getattr(one, name), getattr(two, name)
        assert a.dtype == b.dtype
        np.testing.assert_array_equal(a, b)


def test_a_crop_is_what_the_files_say(dataset):
    crop = cropped_scan(*find_scan(dataset, "FaMoS_1.2"))
    images = NoWImages(dataset, 8)
    scan, landmarks = images.scan("FaMoS_1.2"), images.scan_landmarks("FaMoS_1.2")
    kept = crop_scan(scan.vertices, landmarks)
    assert 0 < len(kept) < len(scan.vertices)
    np.testing.assert_array_equal(crop.vertices, kept)
    np.testing.assert_array_equal(crop.points, scan.vertices[kept])
    assert crop.points.dtype == np.float64
    assert crop.landmarks.dtype == np.float32
    with pytest.raises(ValueError, match="read-only"):
        crop.points[0] = 0


def test_the_second_process_reads_the_cache(dataset, cache, monkeypatch):
    files = find_scan(dataset, "FaMoS_1.2")
    first = cropped_scan(*files)
    assert cropped_scan(*files) is first
    forget()
    monkeypatch.setattr(scans, "read_mesh", lambda path: pytest.fail("parsed again"))
    assert_same(cropped_scan(*files), first)
    assert len(list(cache.iterdir())) == 1


def test_other_content_is_another_entry(dataset, cache):
    files = find_scan(dataset, "FaMoS_1.2")
    first = cropped_scan(*files)
    write_subject(dataset, "FaMoS_1.2", seed=1)
    changed = cropped_scan(*files)
    assert not np.array_equal(first.points, changed.points)
    write_subject(dataset, "twin")
    assert_same(cropped_scan(*find_scan(dataset, "twin")), first)
    assert len(list(cache.iterdir())) == 2


@pytest.mark.parametrize("share", [0.0, 0.01, 0.6, 1.0])
def test_damaged_entries_are_built_again(dataset, cache, share):
    files = find_scan(dataset, "FaMoS_1.2")
    first = cropped_scan(*files)
    (entry,) = cache.iterdir()
    whole = entry.read_bytes()
    flipped = bytearray(whole)
    flipped[min(int(share * len(whole)), len(whole) - 1)] ^= 0xFF
    for damaged in (bytes(flipped), whole[: int(share * len(whole)) - 1], b""):
        entry.write_bytes(damaged)
        forget()
        assert_same(cropped_scan(*files), first)
        assert entry.read_bytes() == whole


def test_a_cache_that_cannot_be_written_changes_nothing(dataset, cache):
    files = find_scan(dataset, "FaMoS_1.2")
    cache.parent.write_text("a file where the folder should be")
    one = cropped_scan(*files)
    forget()
    assert_same(cropped_scan(*files), one)


def test_workers_beside_each_other_write_the_same_entry(dataset, cache):
    files = find_scan(dataset, "FaMoS_1.2")
    uncached = scans._cropped.__wrapped__
    with ThreadPoolExecutor(8) as pool:
        crops = list(pool.map(lambda _: uncached(files[0], (), files[1], ()), range(16)))
    for crop in crops:
        assert_same(crop, crops[0])
    assert [path.suffix for path in cache.iterdir()] == [".safetensors"]


def test_scan_files_are_found_as_in_the_official_layout(dataset):
    folder = dataset / "scans/FaMoS_1.2"
    (folder / "._natural.000001.obj").write_bytes(b"\x00\x05\x16\x07")
    (folder / "z.obj").write_text("")
    scan, landmarks = find_scan(dataset, "FaMoS_1.2")
    assert scan.name == "natural.000001.obj"
    assert landmarks.name == "natural.000001_picked_points.pp"
    landmarks.unlink()
    with pytest.raises(InputError, match=r"no \*\.pp file; unpack"):
        find_scan(dataset, "FaMoS_1.2")
    with pytest.raises(InputError, match=r"nobody: no \*\.obj file"):
        find_scan(dataset, "nobody")


def test_unusable_scans_are_one_sentence(dataset):
    scan, landmarks = find_scan(dataset, "FaMoS_1.2")
    mesh, _ = grid_face(20)
    write_mesh(scan, Mesh(mesh.vertices + 5000, mesh.triangles))
    with pytest.raises(InputError, match=r"natural.000001.obj with .*\.pp: no scan vertex lies"):
        cropped_scan(scan, landmarks)
    scan.write_text("v 1 2\n")
    with pytest.raises(InputError, match=r"not a readable mesh .line 1"):
        cropped_scan(scan, landmarks)
    scan.unlink()
    with pytest.raises(InputError, match="the scan is missing"):
        cropped_scan(scan, landmarks)


blanks = st.text(" \t", max_size=3)


@settings(max_examples=60, deadline=None)
@given(
    st.lists(st.from_regex(r"[a-z0-9_.]{0,3}[a-z0-9]", fullmatch=True), min_size=1, unique=True),
    st.lists(st.tuples(blanks, blanks), min_size=1, max_size=9),
    st.sampled_from(["\n", "\r\n", "\n\n", "\r\n \t\r\n"]),
    st.sampled_from(["", "\ufeff"]),
    st.booleans(),
)
def test_image_lists_in_every_form(tmp_path_factory, names, around, ending, mark, last):
    path = tmp_path_factory.mktemp("list") / "imagepathstest.txt"
    lines = [
        around[i % len(around)][0] + f"S.1/selfie/{name}.jpg" + around[i % len(around)][1]
        for i, name in enumerate(names)
    ]
    text = mark + ending.join(lines) + (ending if last else "")
    path.write_bytes(text.encode())
    assert read_image_list(path) == [
        NoWItem(f"S.1/selfie/{name}", "S.1", "selfie", f"S.1/selfie/{name}.jpg") for name in names
    ]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b"\n \n", "is empty"),
        (b"a/b/c.jpg\n\na/c.jpg\n", "line 3: expected subject"),
        (b"/a/b.jpg\n", "line 1: expected"),
        (b"a/../b.jpg\n", "line 1: expected"),
        (b"a//b.jpg\n", "line 1: expected"),
        (b"a\\b\\c.jpg\n", "line 1: expected"),
        (b"a/b/c\x00.jpg\n", "line 1: expected"),
        (b"a/b/c.jpg\na/b/c.png\n", "line 2: 'a/b/c.png' is listed twice"),
        (b"\xff\xfe\n", "not readable as an image list"),
    ],
)
def test_hostile_image_lists(tmp_path, content, words):
    path = tmp_path / "list.txt"
    path.write_bytes(content)
    with pytest.raises(InputError, match=words) as caught:
        read_image_list(path)
    assert str(path) in str(caught.value)


def test_missing_image_lists(tmp_path):
    with pytest.raises(InputError, match="image list of NoW is missing"):
        read_image_list(tmp_path / "none.txt")
    with pytest.raises(InputError, match="cannot be opened"):
        read_image_list(tmp_path)


def test_photo_landmarks_are_what_is_known(dataset):
    images = NoWImages(dataset, 8)
    assert images.photo_landmarks() == {}
    numbers = ",".join(str(n) for n in range(136))
    (dataset / "nowchallenge_landmarks.csv").write_text(
        f"{PHOTO}.jpg,{numbers}{os.linesep}other/selfie/x.jpg,{numbers}{os.linesep}"
    )
    (found,) = images.photo_landmarks().items()
    assert found[0] == PHOTO
    np.testing.assert_array_equal(found[1], np.arange(136.0).reshape(68, 2))
