"""Agreement with results of the official NoW evaluation, where its reference files are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from focsbench.data.predictions import PredictionFolder
from focsbench.geometry.io import read_landmarks7, read_mesh
from focsbench.geometry.scan_alignment import align_to_scan
from focsbench.geometry.scan_crop import crop_scan

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "now_reference"
REFERENCE = Path(os.environ.get("FOCSBENCH_NOW_REFERENCE", _BESIDE))
MM_PER_UNIT = {"A": 1000.0, "C": 10.0}

pytestmark = pytest.mark.skipif(
    not (REFERENCE / "official").is_dir(), reason="no reference results of the official evaluation"
)


@pytest.mark.parametrize("mode", ["non_metrical", "metrical"])
def test_official_numbers(mode):
    official = json.loads((REFERENCE / "official" / f"{mode}.json").read_text())
    predictions = PredictionFolder(REFERENCE / "predictions")
    scans, pool = {}, []
    for pair in official["pairs"]:
        subject = pair["line"].split("/")[0]
        if subject not in scans:
            scans[subject] = (
                read_mesh(REFERENCE / "dataset/scans" / subject / "scan.obj").vertices,
                read_landmarks7(REFERENCE / "dataset/scans_lmks_onlypp" / subject / "scan.pp"),
            )
        vertices, landmarks = scans[subject]
        kept = crop_scan(vertices, landmarks)
        assert len(kept) == pair["n_scan"]
        fit = align_to_scan(
            vertices[kept],
            landmarks,
            *predictions.geometry(pair["line"].removesuffix(".jpg")),
            mm_per_unit=MM_PER_UNIT[pair["kind"]] if mode == "metrical" else None,
        )
        assert fit.steps == pair["n_outer"]
        assert np.median(fit.distances) == pytest.approx(pair["median"], abs=1e-4)
        assert fit.distances.mean() == pytest.approx(pair["mean"], abs=1e-5)
        assert fit.distances.std() == pytest.approx(pair["std"], abs=1e-5)
        stored = np.load(REFERENCE / "official" / mode / f"{pair['key']}.npz")["dist"]
        np.testing.assert_allclose(fit.distances, stored, atol=1e-3)
        pool.append(fit.distances)
    pooled = np.concatenate(pool)
    assert len(pooled) == official["pooled"]["n"]
    for name in ("median", "mean", "std"):
        assert getattr(np, name)(pooled) == pytest.approx(official["pooled"][name], abs=1e-5)
