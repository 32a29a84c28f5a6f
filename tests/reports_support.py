"""A made-up finished run for the tests of the reports."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from focsbench.reports.base import ReportContext

LABELS = {
    "mean_face": "Mean face",
    "ground_truth": "Ground truth",
    "everything_visible": "Everything visible",
    "mofa": "MoFA",
    "supervised_mofa": "Supervised MoFA",
    "pretrained": "Pretrained",
    "focs": "FOCS",
}
# How far each method is from perfect; everything below follows from it.
QUALITY = {
    "mean_face": 1.6,
    "ground_truth": 0.1,
    "everything_visible": 1.3,
    "mofa": 1.5,
    "supervised_mofa": 1.0,
    "pretrained": 1.2,
    "focs": 1.05,
}
SEGMENTS = ("ground_truth", "everything_visible", "pretrained", "focs")
COLUMNS = ["method", "protocol", "subset", "subject", "item", "metric", "value", "status", "reason"]
CARDS = {
    name: f"### Protocol `{name}` 1.0\n\n- rule: one\n- unit: two"
    for name in ("celeba_rmse", "ar_rmse", "ar_segmentation", "now")
}


def keys(dataset: str, subset: str, count: int = 4) -> list[str]:
    return [f"{dataset}-{subset}-{index}" for index in range(count)]


def _row(method, protocol, subset, item, metric, value):
    subject = f"subject-{item[-1]}"
    return (method, protocol, subset, subject, item, metric, value, "ok", "")


def _errors(rng: np.random.Generator) -> list[tuple]:
    rows = []
    for method, quality in QUALITY.items():
        for protocol, dataset, subsets in (
            ("celeba_rmse", "celeba", ("unoccluded", "occluded")),
            ("ar_rmse", "ar", ("unoccluded", "glasses", "scarf")),
        ):
            for subset in subsets:
                for item in keys(dataset, subset):
                    for metric in ("rmse", "rmse_common"):
                        value = 8 * quality + rng.uniform()
                        for name in (subset, "overall"):
                            rows.append(_row(method, protocol, name, item, metric, value))
    return rows


def _segmentation(rng: np.random.Generator) -> list[tuple]:
    return [
        _row(method, "ar_segmentation", subset, item, metric, 1 - 0.1 * QUALITY[method] * noise)
        for method in SEGMENTS
        for subset in ("unoccluded", "glasses", "scarf")
        for item in keys("ar", subset)
        for metric in ("ACC", "PPV", "TPR", "F1")
        for noise in [rng.uniform(0.8, 1.2)]
    ]


def write_distances(root: Path) -> tuple[dict[str, Path], list[tuple], list[dict]]:
    """Write NoW distances per image; return folders, per-image rows and pooled summary rows."""
    rng = np.random.default_rng(3)
    folders, rows, pooled = {}, [], []
    for method, quality in QUALITY.items():
        folders[method] = root / method
        for subset in ("unoccluded", "occluded"):
            parts = []
            for index in range(3):
                item = f"subject-{index}/multiview/{subset}"
                distances = np.abs(rng.normal(0, 1.2 * quality, 2000))
                path = folders[method] / f"{item}.npy"
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, distances)
                rows.append(
                    _row(method, "now", subset, item, "median", float(np.median(distances)))
                )
                parts.append(distances)
            points = np.concatenate(parts)
            for metric in ("median", "mean", "std"):
                value = float(getattr(np, metric)(points))
                pooled.append(
                    dict(method=method, protocol="now", subset=subset, metric=metric, value=value,
                         std=None, n=3, done_rate=1.0)
                )  # fmt: skip
    return folders, rows, pooled


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Mean, population std, n and done rate per method, protocol, subset and metric."""
    rows = []
    for key, group in results.groupby(["method", "protocol", "subset", "metric"]):
        values = group.loc[group["status"] == "ok", "value"].to_numpy(float)
        rows.append(
            dict(zip(("method", "protocol", "subset", "metric"), key, strict=True))
            | dict(value=values.mean() if len(values) else None,
                   std=values.std() if len(values) else None,
                   n=len(values), done_rate=len(values) / len(group))
        )  # fmt: skip
    return pd.DataFrame(rows)


def make_context(root: Path) -> ReportContext:
    """A complete run: seven methods, four protocols, distances on disk."""
    rng = np.random.default_rng(5)
    results = pd.DataFrame(_errors(rng) + _segmentation(rng), columns=COLUMNS)
    folders, rows, pooled = write_distances(root / "distances")
    summary = pd.concat([summarise(results), pd.DataFrame(pooled)], ignore_index=True)
    return ReportContext(
        results=pd.concat([results, pd.DataFrame(rows, columns=COLUMNS)], ignore_index=True),
        summary=summary,
        cards=CARDS,
        labels=LABELS,
        output=root / "reports",
        run="profile test, seed 0",
        distances=folders,
    )


def fail(context: ReportContext, reason: str = "no face found", **where: str) -> ReportContext:
    """Turn the result rows that match ``where`` into failures and summarise again."""
    results = context.results.copy()
    hit = np.logical_and.reduce([results[name] == value for name, value in where.items()])
    results.loc[hit, "value"] = np.nan
    results.loc[hit, "status"] = "failed"
    results.loc[hit, "reason"] = reason
    pooled = context.summary[context.summary["protocol"] == "now"]
    fresh = summarise(results[results["protocol"] != "now"])
    return replace(context, results=results, summary=pd.concat([fresh, pooled], ignore_index=True))
