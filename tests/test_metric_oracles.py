"""An oracle for every number that a protocol gives: plain Python, from the files on disk alone.

Nothing here uses numpy for arithmetic or code of the package for what is measured.
"""

from __future__ import annotations

import math
import statistics

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from protocols_support import SIZE, TinyPhotos, TinyScans, score, write_predictions

from focsbench.metrics.directions import PAIRED, direction_of
from focsbench.metrics.segmentation import ConfusionAreas, segmentation_scores
from focsbench.protocols.celeba_rmse import CelebARMSE
from focsbench.protocols.celeba_segmentation import CelebASegmentation
from focsbench.protocols.nonrigid_scan import NonrigidScan
from focsbench.protocols.now import NoW
from focsbench.types import Mesh, Reconstruction

PIXELS = [(row, column) for row in range(SIZE) for column in range(SIZE)]
MASKS = ("ACC", "PPV", "TPR", "F1")


class KnownScans(TinyScans):
    """The scans are the true heads, all of which are known."""

    def true_head(self, subject):
        return self._face(subject)


PHOTOS, SCANS = TinyPhotos(), KnownScans()


def guess(seed):
    """Random answers, with a region of their own."""

    def answer(sample):
        rng = np.random.default_rng([seed, int(sample.key)])
        return Reconstruction(
            render=rng.uniform(size=(SIZE, SIZE, 3)).astype(np.float32),
            region=rng.uniform(size=(SIZE, SIZE)) < 0.7,
            visible=rng.uniform(size=(SIZE, SIZE)).astype(np.float32),
        )

    return answer


def bent(item):
    """The scan with waves that differ from image to image."""
    truth = SCANS.answer(item)
    mesh = truth.neutral
    waves = np.sin(mesh.vertices[:, [1, 2, 0]] / 25 + len(item.key))
    return Reconstruction(
        neutral=Mesh(mesh.vertices + waves, mesh.triangles), landmarks7=truth.landmarks7
    )


@pytest.fixture(scope="module")
def scored(tmp_path_factory):
    """The folder with everything, and the rows of one method by protocol."""
    root = tmp_path_factory.mktemp("scored")
    images = {
        name: write_predictions(root / name, PHOTOS, guess(seed), failures)
        for seed, (name, failures) in enumerate({"mine": ["2"], "other": []}.items())
    }
    meshes = {"bent": write_predictions(root / "bent", SCANS, bent, [SCANS.items[2].key])}
    rows = {
        protocol.name: score(protocol, images, PHOTOS, root, "mine")
        for protocol in (CelebARMSE(), CelebASegmentation())
    }
    rows |= {
        protocol.name: score(protocol, meshes, SCANS, root, "bent")
        for protocol in (NoW(), NonrigidScan())
    }
    return root, rows


def pixels(root, key, name):
    with Image.open(root / f"{key}_{name}.png") as image:
        return [[image.getpixel((column, row)) for column in range(SIZE)] for row in range(SIZE)]


def rmse(root, sample, regions):
    """Root of the mean square over pixels and channels, grey levels."""
    squares = []
    render = pixels(root / "mine", sample.key, "render")
    for row, column in PIXELS:
        covered = all(region[row][column] > 127 for region in regions)
        if covered and sample.visible_mask[row, column]:
            for channel in range(3):
                target = float(sample.image[row, column, channel]) * 255
                squares.append((render[row][column][channel] - target) ** 2)
    return math.sqrt(math.fsum(squares) / len(squares))


def masks(root, sample):
    """ACC, PPV, TPR, F1, each area counted as one pixel at least."""
    region, visible = (pixels(root / "mine", sample.key, name) for name in ("region", "visible"))
    areas = dict.fromkeys([(True, True), (True, False), (False, True), (False, False)], 0)
    for row, column in PIXELS:
        if region[row][column] > 127:
            areas[bool(sample.visible_mask[row, column]), visible[row][column] > 127.5] += 1
    hit, miss, wrong, right = (max(count, 1) for count in areas.values())
    precision, recall = hit / (hit + wrong), hit / (hit + miss)
    return {
        "ACC": (hit + right) / (hit + right + wrong + miss),
        "PPV": precision,
        "TPR": recall,
        "F1": statistics.harmonic_mean([precision, recall]),
    }


def pool(numbers):
    return {
        "median": statistics.median(numbers),
        "mean": statistics.fmean(numbers),
        "std": statistics.pstdev(numbers),
        "n": len(numbers),
    }


def measured(rows, metric):
    return {row.item: row.value for row in rows if row.metric == metric and row.item != "pooled"}


def stored(folder, key, suffix=""):
    return np.load(folder / f"{key}{suffix}.npy").astype(float).tolist()


