from __future__ import annotations

import errno
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from protocols_support import SIZE, TinyScans, pooled, score, values, write_predictions

from focsbench.errors import InputError
from focsbench.geometry.scan_alignment import align_to_scan
from focsbench.geometry.scan_crop import crop_scan
from focsbench.now.pairing import read_pairs, read_yaw
from focsbench.protocols.now import METRICS, PAIRED_METRICS, NoW
from focsbench.protocols.now_scans import subsets
from focsbench.types import Mesh, Reconstruction

SCANS = TinyScans()
PAIRS = [
    ("anna/multiview_neutral/IMG_0", "anna/multiview_occlusions/IMG_1"),
    ("bela/multiview_neutral/IMG_0", "bela/multiview_occlusions/IMG_1"),
]


def bumpy(item):
    """The scan with millimetre bumps, different for each image."""
    truth = SCANS.answer(item)
    rng = np.random.default_rng(len(item.key))
    noise = rng.normal(size=truth.neutral.vertices.shape)
    return replace(truth, neutral=Mesh(truth.neutral.vertices + noise, truth.neutral.triangles))


def test_ground_truth_scores_zero_in_any_unit(tmp_path):
    folders = {
        "metres": write_predictions(
            tmp_path / "metres", SCANS, lambda item: SCANS.answer(item, 0.001)
        )
    }
    rows = score(NoW(), folders, SCANS, tmp_path, "metres")
    # float32 files of a mesh in metres, some metres from the origin
    assert pooled(rows, "median", "all") < 1e-3
    assert pooled(rows, "done_rate", "all") == 1
    assert {row.status for row in rows} == {"ok"}
    # the scan itself is no reconstruction, and the row says so
    assert all("scan_as_prediction: " in row.reason for row in rows if row.item != "pooled")


def test_pools_are_those_of_the_stored_distances(tmp_path):
    folders = {"bumpy": write_predictions(tmp_path / "bumpy", SCANS, bumpy)}
    rows = score(NoW(), folders, SCANS, tmp_path, "bumpy")
    stored = {item.key: np.load(tmp_path / "now_bumpy" / f"{item.key}.npy") for item in SCANS.items}
    for item in SCANS.items:
        distances = stored[item.key]
        kept = crop_scan(SCANS.scan(item.subject).vertices, SCANS.scan_landmarks(item.subject))
        assert distances.shape == kept.shape
        assert values(rows, "n")[item.key] == len(kept)
        assert values(rows, "median")[item.key] == pytest.approx(np.median(distances), rel=1e-5)
    assert read_pairs(tmp_path / "now_bumpy") == PAIRS
    assert set(read_yaw(tmp_path / "now_bumpy").values()) == {0.0}
    members = subsets(SCANS.items, PAIRS)
    assert {row.subset for row in rows} == set(members)
    for subset, keys in members.items():
        pool = np.concatenate([stored[key] for key in keys]).astype(np.float64)
        assert pooled(rows, "n", subset) == len(pool)
        for metric, function in (("median", np.median), ("mean", np.mean), ("std", np.std)):
            assert pooled(rows, metric, subset) == pytest.approx(function(pool), rel=1e-5)


def test_subsets():
    members = subsets(SCANS.items, PAIRS)
    assert len(members["all"]) == 6
    assert members["selfie"] == ["anna/selfie/IMG_2"]
    assert len(members["multiview_neutral"]) == 3
    # cleo was never photographed with an occluder, so she has no part in the comparison
    assert list(zip(members["unoccluded"], members["occluded"], strict=True)) == PAIRS
    assert {"occluded", "unoccluded"}.isdisjoint(subsets(SCANS.items))
    assert subsets(SCANS.items[:1], PAIRS)["unoccluded"] == [PAIRS[0][0]]
    assert "occluded" not in subsets(SCANS.items[:1], PAIRS)


def test_without_landmarks_of_the_photographs_there_are_no_pairs(tmp_path):
    class Faceless(TinyScans):
        def photo_landmarks(self):
            return {}

    scans = Faceless()
    folders = {"a": write_predictions(tmp_path / "a", scans, bumpy)}
    rows = score(NoW(), folders, scans, tmp_path, "a")
    assert {"occluded", "unoccluded"}.isdisjoint(row.subset for row in rows)
    assert read_pairs(tmp_path / "now_a") == []


