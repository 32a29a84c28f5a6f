"""CelebAMask-HQ in its published structure: splits, rules, lists, identities."""

from __future__ import annotations

import csv
import json
from concurrent.futures import Future
from concurrent.futures.process import BrokenProcessPool

import numpy as np
import pytest
from celebahq_support import GLASSES, HAT, IMAGES, MASK_SIDE, SIDE, face_landmarks, write_celebahq
from hypothesis import given, settings
from hypothesis import strategies as st

from focsbench.data import celebahq_subsets
from focsbench.data.celebahq import CelebAMaskHQ, merge_parts, read_parts
from focsbench.data.celebahq_lists import read_mapping, split_members
from focsbench.data.celebahq_rules import (
    FACE_PARTS,
    PAINT_ORDER,
    VISIBLE_FACE_RULES,
    Occlusion,
    draw,
    landmark_hull,
    occlusion,
    subset_of,
    visible_face,
)
from focsbench.data.celebahq_subsets import find_subsets
from focsbench.data.staging import stage
from focsbench.errors import ConfigError, InputError

SPLIT = {"train": [0, 1], "val": [2], "test": [3, 4, 2001]}


@pytest.fixture
def folder(tmp_path):
    return write_celebahq(tmp_path)


def test_split_by_mapping_and_by_the_partition_of_celeba(folder):
    for split, numbers in SPLIT.items():
        assert [image.index for image in split_members(folder, split)] == numbers
        assert CelebAMaskHQ(folder, split, 32).keys() == [str(number) for number in numbers]
    # the list of CelebA decides where it is there; here it calls image 3 a training image
    codes = {"200122.jpg": 0, "170001.jpg": 1, "190001.jpg": 2, "182639.jpg": 2}
    names = [image.original_file for image in read_mapping(folder / MAPPING)]
    lines = "".join(f"{name} {codes.get(name, 0)}\n" for name in names)
    (folder / "list_eval_partition.txt").write_text(lines)
    dataset = CelebAMaskHQ(folder, "test", 32)
    assert dataset.keys() == ["4", "2001"]
    assert "list_eval_partition.txt" in dataset.policies["split"]
    (folder / "list_eval_partition.txt").write_text("000001.jpg 0\n")
    with pytest.raises(InputError, match=r"has no line for '119614\.jpg"):
        CelebAMaskHQ(folder, "test", 32)


MAPPING = "CelebA-HQ-to-CelebA-mapping.txt"


def test_identities_of_celeba(folder):
    dataset = CelebAMaskHQ(folder, "test", 32)
    assert [dataset.subject(i) for i in range(3)] == ["3", "4", "2001"]
    (folder / "identity_CelebA.txt").write_text("200122.jpg 77\n190001.jpg 77\n000001.jpg 5\n")
    dataset = CelebAMaskHQ(folder, "test", 32)
    assert [dataset.subject(i) for i in range(3)] == ["77", "77", "2001"]


def test_a_sample_has_its_mask_and_its_subset_by_rule(folder):
    dataset = CelebAMaskHQ(folder, "test", 48)
    samples = {sample.key: sample for sample in (dataset[i] for i in range(3))}
    assert {key: one.subset for key, one in samples.items()} == {
        "3": "occluded", "4": "unoccluded", "2001": "unoccluded",
    }  # fmt: skip
    assert samples["2001"].image.shape == (48, 48, 3)
    # glasses take away what is not eye below them
    assert samples["3"].visible_mask.sum() < samples["2001"].visible_mask.sum()
    assert "hidden-share-v1" in dataset.policies["subsets"]


def test_rules_for_the_visible_face(folder):
    parts = read_parts(folder / "CelebAMask-HQ-mask-anno", GLASSES)
    official = visible_face(parts)
    hidden = visible_face(parts, "glasses-hide-v1")
    assert official[parts["l_eye"]].all()
    assert not hidden[parts["eye_g"]].any()
    assert (official & ~hidden).sum() == (parts["l_eye"] | parts["r_eye"]).sum()
    mouth = {"skin": np.ones((2, 2), bool), "mouth": np.eye(2, dtype=bool)}
    assert visible_face(mouth).all()
    assert (visible_face(mouth, "closed-mouth-v1") == ~np.eye(2, dtype=bool)).all()
    merged = np.asarray(merge_parts(folder / "CelebAMask-HQ-mask-anno", GLASSES)) > 0
    assert (merged == official).all()
    with pytest.raises(ConfigError, match=r"no rule is called 'mine'; choose paint-order-v1 or"):
        visible_face(parts, "mine")


