"""`focsbench data check` on whole, half and damaged datasets."""

from __future__ import annotations

import json
import re
import shutil
from pathlib import Path

import numpy as np
import pytest
from celebahq_support import SIDE, face_landmarks, write_celebahq
from now_support import LINES, write_dataset
from PIL import Image
from test_data_layouts import save_photo, write_ar, write_authors

from focsbench.data.check import check_dataset
from focsbench.data.check.celeba import PUBLISHED_SPLITS
from focsbench.data.landmarks_csv import write_landmarks
from focsbench.errors import InputError

MASKS = "CelebAMask-HQ-mask-anno"


def names(report, severity="error"):
    return {one.name for one in report.findings if one.severity == severity}


def found(report):
    return {one.what: one.found for one in report.counts}


def cut(path: Path, share=0.5):
    path.write_bytes(path.read_bytes()[: int(path.stat().st_size * share)])


def test_whole_celebahq(tmp_path):
    report = check_dataset("celeba", write_celebahq(tmp_path))
    assert report.exit_code == 0
    assert report.usable == {"train": 2, "val": 1, "test": 3}
    published = {one.what: one.published for one in report.counts}
    assert published["photographs"] == 30000
    assert sum(PUBLISHED_SPLITS.values()) == 30000
    assert published["test images by the mapping"] == 2824
    assert names(report) == set()
    assert "no_identities" in names(report, "warning")


def test_half_downloaded_celebahq(tmp_path):
    folder = write_celebahq(tmp_path)
    cut(folder / "CelebA-HQ-img/0.jpg")
    (folder / "CelebA-HQ-img/1.jpg").write_bytes(b"")
    (folder / "CelebA-HQ-img/4.jpg").unlink()
    shutil.rmtree(folder / MASKS / "1")
    cut(folder / MASKS / "0/00002_skin.png")
    Image.new("L", (9, 9)).save(folder / MASKS / "0/00003_nose.png")
    (folder / "CelebAMask-HQ.zip").write_bytes(b"PK")
    report = check_dataset("celeba", folder)
    assert report.usable == {"train": 0, "val": 0, "test": 0}
    assert report.exit_code == 1
    assert names(report) >= {
        "damaged_photographs", "damaged_part_masks", "mixed_sizes", "missing_photographs",
        "missing_part_masks",
    }  # fmt: skip
    assert set(report.damaged) == {
        "CelebA-HQ-img/0.jpg", "CelebA-HQ-img/1.jpg", f"{MASKS}/0/00002_skin.png",
    }  # fmt: skip
    assert report.damaged["CelebA-HQ-img/1.jpg"] == "the file is empty"
    assert any("unpack CelebAMask-HQ.zip" in step for step in report.steps)


def test_wrong_folder_is_found_and_named(tmp_path):
    folder = write_celebahq(tmp_path / "downloads")
    report = check_dataset("celeba", tmp_path)
    assert report.path == folder
    assert names(report) == {"wrong_folder"}
    assert report.usable["test"] == 3
    assert report.steps[0] == f"name {folder} as the folder of the dataset"
    assert report.exit_code == 2


@pytest.mark.parametrize("name", ["celeba", "ar", "now", "authors", "photos"])
def test_an_empty_folder_is_a_report_not_a_crash(tmp_path, name):
    report = check_dataset(name, tmp_path)
    assert report.exit_code == 1
    assert report.steps
    json.dumps(report.as_json())


@pytest.mark.parametrize("name", ["celeba", "ar", "now", "authors", "photos"])
def test_files_where_folders_should_be(tmp_path, name):
    for file in ("CelebA-HQ-img", MASKS, "masks", "images", "scans", "Dataset", "NoW_Dataset"):
        (tmp_path / file).write_text("not a folder")
    for file in ("landmarks.csv", "all_landmarks.csv", "imagepathsvalidation.txt", "occlusion.csv"):
        (tmp_path / file).write_bytes(b"\xff\xfe\x00 nonsense")
    assert check_dataset(name, tmp_path).exit_code == 1


def test_celebahq_without_our_lists(tmp_path):
    folder = write_celebahq(tmp_path, landmarks=False)
    (folder / "CelebA-HQ-to-CelebA-mapping.txt").unlink()
    report = check_dataset("celeba", folder)
    assert names(report) == {"no_landmarks", "no_mapping"}
    assert report.exit_code == 1
    write_celebahq(tmp_path / "other")
    landmarks = tmp_path / "other/CelebAMask-HQ/all_landmarks.csv"
    write_landmarks(landmarks, [("0.jpg", face_landmarks(SIDE * 16)), ("1.jpg", np.ones((68, 2)))])
    report = check_dataset("celeba", landmarks.parent)
    assert {"misplaced_landmarks", "images_without_landmarks"} <= names(report)


