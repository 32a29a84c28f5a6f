from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from protocols_support import TinyScans, pooled, score, values, write_predictions

from focsbench.data.now import true_head
from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.geometry.io import write_mesh
from focsbench.geometry.true_error import true_correspondence
from focsbench.protocols.nonrigid_scan import CORRELATIONS, METRICS, TRUE_MEANS, NonrigidScan
from focsbench.protocols.true_heads import read_true, write_true
from focsbench.types import Mesh

TRUTH_METRICS = (*TRUE_MEANS, *CORRELATIONS)


class KnownScans(TinyScans):
    """The scans are the true heads themselves; nobody knows the head of cleo."""

    def true_head(self, subject):
        return None if subject == "cleo" else self._face(subject)


SCANS, KNOWN = TinyScans(), KnownScans()


def wavy(item):
    """The scan with waves of some millimetres, different for each image."""
    truth = SCANS.answer(item)
    mesh = truth.neutral
    phase = len(item.key)
    waves = 2 * np.sin(mesh.vertices[:, [1, 2, 0]] / 25 + phase)
    return replace(truth, neutral=Mesh(mesh.vertices + waves, mesh.triangles))


def wavy_folder(tmp_path, **options):
    return {"wavy": write_predictions(tmp_path / "wavy", SCANS, wavy, **options)}


def test_the_scan_as_prediction_scores_zero(tmp_path):
    folders = {"perfect": write_predictions(tmp_path / "perfect", SCANS, SCANS.answer)}
    rows = score(NonrigidScan(), folders, KNOWN, tmp_path, "perfect")
    assert pooled(rows, "mean", "all") < 1e-3
    assert pooled(rows, "done_rate", "all") == 1
    # there is no error that anything could follow
    assert not {row.metric for row in rows} & set(CORRELATIONS)


def test_pools_are_those_of_the_stored_arrays(tmp_path):
    rows = score(NonrigidScan(), wavy_folder(tmp_path), SCANS, tmp_path, "wavy")
    output = tmp_path / "nonrigid_scan_wavy"
    stored = {item.key: np.load(output / f"{item.key}.npy") for item in SCANS.items}
    for subset in ("all", "selfie"):
        keys = [i.key for i in SCANS.items if subset in ("all", i.challenge)]
        pool = np.concatenate([stored[key] for key in keys]).astype(float)
        assert pooled(rows, "n", subset) == len(pool)
        for metric, function in (("median", np.median), ("mean", np.mean), ("std", np.std)):
            assert pooled(rows, metric, subset) == pytest.approx(function(pool), rel=1e-5)
    # nobody told the true heads
    assert {row.metric for row in rows} == {*METRICS, "done_rate"}
    assert not list(output.rglob("*_true.npy"))


def test_true_errors_where_the_head_is_known(tmp_path):
    rows = score(NonrigidScan(), wavy_folder(tmp_path), KNOWN, tmp_path, "wavy")
    output = tmp_path / "nonrigid_scan_wavy"
    folder = PredictionFolder(tmp_path / "wavy")
    for item in KNOWN.items:
        if item.subject == "cleo":
            assert item.key not in values(rows, "true_mean")
            continue
        true = np.load(output / f"{item.key}_true.npy")
        rigid = np.load(output / f"{item.key}_rigid.npy")
        found = np.load(output / f"{item.key}.npy")
        crop = np.load(tmp_path / "nonrigid_scan_shared" / f"{item.subject}.npz")
        answer = true_correspondence(
            crop["points"], crop["landmarks"], *KNOWN.true_head(item.subject)
        )
        expected = answer.errors(folder.geometry(item.key)[0].vertices)
        np.testing.assert_allclose(true, expected, rtol=1e-5)
        assert values(rows, "true_mean")[item.key] == pytest.approx(true.mean(), rel=1e-5)
        assert values(rows, "rigid_mean")[item.key] == pytest.approx(rigid.mean(), rel=1e-5)
        for metric, array in (("correlation", found), ("rigid_correlation", rigid)):
            expected = np.corrcoef(array, true)[0, 1]
            assert values(rows, metric)[item.key] == pytest.approx(expected, abs=1e-4)
    # a pool in which an answer is missing has no true mean
    pools = {(row.subset, row.metric) for row in rows if row.item == "pooled"}
    assert ("multiview_occlusions", "true_mean") in pools
    assert not {("all", metric) for metric in TRUTH_METRICS} & pools
    both = [
        values(rows, "correlation", "multiview_occlusions")[i.key]
        for i in KNOWN.items
        if i.challenge == "multiview_occlusions"
    ]
    assert pooled(rows, "correlation", "multiview_occlusions") == pytest.approx(np.mean(both))