def test_failures_leave_the_pool_and_lower_the_done_rate(tmp_path):
    folders = {
        "some": write_predictions(
            tmp_path / "some", SCANS, bumpy, failures=("anna/multiview_occlusions/IMG_1",)
        )
    }
    folder = folders["some"]
    (folder / "bela/multiview_occlusions/IMG_1.ply").write_bytes(b"ply\n")
    (folder / "anna/selfie/IMG_2.npy").unlink()
    np.save(folder / "cleo/multiview_neutral/IMG_0.npy", np.ones((7, 3)))
    rows = score(NoW(), folders, SCANS, tmp_path, "some")
    reasons = {row.item: row.reason for row in rows if row.metric == "median"}
    assert reasons["anna/multiview_occlusions/IMG_1"].endswith("no face found")
    assert reasons["bela/multiview_occlusions/IMG_1"].startswith(
        "bela/multiview_occlusions/IMG_1.ply: not a readable mesh"
    )
    assert "landmark file is missing" in reasons["anna/selfie/IMG_2"]
    assert "coincide" in reasons["cleo/multiview_neutral/IMG_0"]
    assert pooled(rows, "done_rate", "all") == pytest.approx(2 / 6)
    assert pooled(rows, "done_rate", "occluded") == 0
    assert pooled(rows, "median", "occluded") is None
    assert pooled(rows, "median", "all") == pooled(rows, "median", "multiview_neutral")
    [row] = [
        row for row in rows
        if (row.item, row.subset, row.metric) == ("pooled", "occluded", "median")
    ]  # fmt: skip
    assert (row.status, row.reason) == ("failed", "no image of this subset could be scored")
    assert not (tmp_path / "now_some/anna/selfie/IMG_2.npy").exists()


def test_a_mirrored_method_is_warned(tmp_path):
    def mirrored(item):
        truth = SCANS.answer(item)
        flip = np.array([-1, 1, 1])
        return Reconstruction(
            neutral=Mesh(truth.neutral.vertices * flip, truth.neutral.triangles),
            landmarks7=truth.landmarks7 * flip,
        )

    folders = {"mirrored": write_predictions(tmp_path / "mirrored", SCANS, mirrored)}
    rows = score(NoW(), folders, SCANS, tmp_path, "mirrored")
    images = [row for row in rows if row.item != "pooled"]
    assert {row.status for row in images} == {"ok"}
    assert all(row.reason.startswith("mirrored_mesh: ") for row in images)


def test_metrical_evaluation_sees_the_size(tmp_path):
    folders = {
        "right": write_predictions(tmp_path / "right", SCANS, SCANS.answer),
        "large": write_predictions(tmp_path / "large", SCANS, lambda item: SCANS.answer(item, 1.1)),
    }
    protocol = NoW(metrical=True)
    right = score(protocol, folders, SCANS, tmp_path, "right")
    large = score(protocol, folders, SCANS, tmp_path, "large")
    assert pooled(right, "median", "all") < 1e-3
    assert pooled(large, "median", "all") > 0.5
    assert {row.protocol for row in right} == {"now_metrical"}
    assert pooled(score(NoW(), folders, SCANS, tmp_path, "large"), "median", "all") < 1e-3
    assert protocol.card.fingerprint() != NoW().card.fingerprint()


def test_scans_are_read_once_for_all_methods(tmp_path):
    scans = TinyScans()
    folders = {name: write_predictions(tmp_path / name, scans, scans.answer) for name in ("a", "b")}
    protocol = NoW()
    assert protocol.prepare_reads_predictions
    (tmp_path / "shared").mkdir()
    protocol.prepare({}, scans, tmp_path / "shared")
    assert scans.scans_read == 3
    for name, folder in folders.items():
        (tmp_path / f"out_{name}").mkdir()
        protocol.score(name, folder, scans, tmp_path / "shared", tmp_path / f"out_{name}")
    assert scans.scans_read == 3
    first = (tmp_path / "shared/anna.npz").read_bytes()
    protocol.prepare({}, scans, tmp_path / "shared")
    assert (tmp_path / "shared/anna.npz").read_bytes() == first


def test_unusable_preparations(tmp_path):
    folders = {"a": write_predictions(tmp_path / "a", SCANS, SCANS.answer)}
    with pytest.raises(InputError, match="prepare the protocol again"):
        NoW().score("a", folders["a"], SCANS, tmp_path, tmp_path)

    class FarScans(TinyScans):
        def scan_landmarks(self, subject):
            return super().scan_landmarks(subject) / 1000 + 1000

    with pytest.raises(InputError, match="scan of anna: no scan vertex lies near"):
        NoW().prepare({}, FarScans(), tmp_path)


def test_methods_without_shape_are_not_asked(tmp_path):
    flat = Reconstruction(region=np.ones((SIZE, SIZE), dtype=bool))
    folders = {"flat": write_predictions(tmp_path / "flat", SCANS, lambda _: flat)}
    assert score(NoW(), folders, SCANS, tmp_path, "flat") == []
    assert METRICS == ("median", "mean", "std", "n")
    assert PAIRED_METRICS == ("median_paired", "mean_paired", "std_paired", "n_paired")