def test_end_marks_tell_whole_files_from_cut_ones(tmp_path):
    """Every file that is called whole without decoding is whole when decoded."""
    photo = tmp_path / "photo.jpg"
    save_photo(photo, (200, 160))
    whole = photo.read_bytes()
    for share in np.linspace(0.02, 0.999, 30):
        photo.write_bytes(whole[: int(len(whole) * share)])
        assert check_dataset("photos", tmp_path).damaged, share
    photo.write_bytes(whole + b"\0" * 20)  # padding by some cameras
    assert not check_dataset("photos", tmp_path).damaged
    png = tmp_path / "photo.png"
    save_photo(png, (200, 160))
    content = bytearray(png.read_bytes())
    content[len(content) // 2] ^= 0xFF
    png.write_bytes(content)
    assert not check_dataset("photos", tmp_path).damaged
    assert list(check_dataset("photos", tmp_path, decode=True).damaged) == ["photo.png"]


def test_ar(tmp_path):
    root = write_ar(tmp_path)
    report = check_dataset("ar", root)
    assert report.usable == {"unoccluded": 1, "glasses": 1, "scarf": 1}
    assert (found(report)["masks"], found(report)["photographs"]) == (3, 4)
    assert names(report) == set()
    assert names(report, "warning") == {"other_number"}
    (root / "images/dbf1/M-001-1.bmp").rename(root / "images/dbf1/m-001-1.raw")
    save_photo(root / "masks/m-001-08_mask.png", (SIDE, 3 * SIDE))
    (root / "masks/M-1-8_mask.png").unlink()
    save_photo(root / "masks/scarf.png")
    report = check_dataset("ar", root)
    assert names(report) == {"raw_photographs", "masks_without_photograph", "other_shape"}
    assert "strange_names" in names(report, "warning")
    assert report.exit_code == 2


def test_now(tmp_path):
    root = write_dataset(tmp_path / "NoW")
    report = check_dataset("now", root)
    assert names(report) == {"no_photographs", "no_landmarks"}
    assert found(report)["scans with landmarks"] == 2
    assert any("focsbench now score" in step for step in report.steps)
    for line in LINES:
        save_photo(root / "iphone_pictures" / line)
    points = face_landmarks(SIDE)
    write_landmarks(root / "nowchallenge_landmarks.csv", ((line, points) for line in LINES))
    report = check_dataset("now", root)
    assert report.exit_code == 0
    assert sum(report.usable.values()) == len(LINES)

    picked = root / "scans_lmks_onlypp/anna/scan.pp"
    metres = re.sub(r"-?\d+\.\d+", lambda m: str(float(m[0]) / 1000), picked.read_text())
    picked.write_text(metres)
    (root / "scans/bela/scan.obj").unlink()
    report = check_dataset("now", root)
    assert names(report) == {"unusable_scans"}
    assert "no face in millimetres" in report.damaged["scans/anna"]
    assert "no *.obj file" in report.damaged["scans/bela"]
    assert report.exit_code == 1


def test_authors_and_plain_folder(tmp_path):
    root = write_authors(tmp_path / "authors")
    report = check_dataset("authors", root)
    assert report.exit_code == 0
    assert report.usable["all_landmarks.csv"] == 4
    (root / "Dataset/people/2.jpg").unlink()
    assert names(check_dataset("authors", root)) == {"lines_without_photograph"}
    report = check_dataset("photos", root / "Dataset")
    assert names(report) == {"no_landmarks"}
    assert found(report)["photographs with a mask"] == 2


def test_photographs_of_one_name_are_found(tmp_path):
    root = write_authors(tmp_path / "authors")
    save_photo(root / "Dataset/people/3.png")
    assert check_dataset("authors", root).exit_code == 0  # it is on no list
    shutil.copy(root / "all_landmarks.csv", root / "Dataset/landmarks.csv")
    report = check_dataset("photos", root / "Dataset")
    assert "ambiguous_names" in names(report)
    assert report.usable == {"all": 0}
    listed = (root / "test_landmarks.csv").read_text()
    (root / "test_landmarks.csv").write_text(listed + listed.replace(".jpg", ".png"))
    report = check_dataset("authors", root)
    assert names(report) == {"ambiguous_names"}
    assert (report.usable["test_landmarks.csv"], report.usable["all_landmarks.csv"]) == (0, 4)
    (finding,) = [one for one in report.findings if one.name == "ambiguous_names"]
    assert "people/3.jpg and people/3.png (people/3)" in finding.message


def test_command(focsbench, tmp_path):
    folder = write_celebahq(tmp_path)
    code, out, _ = focsbench(
        "data", "check", "celeba", folder, "--json", tmp_path / "a/report.json"
    )
    assert code == 0
    assert "images that can be used: train 2, val 1, test 3" in out
    assert "30000" in out
    content = json.loads((tmp_path / "a/report.json").read_text())
    assert content["usable"] == {"train": 2, "val": 1, "test": 3}
    code, out, _ = focsbench("data", "check", "celeba", folder, "--json", "-", "--workers", "1")
    assert json.loads(out) == content
    code, _, err = focsbench("data", "check", "celeba", tmp_path / "nowhere")
    assert code == 1
    assert "is not there, a dataset is a folder; check the path" in err
    with pytest.raises(InputError, match="is a file, a dataset is a folder; unpack it"):
        check_dataset("celeba", tmp_path / "a/report.json")
    code, _, err = focsbench("data", "check", "lfw", folder)
    assert (code, "choose celeba, ar" in err) == (1, True)


def test_lists_command(focsbench, tmp_path):
    folder = write_celebahq(tmp_path)
    code, out, _ = focsbench(
        "data", "lists", folder, "--output", tmp_path / "lists", "--draw", "1,1"
    )
    assert code == 0
    assert "test occluded" in out
    written = {path.name for path in (tmp_path / "lists").iterdir()}
    assert written == {"train.txt", "val.txt", "test.txt", "occlusion.csv", "policies.json"}
    assert (tmp_path / "lists/test.txt").read_text().split() == ["3.jpg", "4.jpg", "2001.jpg"]
    # put beside the photographs, the lists are used as they are
    for name in ("occlusion.csv", "policies.json"):
        shutil.copy(tmp_path / "lists" / name, folder / name)
    report = check_dataset("celeba", folder)
    assert found(report)["occluded test images"] == 1
    code, _, err = focsbench("data", "lists", folder, "--output", tmp_path / "b", "--draw", "many")
    assert (code, "write two numbers" in err) == (1, True)