@settings(max_examples=40, deadline=None)
@given(
    seed=st.integers(0, 10_000),
    rule=st.sampled_from(sorted(VISIBLE_FACE_RULES)),
    chosen=st.sets(st.sampled_from(PAINT_ORDER), min_size=1),
)
def test_visible_face_against_a_loop_over_pixels(seed, rule, chosen):
    rng = np.random.default_rng(seed)
    parts = {part: rng.random((3, 4)) < 0.4 for part in chosen}
    order = VISIBLE_FACE_RULES[rule].order
    assert sorted(order) == sorted(PAINT_ORDER)
    expected = np.zeros((3, 4), bool)
    for y in range(3):
        for x in range(4):
            on_top = [part for part in order if part in parts and parts[part][y, x]]
            expected[y, x] = bool(on_top) and on_top[-1] in VISIBLE_FACE_RULES[rule].face
    assert (visible_face(parts, rule) == expected).all()
    assert VISIBLE_FACE_RULES[rule].face <= FACE_PARTS


def test_what_counts_as_occluded(folder):
    landmarks = face_landmarks(MASK_SIDE)
    shares = {
        number: occlusion(read_parts(folder / "CelebAMask-HQ-mask-anno", number), landmarks)
        for number, _ in IMAGES
    }
    hull = landmark_hull(landmarks, (MASK_SIDE, MASK_SIDE))
    glasses = read_parts(folder / "CelebAMask-HQ-mask-anno", GLASSES)["eye_g"]
    assert shares[GLASSES].accessories == pytest.approx((glasses & hull).sum() / hull.sum())
    assert shares[0].hidden < 0.05
    by_rule = {
        rule: {number for number, found in shares.items() if subset_of(found, rule) == "occluded"}
        for rule in ("hidden-share-v1", "accessories-v1")
    }
    assert by_rule == {"hidden-share-v1": {GLASSES}, "accessories-v1": {GLASSES, HAT}}
    assert subset_of(Occlusion(0.11, 0.0, annotated=False)) == "occluded"
    assert subset_of(Occlusion(0.09, 0.0, annotated=False)) == "unoccluded"


def test_a_draw_is_part_of_a_larger_one_and_depends_on_the_seed():
    subsets = {number: "occluded" if number % 3 else "unoccluded" for number in range(300)}
    small = draw(subsets, {"occluded": 20, "unoccluded": 10}, 0)
    large = draw(subsets, {"occluded": 60, "unoccluded": 99}, 0)
    assert len(small) == 30
    assert set(small) < set(large)
    assert small == draw(dict(reversed(subsets.items())), {"unoccluded": 10, "occluded": 20}, 0)
    assert small != draw(subsets, {"occluded": 20, "unoccluded": 10}, 1)
    assert len(draw(subsets, {"unoccluded": 5000}, 0)) == 100


def test_lists_are_the_same_with_more_processes(folder):
    alone, together = find_subsets(folder), find_subsets(folder, workers=2)
    assert alone == together
    assert alone.counts() == {"test occluded": 1, "test unoccluded": 2, "val unoccluded": 1}


def test_an_image_that_kills_its_process_is_a_failure(folder, monkeypatch):
    def run_jobs(function, jobs, workers):
        for number, job in enumerate(jobs):
            ended = Future()
            if job.index == HAT:
                ended.set_exception(BrokenProcessPool("killed"))
            else:
                ended.set_result(function(job))
            yield number, ended

    monkeypatch.setattr(celebahq_subsets, "run_jobs", run_jobs)
    monkeypatch.setattr(celebahq_subsets, "_FEW", 0)
    found = find_subsets(folder, workers=2)
    assert sorted(found.images) == [2, 3, 2001]
    assert list(found.failures) == [HAT]
    assert "was killed" in found.failures[HAT]