def test_paired_pools_hold_the_images_that_all_methods_have(tmp_path):
    flat = Reconstruction(region=np.ones((SIZE, SIZE), dtype=bool))
    lost = "anna/multiview_occlusions/IMG_1"
    folders = {
        "whole": write_predictions(tmp_path / "whole", SCANS, bumpy),
        "holes": write_predictions(tmp_path / "holes", SCANS, bumpy, failures=(lost,)),
        "flat": write_predictions(tmp_path / "flat", SCANS, lambda _: flat),  # takes no part
    }
    broken = "bela/multiview_occlusions/IMG_1"
    (folders["holes"] / f"{broken}.ply").write_bytes(b"ply\n")
    whole = score(NoW(), folders, SCANS, tmp_path, "whole")
    holes = score(NoW(), folders, SCANS, tmp_path, "holes")
    common = [item.key for item in SCANS.items if item.key not in (lost, broken)]
    pool = [np.load(tmp_path / "now_whole" / f"{key}.npy").astype(float) for key in common]
    assert pooled(whole, "median_paired", "all") == pytest.approx(np.median(np.concatenate(pool)))
    assert pooled(whole, "n", "all") > pooled(whole, "n_paired", "all")
    for metric in PAIRED_METRICS:  # both methods give the same meshes
        assert pooled(whole, metric, "all") == pooled(holes, metric, "all")
        assert pooled(holes, metric, "all") == pooled(holes, metric.removesuffix("_paired"), "all")
        assert pooled(whole, metric, "occluded") is None
    assert pooled(whole, "median", "occluded") is not None
    [row] = [r for r in whole if (r.subset, r.metric) == ("occluded", "median_paired")]
    assert (row.status, row.reason) == ("failed", "no image that all methods have")


def test_what_cannot_be_scored_is_in_nobodys_paired_pool(tmp_path):
    """Files that can be read, with landmarks in one place: no method pools the image."""
    folders = {name: write_predictions(tmp_path / name, SCANS, bumpy) for name in ("odd", "good")}
    key = "cleo/multiview_neutral/IMG_0"
    np.save(folders["odd"] / f"{key}.npy", np.ones((7, 3)))
    odd, good = (score(NoW(), folders, SCANS, tmp_path, name) for name in folders)
    for metric in PAIRED_METRICS:  # both methods give the same meshes
        assert pooled(good, metric, "all") == pooled(odd, metric, "all")
        assert pooled(odd, metric, "all") == pooled(odd, metric.removesuffix("_paired"), "all")
    assert pooled(good, "n", "all") > pooled(good, "n_paired", "all")


def test_metrical_pools_leave_out_what_has_another_unit(tmp_path):
    folders = {name: write_predictions(tmp_path / name, SCANS, bumpy) for name in "abc"}
    key = "anna/selfie/IMG_2"
    np.save(folders["b"] / f"{key}.npy", 1000 * np.load(folders["b"] / f"{key}.npy"))
    manifest = json.loads((folders["c"] / "manifest.json").read_text())
    (folders["c"] / "manifest.json").write_text(json.dumps({**manifest, "unit": None}))
    rows = {name: score(NoW(metrical=True), folders, SCANS, tmp_path, name) for name in folders}
    assert pooled(rows["a"], "n_paired", "all") == pooled(rows["b"], "n_paired", "all")
    assert pooled(rows["b"], "n_paired", "all") == pooled(rows["b"], "n", "all")
    assert pooled(rows["a"], "n", "all") > pooled(rows["b"], "n", "all")
    # No image of a method without a unit has a score, so it takes part in no comparison.
    assert pooled(rows["c"], "done_rate", "all") == 0
    assert pooled(score(NoW(), folders, SCANS, tmp_path, "b"), "n_paired", "selfie") is not None


def test_a_paired_pool_without_one_of_its_images_is_none(tmp_path, monkeypatch):
    """A prediction that only fails when it is placed; the other methods would pool more images."""

    def place(scan_points, scan_landmarks, mesh, landmarks, **options):
        if np.array_equal(landmarks, lost):
            raise ValueError("a vertex is too far away")
        return align_to_scan(scan_points, scan_landmarks, mesh, landmarks, **options)

    folders = {"odd": write_predictions(tmp_path / "odd", SCANS, bumpy)}
    key = "cleo/multiview_neutral/IMG_0"
    lost = np.load(folders["odd"] / f"{key}.npy")
    monkeypatch.setattr("focsbench.now.pair.align_to_scan", place)
    rows = score(NoW(), folders, SCANS, tmp_path, "odd")
    [row] = [r for r in rows if (r.subset, r.metric) == ("all", "median_paired")]
    assert (row.status, row.reason) == ("failed", f"{key}: could not be scored")
    assert pooled(rows, "median", "all") is not None
    assert pooled(rows, "median_paired", "selfie") == pooled(rows, "median", "selfie")


def test_an_error_that_may_pass_takes_no_image_from_all_methods(tmp_path, monkeypatch):
    folders = {"a": write_predictions(tmp_path / "a", SCANS, bumpy)}
    (tmp_path / "shared").mkdir()

    read = Path.read_bytes

    def stale(path):
        if path.suffix == ".ply":
            raise OSError(errno.ESTALE, "Stale file handle")
        return read(path)

    monkeypatch.setattr("pathlib.Path.read_bytes", stale)
    with pytest.raises(InputError, match="Stale file handle"):
        NoW().prepare(folders, SCANS, tmp_path / "shared")