def test_other_triangles_have_no_true_error(tmp_path):
    def turned(item):
        answer = wavy(item)
        mesh = answer.neutral
        return replace(answer, neutral=Mesh(mesh.vertices, mesh.triangles[::-1]))

    folders = {"turned": write_predictions(tmp_path / "turned", SCANS, turned)}
    rows = score(NonrigidScan(), folders, KNOWN, tmp_path, "turned")
    assert not {row.metric for row in rows} & set(TRUTH_METRICS)
    assert pooled(rows, "done_rate", "all") == 1


def test_failures_are_rows_with_a_reason(tmp_path):
    broken, refused = "anna/multiview_occlusions/IMG_1", "anna/selfie/IMG_2"
    folders = wavy_folder(tmp_path, failures=[refused])
    (folders["wavy"] / f"{broken}.ply").write_bytes(b"ply\nbroken")
    rows = score(NonrigidScan(), folders, KNOWN, tmp_path, "wavy")
    failed = {row.item: row.reason for row in rows if row.status == "failed"}
    assert "no face found" in failed[refused]
    assert failed[broken].startswith(f"{broken}.ply: ")
    # it was the only selfie
    assert failed["pooled"] == "no image of this subset has a value"
    assert pooled(rows, "done_rate", "all") == pytest.approx(4 / 6)
    assert pooled(rows, "done_rate", "selfie") == 0
    done = {row.item for row in rows if row.status == "ok"}
    assert done == {item.key for item in SCANS.items} - {broken, refused} | {"pooled"}


def test_a_method_without_meshes_is_not_asked(tmp_path):
    def picture(item):
        return replace(SCANS.answer(item), neutral=None, region=np.ones((4, 4), bool))

    folders = {"flat": write_predictions(tmp_path / "flat", SCANS, picture)}
    assert score(NonrigidScan(), folders, SCANS, tmp_path, "flat") == []


def test_true_heads_that_do_not_fit_or_are_damaged_are_named(tmp_path):
    class Odd(KnownScans):
        def true_head(self, subject):
            mesh, _ = self._face(subject)
            return mesh, np.zeros((7, 3))

    with pytest.raises(InputError, match=r"true head of anna: .* make the data again"):
        NonrigidScan().prepare({}, Odd(), tmp_path)
    write_true(KNOWN, tmp_path)
    assert read_true(tmp_path, "anna") is not None
    assert read_true(tmp_path, "cleo") is None
    (tmp_path / "anna_true.npz").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"anna_true.npz: .*prepare the protocol again"):
        read_true(tmp_path, "anna")


def test_true_heads_lie_beside_the_dataset(tmp_path):
    mesh, landmarks = KNOWN.true_head("anna")
    folder = tmp_path / "ground_truth" / "NoW"
    folder.mkdir(parents=True)
    assert true_head(tmp_path / "NoW", "anna") is None
    write_mesh(folder / "anna.ply", mesh)
    np.save(folder / "anna.npy", landmarks)
    found, points = true_head(tmp_path / "NoW", "anna")
    np.testing.assert_allclose(found.vertices, mesh.vertices, rtol=1e-6)
    np.testing.assert_allclose(points, landmarks)
    (folder / "anna.npy").unlink()
    with pytest.raises(InputError, match=r"anna\.npy"):
        true_head(tmp_path / "NoW", "anna")
