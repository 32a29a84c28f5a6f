"""The written benchmark: same bytes for any number of workers, readable in the real layouts."""

from __future__ import annotations

import hashlib
import json
import warnings

import numpy as np
import pytest
from PIL import Image

from focsbench.data.ar import ARFaces
from focsbench.data.celebahq import CelebAMaskHQ, merge_parts
from focsbench.data.now import NoWImages
from focsbench.data.synthetic import SyntheticConfig, write_benchmark
from focsbench.errors import InputError
from focsbench.geometry.io import read_landmarks7, read_mesh

CONFIG = SyntheticConfig(
    seed=5, photo_size=96, celeba_train=6, celeba_val=2, celeba_test=2, ar_subjects=1,
    ar_val_subjects=1, now_subjects=1, now_val_subjects=1, now_neutral=1, now_occlusions=1,
    now_expressions=0, train_images_per_subject=3,
)  # fmt: skip


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    path = tmp_path_factory.mktemp("benchmark") / "data"
    write_benchmark(path, CONFIG, workers=1)
    return path


def fingerprints(root):
    return {
        path.relative_to(root).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in sorted(root.rglob("*"))
        if path.is_file()
    }


def test_workers_do_not_change_a_byte(root, tmp_path):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of the interpreter about processes and threads
        write_benchmark(tmp_path / "again", CONFIG, workers=2)
    assert fingerprints(root) == fingerprints(tmp_path / "again")


def test_manifest_counts_and_hashes_the_lists(root):
    manifest = json.loads((root / "manifest.json").read_text())
    assert manifest["seed"] == 5
    assert manifest["config"] == CONFIG.model_dump()
    assert sum(n for key, n in manifest["counts"].items() if key.startswith("CelebA")) == 10
    assert manifest["counts"]["AR/scarf"] == 1
    for name, digest in manifest["sha256"].items():
        assert hashlib.sha256((root / name).read_bytes()).hexdigest() == digest


def test_celebahq_layout(root):
    folder = root / "CelebAMask-HQ"
    sizes = {}
    for split in ("train", "val", "test"):
        dataset = CelebAMaskHQ(folder, split, 64)
        sizes[split] = len(dataset)
        for sample in (dataset[i] for i in range(len(dataset))):
            assert sample.subset in ("unoccluded", "occluded")
            assert sample.visible_mask.mean() > 0.03
            assert sample.subject.startswith(split)
    assert sizes == {"train": 6, "val": 2, "test": 2}
    # exact photographs exist for evaluation only
    names = {path.name for path in (root / "ground_truth/CelebAMask-HQ").iterdir()}
    assert names == {"6.png", "7.png", "8.png", "9.png"}
    with Image.open(folder / "CelebA-HQ-img/0.jpg") as image:
        assert image.size == (96, 96)
    parts = {path.stem.split("_", 1)[1] for path in folder.glob("*anno/0/*.png")}
    assert {"skin", "nose", "l_eye", "r_eye", "neck", "cloth", "u_lip", "l_lip"} <= parts
    mask = np.asarray(merge_parts(folder / "CelebAMask-HQ-mask-anno", 0))
    assert set(np.unique(mask)) == {0, 255}


def test_ar_layout(root):
    for name in ("AR", "val_AR"):
        dataset = ARFaces(root / name, 64)
        samples = [dataset[index] for index in range(len(dataset))]
        assert [s.subset for s in samples] == ["unoccluded", "glasses", "scarf"]
        areas = [s.visible_mask.sum() for s in samples]
        assert areas[0] > areas[1] > areas[2]


def test_now_layout(root):
    for name in ("NoW", "val_NoW"):
        dataset = NoWImages(root / name, 64)
        challenges = [item.challenge for item in dataset.items]
        assert challenges == ["multiview_neutral", "multiview_occlusions", "selfie"]
        subject = dataset.items[0].subject
        scan, picked = dataset.scan(subject), dataset.scan_landmarks(subject)
        truth = read_mesh(root / "ground_truth" / name / f"{subject}.ply")
        landmarks = read_landmarks7(root / "ground_truth" / name / f"{subject}.npy")
        assert len(scan.vertices) > 5000
        assert len(truth.vertices) > 5000
        # distances between landmarks do not depend on the placement of the scan
        for points in (picked, landmarks):
            assert 60 < np.linalg.norm(points[0] - points[3]) < 120
        spread = np.linalg.norm(picked - picked[4], axis=1) - np.linalg.norm(
            landmarks - landmarks[4], axis=1
        )
        assert np.abs(spread).max() < 2.0
        assert dataset[0].image.shape == (64, 64, 3)
        header = next((root / name / "scans_lmks_onlypp").rglob("*.pp")).read_text().split("\n")
        assert [line.strip().startswith("<point ") for line in header].index(True) == 8


def test_refuses_to_write_over_files(root):
    with pytest.raises(InputError, match="exists already"):
        write_benchmark(root, CONFIG, workers=1)


def test_says_where_it_cannot_write(tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.raises(InputError, match="cannot be written"):
        write_benchmark(tmp_path / "file" / "data", CONFIG, workers=1)
