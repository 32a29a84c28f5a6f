from __future__ import annotations

import errno
from dataclasses import replace

import numpy as np
import pytest
from protocols_support import (
    SIZE,
    TinyPhotos,
    off_by,
    perfect,
    pooled,
    score,
    values,
    write_predictions,
)

from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.protocols.ar_rmse import ARRMSE
from focsbench.protocols.ar_segmentation import ARSegmentation
from focsbench.protocols.base import ProtocolCard
from focsbench.protocols.celeba_rmse import CelebARMSE
from focsbench.protocols.celeba_segmentation import CelebASegmentation
from focsbench.protocols.segmentation import METRICS

PHOTOS = TinyPhotos()
AR = TinyPhotos(("unoccluded", "glasses", "scarf"))


def narrow(sample):
    """A reconstruction that covers the left half only and is wrong on the right one."""
    right = np.arange(SIZE) >= SIZE // 2
    render = np.where(right[None, :, None], 1 - sample.image, sample.image)
    return replace(perfect(sample), render=render, region=np.tile(~right, (SIZE, 1)))


def test_ground_truth_has_no_photometric_error(tmp_path):
    folders = {"truth": write_predictions(tmp_path / "truth", PHOTOS, perfect)}
    rows = score(CelebARMSE(), folders, PHOTOS, tmp_path, "truth")
    for metric in ("rmse", "rmse_common"):
        assert set(values(rows, metric)) == set(PHOTOS.keys())
        # only the rounding to 8 bits remains
        assert max(values(rows, metric).values()) < 0.35
    assert values(rows, "rmse", "occluded").keys() == {"1", "3", "5"}
    assert {row.subject for row in rows if row.item == "4"} == {"person 1"}


