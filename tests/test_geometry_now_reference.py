"""Agreement with results of the official NoW evaluation, where its reference files are at hand."""

from __future__ import annotations

import json
import os
from pathlib import Path

import numpy as np
import pytest

from focsbench.data.predictions import PredictionFolder
from focsbench.geometry.closest_point import ClosestPointTree
from focsbench.geometry.io import read_landmarks7, read_mesh
from focsbench.geometry.procrustes import Similarity
from focsbench.geometry.scan_alignment import align_to_scan
from focsbench.geometry.scan_crop import crop_scan

_BESIDE = Path(__file__).resolve().parents[2] / "shared" / "now_reference"
REFERENCE = Path(os.environ.get("FOCSBENCH_NOW_REFERENCE", _BESIDE))
MM_PER_UNIT = {"A": 1000.0, "C": 10.0}

pytestmark = pytest.mark.skipif(
    not (REFERENCE / "official").is_dir(), reason="no reference results of the official evaluation"
)


# Agreement per image (median, mean and std, sum of squares) and of the pool; see the README there.
OFFICIAL = (1e-4, 1e-5, 1e-5, 1e-5)
CONVERGED = (2e-3, 1e-3, 1e-6, 5e-4)
CONVERGED_METRICAL = (5e-3, 2e-3, 1e-6, 5e-4)


def pairs(kind):
    """Official numbers of every pair with the scan, prediction and fit settings to repeat it."""
    official = json.loads((REFERENCE / "official" / f"{kind}.json").read_text())
    predictions = PredictionFolder(REFERENCE / "predictions")
    for pair in official["pairs"]:
        subject = pair["line"].split("/")[0]
        scan = read_mesh(REFERENCE / "dataset/scans" / subject / "scan.obj").vertices
        landmarks = read_landmarks7(REFERENCE / "dataset/scans_lmks_onlypp" / subject / "scan.pp")
        points = scan[crop_scan(scan, landmarks)]
        prediction = predictions.geometry(pair["line"].removesuffix(".jpg"))
        unit = MM_PER_UNIT[pair["kind"]] if kind == "metrical" else None
        stored = np.load(REFERENCE / "official" / kind / f"{pair['key']}.npz")
        yield pair, stored, (points, landmarks, *prediction), unit


@pytest.mark.parametrize("kind", ["non_metrical", "metrical"])
def test_official_and_converged_numbers(kind):
    pools = {"official": [], "converged": []}
    for pair, stored, arrays, unit in pairs(kind):
        assert len(arrays[0]) == pair["n_scan"]
        fits = {mode: align_to_scan(*arrays, mm_per_unit=unit, mode=mode) for mode in pools}
        for mode, fit in fits.items():
            pools[mode].append(fit.distances)
            exact = CONVERGED_METRICAL if kind == "metrical" else CONVERGED
            median, moments, squares, _ = OFFICIAL if mode == "official" else exact
            assert np.median(fit.distances) == pytest.approx(pair["median"], abs=median)
            assert fit.distances.mean() == pytest.approx(pair["mean"], abs=moments)
            assert fit.distances.std() == pytest.approx(pair["std"], abs=moments)
            assert fit.sum_of_squares <= pair["sse"] * (1 + squares)
        assert fits["official"].steps == pair["n_outer"]
        np.testing.assert_allclose(fits["official"].distances, stored["dist"], atol=1e-3)
        assert fits["converged"].sum_of_squares <= fits["official"].sum_of_squares
    pooled = json.loads((REFERENCE / "official" / f"{kind}.json").read_text())["pooled"]
    for mode, bound in (("official", OFFICIAL[3]), ("converged", CONVERGED[3])):
        pool = np.concatenate(pools[mode])
        assert len(pool) == pooled["n"]
        for name in ("median", "mean", "std"):
            assert getattr(np, name)(pool) == pytest.approx(pooled[name], abs=bound)


@pytest.mark.parametrize("kind", ["non_metrical", "metrical"])
def test_distances_at_the_official_placement(kind):
    """The distances alone, without the path that leads to the placement."""
    for _, stored, (points, _, mesh, _), _ in pairs(kind):
        placed = Similarity(
            float(stored["total_scale"]), stored["total_rotation"], stored["total_translation"]
        ).apply(mesh.vertices.astype(np.float64))
        found = ClosestPointTree(placed, mesh.triangles).query(points)
        np.testing.assert_allclose(found.distances, stored["dist"], atol=1e-9)