def test_a_split_without_a_landmark_list_is_passed_over(folder, tmp_path):
    (folder / "all_landmarks.csv").rename(folder / "test_landmarks.csv")
    assert find_subsets(folder).counts() == {"test occluded": 1, "test unoccluded": 2}
    assert stage("celeba", {"folder": str(folder)}, tmp_path / "staged", 1) == {}
    assert CelebAMaskHQ(tmp_path / "staged", "test", 32).keys() == ["3", "4", "2001"]
    (folder / "test_landmarks.csv").unlink()
    with pytest.raises(InputError, match=r"val_landmarks\.csv: the landmark list is missing"):
        find_subsets(folder)


def test_staging_writes_lists_and_leaves_the_dataset_alone(folder, tmp_path):
    before = {path.name for path in folder.iterdir()}
    out = tmp_path / "staged"
    broken = folder / "CelebAMask-HQ-mask-anno/0/00004_skin.png"
    broken.write_bytes(broken.read_bytes()[:40])
    source = {"folder": str(folder), "draw": {"occluded": 1, "unoccluded": 1}, "draw_seed": 5}
    failures = stage("celeba", source, out, 1)
    assert {path.name for path in folder.iterdir()} == before
    assert list(failures) == ["4"]
    assert "00004_skin.png" in failures["4"]
    with (out / "occlusion.csv").open(newline="") as file:
        rows = {int(row["idx"]): row for row in csv.DictReader(file)}
    assert {n: (row["subset"], row["split"]) for n, row in rows.items()} == {
        2: ("unoccluded", "val"), 3: ("occluded", "test"), 2001: ("unoccluded", "test"),
    }  # fmt: skip
    assert {row["rule"] for row in rows.values()} == {"hidden-share-v1"}
    dataset = CelebAMaskHQ(out, "test", 32)
    assert dataset.keys() == ["3", "2001"]  # only what was drawn
    drawn = "1 occluded and 1 unoccluded of the test split drawn with seed 5"
    assert json.loads((out / "policies.json").read_text())["only_listed"] == drawn
    assert dataset.policies["images"] == drawn
    assert dataset.policies["subsets"].startswith("hidden-share-v1: ")
    assert CelebAMaskHQ(out, "train", 32).keys() == ["0", "1"]


def test_a_list_of_the_dataset_is_taken_as_it_is(folder, tmp_path):
    (folder / "occlusion.csv").write_text("idx,subset\n3,unoccluded\n4,occluded\n")
    stage("celeba", {"folder": str(folder)}, tmp_path / "own", 1)
    dataset = CelebAMaskHQ(tmp_path / "own", "test", 32)
    assert [dataset[i].subset for i in range(3)] == ["unoccluded", "occluded", "all"]
    assert dataset.policies["subsets"] == "occlusion.csv of the dataset"
    source = {"folder": str(folder), "draw": {"occluded": 9, "unoccluded": 0}}
    stage("celeba", source, tmp_path / "drawn", 1)
    assert CelebAMaskHQ(tmp_path / "drawn", "test", 32).keys() == ["4"]
    stage("celeba", {"folder": str(folder), "subsets": "accessories-v1"}, tmp_path / "rule", 1)
    dataset = CelebAMaskHQ(tmp_path / "rule", "test", 32)
    assert [dataset[i].subset for i in range(3)] == ["occluded", "occluded", "unoccluded"]
    assert dataset.policies["subsets"].startswith("accessories-v1: ")