def test_the_own_region_can_be_gamed_and_the_common_one_cannot(tmp_path):
    folders = {
        "narrow": write_predictions(tmp_path / "narrow", PHOTOS, narrow),
        "off": write_predictions(tmp_path / "off", PHOTOS, off_by(3)),
    }
    protocol = CelebARMSE()
    cheat = score(protocol, folders, PHOTOS, tmp_path, "narrow")
    honest = score(protocol, folders, PHOTOS, tmp_path, "off")
    common = np.load(tmp_path / "celeba_rmse_shared" / "common_regions.npy")
    assert common.shape == (6, SIZE, SIZE)
    assert common[:, :, : SIZE // 2].all()
    assert not common[:, :, SIZE // 2 :].any()
    assert max(values(cheat, "rmse").values()) < 0.35
    # Alone, the whole face would count and show what the narrow method hid.
    wide = {"wide": write_predictions(tmp_path / "wide", PHOTOS, narrow)}
    for path in wide["wide"].glob("*_region.png"):
        source = folders["off"] / path.name
        path.write_bytes(source.read_bytes())
    caught = score(protocol, wide, PHOTOS, tmp_path, "wide")
    assert min(values(caught, "rmse").values()) > 30
    assert values(honest, "rmse_common").keys() == values(cheat, "rmse_common").keys()


def test_rmse_agrees_with_arithmetic(tmp_path):
    grey = TinyPhotos()
    grey.samples = [replace(s, image=np.full_like(s.image, 0.4)) for s in grey.samples]
    folders = {"off": write_predictions(tmp_path / "off", grey, off_by(5))}
    rows = score(ARRMSE(), folders, grey, tmp_path, "off")
    np.testing.assert_allclose(list(values(rows, "rmse").values()), 5, atol=1e-4)


def test_failures_are_rows_with_reasons(tmp_path):
    folders = {
        "some": write_predictions(tmp_path / "some", PHOTOS, perfect, failures=("1",)),
        "all": write_predictions(tmp_path / "all", PHOTOS, perfect, failures=PHOTOS.keys()),
    }
    (folders["some"] / "3_render.png").write_bytes(b"not a picture")
    (folders["some"] / "4_region.png").unlink()
    rows = score(CelebARMSE(), folders, PHOTOS, tmp_path, "some")
    failed = {(row.item, row.metric): row for row in rows if row.status == "failed"}
    # On the common region of the others, only the render is needed.
    assert set(failed) == {
        *((key, metric) for key in ("1", "3") for metric in ("rmse", "rmse_common")),
        ("4", "rmse"),
    }
    assert all(row.value is None for row in failed.values())
    assert failed["1", "rmse"].reason == "1: the method failed on this image: no face found"
    assert failed["3", "rmse"].reason.startswith("3_render.png: not a readable image")
    assert failed["4", "rmse"].reason.startswith("4_region.png: the image is missing")
    assert pooled(rows, "done_rate", "overall") == 0.5
    assert pooled(rows, "done_rate", "occluded") == pytest.approx(1 / 3)
    assert pooled(rows, "done_rate", "unoccluded") == pytest.approx(2 / 3)
    nothing = score(CelebARMSE(), folders, PHOTOS, tmp_path, "all")
    assert pooled(nothing, "done_rate", "overall") == 0
    assert set(values(nothing, "rmse").values()) == {None}


def test_other_sizes_and_empty_regions_fail_in_words(tmp_path):
    def wrong(sample):
        if sample.key == "0":
            small = np.ones((8, 8), dtype=bool)
            return replace(perfect(sample), region=small, visible=small.astype(np.float32))
        return replace(perfect(sample), region=np.zeros((SIZE, SIZE), dtype=bool))

    folders = {"wrong": write_predictions(tmp_path / "wrong", AR, wrong)}
    rmse = score(ARRMSE(), folders, AR, tmp_path, "wrong")
    masks = score(ARSegmentation(), folders, AR, tmp_path, "wrong")
    reasons = {(row.item, row.metric): row.reason for row in rmse + masks}
    assert "run the method at this image size" in reasons["0", "rmse"]
    assert reasons["1", "rmse"] == "the region is empty"
    assert "shapes differ" in reasons["0", "F1"]
    assert "covers no pixel" in reasons["1", "F1"]
    assert {row.status for row in rmse + masks if row.item != "pooled"} == {"failed", "ok"}
    assert values(rmse, "rmse_common")["0"] is not None  # a wrong region shrinks nothing


def test_methods_are_only_asked_for_what_they_give(tmp_path):
    def without_mask(sample):
        return replace(perfect(sample), visible=None)

    def without_render(sample):
        return replace(perfect(sample), render=None)

    folders = {
        "a": write_predictions(tmp_path / "a", AR, without_mask),
        "b": write_predictions(tmp_path / "b", AR, without_render),
    }
    assert score(ARSegmentation(), folders, AR, tmp_path, "a") == []
    assert score(ARRMSE(), folders, AR, tmp_path, "b") == []
    assert len(score(ARSegmentation(), folders, AR, tmp_path, "b")) == 6 * 4 + 4
    assert (tmp_path / "ar_rmse_shared" / "common_regions.json").read_text() == '[\n "a"\n]\n'


def test_perfect_masks_score_perfectly_up_to_the_clamp(tmp_path):
    folders = {"truth": write_predictions(tmp_path / "truth", AR, perfect)}
    rows = score(ARSegmentation(), folders, AR, tmp_path, "truth")
    for sample in AR.samples:
        face = np.count_nonzero(sample.visible_mask)
        total = SIZE * SIZE
        expected = {
            "ACC": total / (total + 2), "PPV": face / (face + 1), "TPR": face / (face + 1),
            "F1": 2 * face / (2 * face + 2),
        }  # fmt: skip
        for metric in METRICS:
            assert values(rows, metric)[sample.key] == pytest.approx(expected[metric])
    exact = score(ARSegmentation(clamp=False), folders, AR, tmp_path, "truth")
    assert all(set(values(exact, metric).values()) == {1.0} for metric in METRICS)
    assert {row.subset for row in rows} == {"unoccluded", "glasses", "scarf", "overall"}


def test_celeba_masks_are_scored_like_those_of_ar(tmp_path):
    folders = {"truth": write_predictions(tmp_path / "truth", PHOTOS, perfect)}
    rows = score(CelebASegmentation(), folders, PHOTOS, tmp_path, "truth")
    same = score(ARSegmentation(), folders, PHOTOS, tmp_path, "truth")
    assert [replace(row, protocol="") for row in rows] == [
        replace(row, protocol="") for row in same
    ]
    assert {row.protocol for row in rows} == {"celeba_segmentation"}
    assert {row.subset for row in rows} == {"unoccluded", "occluded", "overall"}
    ours, theirs = CelebASegmentation().card, ARSegmentation().card
    changed = {rule for rule in ours.rules if ours.rules[rule] != theirs.rules[rule]}
    assert changed == {"dataset", "visible face"}
    assert ours.rules["visible face"] == CelebARMSE().card.rules["visible face"]


def test_everything_visible_has_full_recall(tmp_path):
    def everything(sample):
        return replace(perfect(sample), visible=np.ones((SIZE, SIZE), dtype=np.float32))

    folders = {"floor": write_predictions(tmp_path / "floor", AR, everything)}
    rows = score(ARSegmentation(clamp=False), folders, AR, tmp_path, "floor")
    assert set(values(rows, "TPR").values()) == {1.0}
    for sample in AR.samples:
        share = np.mean(sample.visible_mask)
        assert values(rows, "PPV")[sample.key] == pytest.approx(share)


def test_soft_masks_count_by_probability(tmp_path):
    def unsure(sample):
        return replace(perfect(sample), visible=np.full((SIZE, SIZE), 0.6, dtype=np.float32))

    folders = {"unsure": write_predictions(tmp_path / "unsure", AR, unsure)}
    hard = score(ARSegmentation("hard", clamp=False), folders, AR, tmp_path, "unsure")
    soft = score(ARSegmentation("soft", clamp=False), folders, AR, tmp_path, "unsure")
    assert set(values(hard, "TPR").values()) == {1.0}
    np.testing.assert_allclose(list(values(soft, "TPR").values()), 0.6, atol=1e-6)


def test_labels_and_preparation_are_needed(tmp_path):
    folders = {"truth": write_predictions(tmp_path / "truth", PHOTOS, perfect)}
    with pytest.raises(InputError, match="prepare the protocol again"):
        CelebARMSE().score("truth", folders["truth"], PHOTOS, tmp_path, tmp_path)
    unlabelled = TinyPhotos()
    unlabelled.samples = [replace(s, visible_mask=None) for s in unlabelled.samples]
    for protocol in (CelebARMSE(), ARSegmentation()):
        rows = score(protocol, folders, unlabelled, tmp_path, "truth")
        images = [row for row in rows if row.item != "pooled"]
        assert {row.status for row in images} == {"failed"}
        assert "no visible-face mask" in images[0].reason
    np.save(tmp_path / "common_regions.npy", np.ones((2, SIZE, SIZE), dtype=bool))
    with pytest.raises(InputError, match="2 regions for 6 images"):
        CelebARMSE().score("truth", folders["truth"], PHOTOS, tmp_path, tmp_path)


def test_cards_are_data(tmp_path):
    protocols = [
        CelebARMSE(),
        ARRMSE(),
        ARSegmentation(),
        ARSegmentation("soft"),
        CelebASegmentation(),
    ]
    prints = [protocol.card.fingerprint() for protocol in protocols]
    assert len(set(prints)) == len(prints)
    assert prints[0] == CelebARMSE().card.fingerprint()
    card = ProtocolCard("p", 1, {"b": 1, "a": "x"})
    assert card.fingerprint() == ProtocolCard("p", 1, {"a": "x", "b": 1}).fingerprint()
    assert card.fingerprint() != ProtocolCard("p", 2, {"b": 1, "a": "x"}).fingerprint()
    text = card.as_markdown()
    assert text.splitlines()[0] == f"### p, version 1 ({card.fingerprint()[:12]})"
    assert text.endswith("- b: 1\n- a: x\n")


def test_an_error_that_may_pass_widens_no_common_region(tmp_path, monkeypatch):
    folders = {"off": write_predictions(tmp_path / "off", PHOTOS, off_by(3))}

    def stale(*_):
        try:
            raise OSError(errno.EIO, "Input/output error")
        except OSError:
            raise InputError("1_region.png: cannot be opened (Input/output error)") from None

    monkeypatch.setattr(PredictionFolder, "region", stale)
    with pytest.raises(InputError, match="cannot be opened"):
        CelebARMSE().prepare(folders, PHOTOS, tmp_path)
    assert not (tmp_path / "common_regions.npy").exists()
