"""How well two ways to measure a face follow its true error: numbers from the rows of a run."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from scipy.stats import kendalltau, spearmanr

from focsbench.types import POOLED, FloatArray

from .base import ReportContext

PROTOCOL = "nonrigid_scan"
TRUE = "true_mean"
# Printed name of an estimator: its mean of an image, and its correlation with the true error.
ESTIMATORS = {
    "Closest point (NoW)": ("rigid_mean", "rigid_correlation"),
    "Corresponding point": ("mean", "correlation"),
}
METRICS = (TRUE, *(metric for pair in ESTIMATORS.values() for metric in pair))


@dataclass(frozen=True)
class Agreement:
    """How one estimator follows the true error. A number that does not exist is None.

    bias: relative error of its mean over all images.
    methods: Kendall's tau between its order of the methods and the true one.
    within: the same for the methods on one image, averaged over the images.
    images: Spearman's rho between its order of the images of a method and the true one, averaged
        over the methods.
    """

    bias: float | None
    methods: float | None
    within: float | None
    images: float | None


def images_with_truth(context: ReportContext) -> pd.DataFrame:
    """Return columns method, item, subject and :data:`METRICS`, a row per image of known error.

    Methods that only bound a table are left out. Rows are in the order of the labels, then of
    the results; a correlation that does not exist is NaN.
    """
    rows = context.results
    rows = rows[
        (rows["protocol"] == PROTOCOL)
        & (rows["item"] != POOLED)
        & (rows["status"] == "ok")
        & rows["metric"].isin(METRICS)
    ]
    if not (rows["metric"] == TRUE).any():
        return pd.DataFrame(columns=["method", "item", "subject", *METRICS])
    index = ["method", "item", "subject"]
    wide = rows.pivot_table("value", index, "metric", sort=False).reset_index()
    wide = wide.reindex(columns=[*index, *METRICS]).dropna(subset=[TRUE])
    order = [method for method in context.labels if method not in context.references]
    wide = wide[wide["method"].isin(order)]
    return wide.sort_values("method", key=lambda m: m.map(order.index), kind="stable")


def agreement(images: pd.DataFrame, estimator: str) -> Agreement:
    """Compare an estimator (key of :data:`ESTIMATORS`) with the truth.

    Orders of methods are over the images that all methods have.
    """
    column = ESTIMATORS[estimator][0]
    true, estimated = (
        images.pivot_table(name, "item", "method", sort=False) for name in (TRUE, column)
    )
    both = (true.notna().all(axis=1) & estimated.notna().all(axis=1)).to_numpy()
    shared_true, shared = true.to_numpy(float)[both], estimated.to_numpy(float)[both]
    by_method = [
        (group[TRUE].to_numpy(float), group[column].to_numpy(float))
        for _, group in images.groupby("method")
    ]
    whole = [(shared_true.mean(axis=0), shared.mean(axis=0))] if both.any() else []
    return Agreement(
        bias=_bias(images[column].to_numpy(), images[TRUE].to_numpy()),
        methods=_mean_rank(kendalltau, whole),
        within=_mean_rank(kendalltau, zip(shared_true, shared, strict=True)),
        images=_mean_rank(spearmanr, by_method),
    )


def sentence(name: str, found: Agreement) -> str:
    """Return the agreement as one sentence for the reader of a table."""
    parts = [
        f"mean {abs(found.bias):.0%} {'below' if found.bias < 0 else 'above'} the true one"
        if found.bias is not None
        else "",
        _part("order of the methods, Kendall's tau", found.methods),
        _part("of the methods on one image, tau", found.within),
        _part("of the images of a method, Spearman's rho", found.images),
    ]
    return f"{name}: " + "; ".join(part for part in parts if part) + "."


def _part(text: str, value: float | None) -> str:
    return "" if value is None else f"{text} {value:.2f}"


def _bias(estimated: FloatArray, true: FloatArray) -> float | None:
    return float(estimated.mean() / true.mean() - 1) if len(true) and true.mean() > 0 else None


def _mean_rank(
    function: Callable[..., Any], pairs: Iterable[tuple[FloatArray, FloatArray]]
) -> float | None:
    """Mean rank correlation over pairs; two values or constant ones have no order to compare."""
    values = [
        float(function(a, b).statistic)
        for a, b in pairs
        if len(a) > 2 and np.ptp(a) > 0 and np.ptp(b) > 0
    ]
    return float(np.mean(values)) if values else None
