from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from reports_support import COLUMNS, make_context

from focsbench.reports.estimator_agreement import (
    ESTIMATORS,
    METRICS,
    agreement,
    images_with_truth,
    sentence,
)
from focsbench.reports.estimators import Estimators
from focsbench.runs.summary import summarise
from focsbench.types import ResultRow

CLOSEST, CORRESPONDING = ESTIMATORS
TRUE_MEANS = {"mean_face": 5.0, "mofa": 4.0, "focs": 3.0, "ground_truth": 0.5}


def rows(estimate, rigid):
    """Four images per method; the estimators are functions of the true mean and the image."""
    out = []
    for method, level in TRUE_MEANS.items():
        for index in range(4):
            true = level + 0.2 * index
            numbers = {
                "true_mean": true,
                "mean": estimate(true, index),
                "rigid_mean": rigid(true, index),
                "correlation": 0.8 + 0.01 * index,
                "rigid_correlation": 0.3 - 0.2 * index,
            }
            names = (method, "nonrigid_scan", "selfie", f"s{index}", f"s{index}/selfie/IMG")
            out += [ResultRow(*names, metric, value) for metric, value in numbers.items()]
        for metric in METRICS:
            values = [row.value for row in out if (row.method, row.metric) == (method, metric)]
            names = (method, "nonrigid_scan", "all", "", "pooled")
            out.append(ResultRow(*names, metric, float(np.mean(values))))
    return out


@pytest.fixture
def context(tmp_path):
    """A run in which one estimator is right up to 10 %, the other puts everything upside down."""

    def build(found):
        frame = pd.DataFrame([[getattr(row, name) for name in COLUMNS] for row in found])
        summary = pd.DataFrame([vars(entry) for entry in summarise(found)])
        results = frame.set_axis(COLUMNS, axis=1).astype({"value": float})
        return replace(make_context(tmp_path), results=results, summary=summary)

    return build


def upside_down(true, index):
    return 6 - true + 0.5 * index


def test_agreement_by_hand(context):
    images = images_with_truth(context(rows(lambda true, _: 0.9 * true, upside_down)))
    assert list(images["method"].unique()) == ["mean_face", "mofa", "focs"]  # no bound
    assert len(images) == 12
    right = agreement(images, CORRESPONDING)
    assert right.bias == pytest.approx(-0.1)
    assert (right.methods, right.within, right.images) == pytest.approx((1, 1, 1))
    wrong = agreement(images, CLOSEST)
    # methods in reverse, but the images of one method in the right order: 0.5 - 0.2 > 0
    assert (wrong.methods, wrong.within, wrong.images) == pytest.approx((-1, -1, 1))
    assert sentence("Right", right) == (
        "Right: mean 10% below the true one; order of the methods, Kendall's tau 1.00; of the "
        "methods on one image, tau 1.00; of the images of a method, Spearman's rho 1.00."
    )


def test_methods_are_compared_on_images_that_all_have(context):
    found = rows(lambda true, _: true, upside_down)
    kept = [r for r in found if (r.method, r.item[:2]) != ("mofa", "s0")]
    both = agreement(images_with_truth(context(kept)), CORRESPONDING)
    assert (both.methods, both.within) == pytest.approx((1, 1))


def test_one_method_has_no_order(context):
    found = [r for r in rows(lambda true, _: true, lambda *_: 1.0) if r.method == "focs"]
    images = images_with_truth(context(found))
    alone = agreement(images, CORRESPONDING)
    assert (alone.methods, alone.within, alone.images) == (None, None, pytest.approx(1))
    constant = agreement(images, CLOSEST)
    assert constant.images is None
    assert "nan" not in sentence("x", constant)


def test_the_report_prints_table_figure_and_data(context):
    run = context(rows(lambda true, _: 0.9 * true, upside_down))
    files = Estimators().write(run)
    assert [f.name for f in files] == [
        *(f"estimators.{s}" for s in ("md", "tex", "csv", "png", "pdf")),
        "estimators_images.csv",
    ]
    text = files[0].read_text()
    assert "| FOCS " in text
    assert "mean 10% below the true one" in text
    assert "Closest point (NoW): mean" in text
    # the best method as each estimator sees it: truth and correspondence agree, NoW does not
    [focs] = [line for line in text.splitlines() if line.startswith("| FOCS")]
    [floor] = [line for line in text.splitlines() if line.startswith("| Mean face")]
    assert focs.count("**") == 4
    assert floor.count("**") == 2
    stored = pd.read_csv(files[-1])
    assert len(stored) == 12
    np.testing.assert_allclose(stored["mean"], 0.9 * stored["true_mean"], atol=2e-6)
    again = [path.read_bytes() for path in Estimators().write(run)]
    assert again == [path.read_bytes() for path in files]


def test_images_without_correlation_are_drawn_without_it(context):
    found = rows(lambda true, _: true, upside_down)
    kept = [r for r in found if not (r.method == "mofa" and "correlation" in r.metric)]
    files = Estimators().write(context(kept))
    assert len(files) == 6
    assert "not measured" in files[0].read_text()


def test_a_run_without_truth_has_no_such_report(context, tmp_path):
    assert Estimators().write(make_context(tmp_path)) == []
    found = [r for r in rows(lambda true, _: true, upside_down) if r.metric == "mean"]
    assert Estimators().write(context(found)) == []
