"""AR with its masks, the authors' folder, a plain folder, NoW: in exactly their structure."""

from __future__ import annotations

import re

import numpy as np
import pytest
from celebahq_support import face_landmarks, write_celebahq
from hypothesis import given
from hypothesis import strategies as st
from now_support import LINES, write_dataset
from PIL import Image

from focsbench.data.ar import ARFaces, ar_key, ar_subset
from focsbench.data.check import check_dataset
from focsbench.data.landmarks_csv import write_landmarks
from focsbench.data.layouts import open_dataset
from focsbench.data.photo_folder import PhotoFolder
from focsbench.data.staging import stage
from focsbench.errors import InputError
from focsbench.now.scans import cropped_scan, find_scan

SIDE = 64
POINTS = face_landmarks(SIDE)


def save_photo(path, size=(SIDE, SIDE), value=90):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", size, (value, value, value)).save(path)


def save_mask(path, size=(SIDE, SIDE)):
    path.parent.mkdir(parents=True, exist_ok=True)
    mask = np.zeros(size[::-1], np.uint8)
    mask[size[1] // 2 :] = 255
    Image.fromarray(mask).save(path)


def write_ar(root):
    """Photographs in folders below images, masks under names of their own."""
    names = {
        "M-001-1.bmp": "m-001-01.png",
        "m-001-08.png": "M-1-8_mask.png",
        "W-002-24.png": "w-002-24.png",
    }
    for photo, mask in names.items():
        save_photo(root / "images" / "dbf1" / photo)
        save_mask(root / "masks" / mask)
    save_photo(root / "images" / "dbf1" / "m-009-05.png")  # nobody has a mask for it
    write_landmarks(root / "landmarks.csv", ((photo, POINTS) for photo in names))
    return root


def test_ar_in_published_names(tmp_path):
    dataset = ARFaces(write_ar(tmp_path), 48)
    assert dataset.keys() == ["m-001-01", "m-001-08", "w-002-24"]
    samples = [dataset[index] for index in range(3)]
    assert [sample.subset for sample in samples] == ["unoccluded", "glasses", "scarf"]
    assert [sample.subject for sample in samples] == ["m-001", "m-001", "w-002"]
    assert all(0.2 < sample.visible_mask.mean() < 0.9 for sample in samples)
    assert dataset.policies["images"] == "the 3 that have a mask"


@given(
    sex=st.sampled_from("mMwWfF"), person=st.integers(1, 76), condition=st.integers(1, 26),
    zeros=st.booleans(), rest=st.sampled_from(["", "_mask", "-cropped"]),
)  # fmt: skip
def test_every_spelling_of_an_ar_name_is_the_same_image(sex, person, condition, zeros, rest):
    digits = f"{person:03d}-{condition:02d}" if zeros else f"{person}-{condition}"
    key = ar_key(f"some/folder/{sex}-{digits}{rest}.png")
    assert key == f"{'m' if sex in 'mM' else 'w'}-{person:03d}-{condition:02d}"
    expected = ["unoccluded"] * 7 + ["glasses"] * 3 + ["scarf"] * 3
    assert ar_subset(key) == (expected * 2)[condition - 1]


@pytest.mark.parametrize("name", ["face.png", "m-001-27.png", "m-001-00.png", "x-001-01.png"])
def test_other_names_are_refused(name):
    with pytest.raises(InputError, match="not an AR file name"):
        ar_key(name)


def test_ar_says_what_is_missing(tmp_path):
    root = write_ar(tmp_path)
    (root / "images/dbf1/m-001-08.png").unlink()
    write_landmarks(root / "landmarks.csv", [("m-001-08.png", POINTS)])
    dataset = ARFaces(root, 48)
    with pytest.raises(InputError, match="no photograph m-001-08"):
        dataset[1]
    with pytest.raises(InputError, match="no landmarks for m-001-01"):
        dataset[0]
    save_mask(root / "masks" / "m-001-8.png")
    with pytest.raises(InputError, match="is the same AR image"):
        ARFaces(root, 48)


def test_numbers_that_ar_does_not_have_are_passed_over(tmp_path):
    root = write_ar(tmp_path)
    for name in ("images/m-001-30.png", "images/dbf1/w-002-00.png", "masks/m-001-27_mask.png"):
        save_photo(root / name)
    with (root / "landmarks.csv").open() as file:
        first = file.readline()
    with (root / "landmarks.csv").open("a") as file:
        file.write(first.replace("M-001-1.bmp", "m-001-30.png"))
    dataset = ARFaces(root, 48)
    assert [dataset[i].key for i in range(3)] == ["m-001-01", "m-001-08", "w-002-24"]
    report = check_dataset("ar", root)
    assert (report.exit_code, sum(report.usable.values())) == (0, 3)
    strange = [one.message for one in report.findings if one.name == "strange_names"]
    assert ["m-001-30.png" in message for message in strange] == [True, False, True]
    assert "m-001-27_mask.png" in strange[1]


def test_a_mask_of_another_shape_is_refused_one_of_another_size_is_not(tmp_path):
    root = write_ar(tmp_path)
    same = ARFaces(root, 48)[0].visible_mask
    save_mask(root / "masks/m-001-01.png", (SIDE * 2, SIDE * 2))
    assert (ARFaces(root, 48)[0].visible_mask == same).all()
    save_mask(root / "masks/m-001-01.png", (SIDE, SIDE * 2))
    with pytest.raises(InputError, match="m-001-01: the mask has 64 x 128 pixels"):
        ARFaces(root, 48)[0]


def test_ar_photographs_and_masks_from_two_places(tmp_path):
    root = write_ar(tmp_path / "both")
    photos, masks = tmp_path / "AR-photos", tmp_path / "egger"
    (root / "images/dbf1").rename(photos)
    (root / "masks").rename(masks)
    source = {
        "folder": str(photos), "masks": str(masks), "landmarks": str(root / "landmarks.csv"),
    }  # fmt: skip
    stage("ar", source, tmp_path / "staged", 1)
    dataset = open_dataset(tmp_path / "staged", "ar", "test", 48)
    assert [dataset[index].subset for index in range(3)] == ["unoccluded", "glasses", "scarf"]


def test_ar_photographs_beside_the_masks(tmp_path):
    root = write_ar(tmp_path / "AR")
    expected = [ARFaces(root, 48)[index].image for index in range(3)]
    for photo in (root / "images/dbf1").iterdir():
        photo.rename(root / photo.name)
    (root / "images/dbf1").rmdir()
    (root / "images").rmdir()
    (root / "W-002-24.png").rename(tmp_path / "moved.png")
    (root / "second").mkdir()
    (tmp_path / "moved.png").rename(root / "second/W-002-24.png")
    stage("ar", {"folder": str(root)}, tmp_path / "staged", 1)
    for folder in (root, tmp_path / "staged"):
        dataset = ARFaces(folder, 48)
        for index, image in enumerate(expected):
            assert (dataset[index].image == image).all()
    report = check_dataset("ar", root)
    assert (report.exit_code, sum(report.usable.values())) == (0, 3)


def write_authors(root):
    """image_root/Dataset, masks beside the photographs, lists of whole numbers without header."""
    for number in range(4):
        save_photo(root / "Dataset" / f"people/{number}.jpg")
    for number in (0, 3):
        save_mask(root / "Dataset" / f"people/{number}_visible_skin_mask.png")
    for split, numbers in {"train": (0, 1), "val": (2,), "test": (3,), "all": range(4)}.items():
        lines = [
            ",".join([f"people/{number}.jpg", *(str(int(x)) for x in POINTS.reshape(-1))])
            for number in numbers
        ]
        (root / f"{split}_landmarks.csv").write_text("\n".join(lines) + "\n")
    return root


@pytest.mark.parametrize("name", ["authors", "celeba", "ar"])
def test_authors_form_stands_for_any_photographs(tmp_path, name):
    root = write_authors(tmp_path)
    train = open_dataset(root, name, "train", 48)
    assert train.keys() == ["people/0", "people/1"]
    assert train[0].visible_mask.any()
    assert train[1].visible_mask is None
    assert train[0].subset == "all"
    assert train.name == name
    (root / "val_landmarks.csv").unlink()
    assert len(open_dataset(root, name, "val", 48)) == 4  # all_landmarks.csv
    (root / "subsets.csv").write_text("file,subset,subject\npeople/3.jpg,scarf,anna\n")
    sample = open_dataset(root, name, "test", 48)[0]
    assert (sample.subset, sample.subject) == ("scarf", "anna")


@pytest.mark.parametrize("name", ["celeba", "ar"])
def test_landmarks_from_elsewhere_for_the_authors_form(tmp_path, name):
    root = write_authors(tmp_path / "authors")
    mine = tmp_path / "mine.csv"
    write_landmarks(mine, [("people/2.jpg", POINTS), ("people/3.jpg", POINTS)])
    stage(name, {"folder": str(root), "landmarks": str(mine)}, tmp_path / "staged", 1)
    assert open_dataset(tmp_path / "staged", name, "test", 48).keys() == ["people/2", "people/3"]


def test_plain_folder(tmp_path):
    save_photo(tmp_path / "a.jpg")
    save_photo(tmp_path / "more/b.PNG")
    save_photo(tmp_path / ".hidden/c.png")
    save_mask(tmp_path / "masks/more/b.png")
    save_mask(tmp_path / "a_mask.png")
    write_landmarks(tmp_path / "landmarks.csv", [("more/b.PNG", POINTS)])
    dataset = open_dataset(tmp_path, "photos", "test", 48)
    assert isinstance(dataset, PhotoFolder)
    assert dataset.keys() == ["a", "more/b"]
    assert dataset[1].visible_mask.any()
    with pytest.raises(InputError, match=r"landmarks\.csv: no landmarks for 'a\.jpg"):
        dataset[0]
    with pytest.raises(InputError, match="holds no photograph"):
        open_dataset(tmp_path / "masks/more/empty", "photos", "test", 48)


def test_photographs_that_predictions_would_mix_up_are_refused(tmp_path):
    root = write_authors(tmp_path / "authors")
    save_photo(root / "Dataset/people/0.png")
    assert len(open_dataset(root, "authors", "all", 48)) == 4  # the second one is on no list
    with (root / "all_landmarks.csv").open("a") as file:
        file.write(",".join(["people/0.png", *(str(x) for x in POINTS.reshape(-1))]) + "\n")
    message = r"'people/0\.jpg' and 'people/0\.png' would both be 'people/0' in predictions"
    with pytest.raises(InputError, match=message):
        open_dataset(root, "authors", "all", 48)
    assert len(open_dataset(root, "authors", "train", 48)) == 2
    with pytest.raises(InputError, match=message):
        open_dataset(root / "Dataset", "photos", "test", 48)


def test_celebahq_wins_over_a_folder_called_dataset(tmp_path):
    folder = write_celebahq(tmp_path)
    (folder / "Dataset").mkdir()
    assert open_dataset(folder, "celeba", "val", 32).keys() == ["2"]
    with pytest.raises(InputError, match="no reader for a dataset called 'lfw'"):
        open_dataset(folder, "lfw", "val", 32)


@pytest.mark.parametrize(
    "folder",
    [
        "NoW_Dataset/final_release_version/iphone_pictures",
        "final_release_version/iphone_pictures",
        "iphone_pictures",
    ],
)
def test_now_photographs_wherever_the_archive_was_unpacked(tmp_path, folder):
    root = write_dataset(tmp_path / "NoW")
    for line in LINES:
        save_photo(root / folder / line)
    write_landmarks(root / "nowchallenge_landmarks.csv", ((line, POINTS) for line in LINES))
    dataset = open_dataset(root, "now", "test", 48)
    assert dataset[0].key == LINES[0].removesuffix(".jpg")
    assert dataset[0].image.shape == (48, 48, 3)


@pytest.mark.parametrize("factor", [0.001, 0.1, 10.0])
def test_now_scans_in_another_unit_are_refused(tmp_path, monkeypatch, factor):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "cache"))
    root = write_dataset(tmp_path / "NoW")
    assert len(cropped_scan(*find_scan(root, "anna")).points)
    for path in find_scan(root, "anna"):
        scaled = re.sub(r"-?\d+\.\d+", lambda m: f"{float(m[0]) * factor:.9f}", path.read_text())
        path.write_text(scaled)
    with pytest.raises(InputError, match="which is no face in millimetres"):
        cropped_scan(*find_scan(root, "anna"))