def test_lists_put_beside_the_photographs_keep_their_rules(folder, tmp_path, focsbench):
    arguments = ("--draw", "1,1", "--draw-seed", "5", "--visible-face", "glasses-hide-v1")
    arguments += ("--subsets", "accessories-v1")
    assert focsbench("data", "lists", folder, "--output", tmp_path / "lists", *arguments)[0] == 0
    for name in ("occlusion.csv", "policies.json"):
        (tmp_path / "lists" / name).rename(folder / name)
    beside = CelebAMaskHQ(folder, "test", 32)
    assert [beside[i].subset for i in range(len(beside))] == ["occluded", "unoccluded"]
    source = {"folder": str(folder)}
    stage("celeba", source, tmp_path / "own", 1)
    staged = CelebAMaskHQ(tmp_path / "own", "test", 32)
    assert (staged.keys(), staged.policies) == (beside.keys(), beside.policies)
    assert "glasses-hide-v1" in staged.policies["visible face"]
    # a field of the profile wins over its own rule only
    stage("celeba", source | {"visible_face": "closed-mouth-v1"}, tmp_path / "mouth", 1)
    other = CelebAMaskHQ(tmp_path / "mouth", "test", 32)
    assert other.keys() == beside.keys()
    differing = {name for name in beside.policies if other.policies[name] != beside.policies[name]}
    assert differing == {"visible face"}
    stage("celeba", source | {"draw": {"occluded": 1}}, tmp_path / "less", 1)
    less = CelebAMaskHQ(tmp_path / "less", "test", 32)
    assert len(less) == 1
    assert less.policies["images"] == (
        "1 occluded of the test split drawn with seed 0, "
        "out of 1 occluded and 1 unoccluded of the test split drawn with seed 5"
    )
    # a list made anew is not the one that was drawn
    stage("celeba", source | {"subsets": "hidden-share-v1"}, tmp_path / "anew", 1)
    anew = CelebAMaskHQ(tmp_path / "anew", "test", 32)
    assert anew.keys() == ["3", "4", "2001"]
    assert anew.policies["images"] == "all of the split that have landmarks"
    (folder / "occlusion.csv").unlink()
    stage("celeba", source, tmp_path / "rules", 1)
    rules = CelebAMaskHQ(tmp_path / "rules", "test", 32).policies
    assert rules["subsets"].startswith("accessories-v1: ")
    assert rules["images"] == anew.policies["images"]


def test_staging_takes_landmarks_masks_and_lists_from_elsewhere(folder, tmp_path):
    elsewhere = tmp_path / "lists"
    elsewhere.mkdir()
    (folder / "all_landmarks.csv").rename(elsewhere / "mine.csv")
    (elsewhere / "identity.txt").write_text("200122.jpg 9\n")
    source = {
        "folder": str(folder),
        "landmarks": str(elsewhere / "mine.csv"),
        "identities": str(elsewhere / "identity.txt"),
        "visible_face": "glasses-hide-v1",
        "subsets": "accessories-v1",
    }
    stage("celeba", source, tmp_path / "staged", 1)
    dataset = CelebAMaskHQ(tmp_path / "staged", "test", 32)
    assert dataset.subject(0) == "9"
    assert [dataset[i].subset for i in range(3)] == ["occluded", "occluded", "unoccluded"]
    assert "glasses-hide-v1" in dataset.policies["visible face"]
    with pytest.raises(InputError, match="does not exist"):
        stage("celeba", {**source, "partition": "/nowhere.txt"}, tmp_path / "other", 1)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (MAPPING, "idx orig_idx orig_file\n0 one 1.jpg\n", r"mapping\.txt, line 2: expected"),
        ("all_landmarks.csv", "face.jpg" + ",1" * 136 + "\n", "is no image of CelebA-HQ"),
        ("occlusion.csv", "image,subset\n0,occluded\n", "columns idx,subset"),
        ("identity_CelebA.txt", "000001.jpg\n", "expected two words"),
        ("policies.json", "[]", "expected an object"),
    ],
)
def test_damaged_lists_are_named(folder, name, content, message):
    (folder / name).write_text(content)
    with pytest.raises(InputError, match=message):
        CelebAMaskHQ(folder, "test", 32)


def test_parts_of_two_sizes_are_refused(folder):
    from PIL import Image

    Image.new("L", (8, 8), 255).save(folder / "CelebAMask-HQ-mask-anno/0/00003_nose.png")
    with pytest.raises(InputError, match="the parts of image 3 differ in size"):
        CelebAMaskHQ(folder, "test", 32)[0]
    assert SIDE == 2 * MASK_SIDE  # parts have half the size of photographs, as published