def test_rmse_is_that_of_a_loop_over_the_pixels_on_disk(scored):
    root, rows = scored
    for sample in PHOTOS.samples:
        if sample.key == "2":
            assert measured(rows["celeba_rmse"], "rmse")["2"] is None
            continue
        mine, other = (pixels(root / name, sample.key, "region") for name in ("mine", "other"))
        for metric, regions in (("rmse", [mine]), ("rmse_common", [mine, other])):
            found = measured(rows["celeba_rmse"], metric)[sample.key]
            assert found == pytest.approx(rmse(root, sample, regions), rel=1e-5)


def test_masks_are_scored_as_by_counting(scored):
    root, rows = scored
    for sample in PHOTOS.samples:
        if sample.key != "2":
            for metric, expected in masks(root, sample).items():
                found = measured(rows["celeba_segmentation"], metric)[sample.key]
                assert found == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("protocol", ["now", "nonrigid_scan"])
def test_scan_numbers_are_those_of_the_distances_on_disk(scored, protocol):
    root, rows = scored
    folder = root / f"{protocol}_bent"
    done = [item for item in SCANS.items if item.key != SCANS.items[2].key]
    groups = {"all": done}
    for item in done:
        groups.setdefault(item.challenge, []).append(item)
    for item in done:
        for metric, expected in pool(stored(folder, item.key)).items():
            assert measured(rows[protocol], metric)[item.key] == pytest.approx(expected, rel=1e-5)
    for subset, items in groups.items():
        numbers = [value for item in items for value in stored(folder, item.key)]
        for metric, expected in pool(numbers).items():
            ends = ("", PAIRED) if protocol == "now" else ("",)
            for end in ends:
                [row] = [
                    row
                    for row in rows[protocol]
                    if (row.item, row.subset, row.metric) == ("pooled", subset, metric + end)
                ]
                assert row.value == pytest.approx(expected, rel=1e-5)


def test_true_means_and_correlations_are_those_of_the_arrays_on_disk(scored):
    root, rows = scored
    folder = root / "nonrigid_scan_bent"
    for item in SCANS.items[:2]:
        found = {row.metric: row.value for row in rows["nonrigid_scan"] if row.item == item.key}
        true, rigid, own = (stored(folder, item.key, end) for end in ("_true", "_rigid", ""))
        assert found["true_mean"] == pytest.approx(statistics.fmean(true), rel=1e-5)
        assert found["rigid_mean"] == pytest.approx(statistics.fmean(rigid), rel=1e-5)
        correlation = statistics.correlation
        assert found["correlation"] == pytest.approx(correlation(own, true), abs=1e-5)
        assert found["rigid_correlation"] == pytest.approx(correlation(rigid, true), abs=1e-5)


def test_done_rates_are_counted(scored):
    _, rows = scored
    for protocol, expected in (("celeba_rmse", 5 / 6), ("celeba_segmentation", 5 / 6)):
        rates = {row.subset: row.value for row in rows[protocol] if row.metric == "done_rate"}
        assert rates == pytest.approx({"unoccluded": 2 / 3, "occluded": 1, "overall": expected})
    rates = {row.subset: row.value for row in rows["now"] if row.metric == "done_rate"}
    assert rates["all"] == pytest.approx(5 / 6)
    assert rates["selfie"] == 0


def test_every_metric_has_an_oracle_here(scored):
    _, rows = scored
    named = {row.metric.removesuffix(PAIRED) for some in rows.values() for row in some}
    tested = {
        "rmse", "rmse_common", *MASKS, "median", "mean", "std", "n", "true_mean", "rigid_mean",
        "correlation", "rigid_correlation", "done_rate",
    }  # fmt: skip
    assert named == tested
    # and every metric with a better side is among them
    assert {name for name in tested if direction_of(name).better != "none"} == tested - {
        "std", "n", "done_rate",
    }  # fmt: skip


@given(st.lists(st.tuples(st.booleans(), st.booleans()), min_size=1, max_size=60))
def test_scores_are_those_of_the_definitions(pairs):
    """Of pixels (labelled, estimated), without the clamp where all is defined."""
    both, labelled, estimated = (
        sum(chosen) for chosen in zip(*((a and b, a, b) for a, b in pairs), strict=True)
    )
    same = sum(a == b for a, b in pairs)
    areas = ConfusionAreas(both, same - both, estimated - both, labelled - both)
    if not labelled or not estimated:
        with pytest.raises(ValueError, match="undefined"):
            segmentation_scores(areas, clamp=False)
        return
    assert segmentation_scores(areas, clamp=False) == pytest.approx(
        {
            "ACC": same / len(pairs),
            "PPV": both / estimated,
            "TPR": both / labelled,
            "F1": 2 * both / (estimated + labelled),
        }
    )
