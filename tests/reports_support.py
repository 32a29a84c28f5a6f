"""A made-up finished run for the tests of the reports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd

from focsbench.data.predictions import PredictionWriter
from focsbench.now.pairing import PAIRS_COLUMNS, PAIRS_FILE
from focsbench.reports.base import ReportContext
from focsbench.types import Mesh, Reconstruction, Sample

LABELS = {
    "mean_face": "Mean face",
    "ground_truth": "Ground truth",
    "everything_visible": "Everything visible",
    "mofa": "MoFA",
    "supervised_mofa": "Supervised MoFA",
    "skin_mask": "Skin mask",
    "pretrained": "Pretrained",
    "ablation_baseline": "Baseline",
    "ablation_neighbour": "Neighbour",
    "ablation_perceptual": "Perceptual",
    "focs": "FOCS",
}
# How far each method is from perfect; everything below follows from it.
QUALITY = {
    "mean_face": 1.6,
    "ground_truth": 0.1,
    "everything_visible": 1.3,
    "mofa": 1.5,
    "supervised_mofa": 1.0,
    "skin_mask": 1.15,
    "pretrained": 1.2,
    "ablation_baseline": 1.18,
    "ablation_neighbour": 1.12,
    "ablation_perceptual": 1.11,
    "focs": 1.05,
}
SEGMENTS = (
    "ground_truth",
    "everything_visible",
    "skin_mask",
    "pretrained",
    "ablation_baseline",
    "ablation_neighbour",
    "ablation_perceptual",
    "focs",
)
SUBSETS = {
    "celeba": ("unoccluded", "occluded"),
    "ar": ("unoccluded", "glasses", "scarf"),
}
COLUMNS = ["method", "protocol", "subset", "subject", "item", "metric", "value", "status", "reason"]
CARDS = {
    name: f"### Protocol `{name}` 1.0\n\n- rule: one\n- unit: two"
    for name in ("celeba_rmse", "ar_rmse", "ar_segmentation", "celeba_segmentation", "now")
}


def keys(dataset: str, subset: str, count: int = 4) -> list[str]:
    return [f"{dataset}-{subset}-{index}" for index in range(count)]


def _row(method, protocol, subset, item, metric, value):
    subject = f"subject-{item[-1]}"
    return (method, protocol, subset, subject, item, metric, value, "ok", "")


def _errors(rng: np.random.Generator) -> list[tuple]:
    rows = []
    for method, quality in QUALITY.items():
        for dataset, subsets in SUBSETS.items():
            for subset in subsets:
                for item in keys(dataset, subset):
                    for metric in ("rmse", "rmse_common"):
                        value = 8 * quality + rng.uniform()
                        rows.append(_row(method, f"{dataset}_rmse", subset, item, metric, value))
    return rows


def _segmentation(rng: np.random.Generator) -> list[tuple]:
    return [
        _row(method, f"{dataset}_segmentation", subset, item, metric, value)
        for method in SEGMENTS
        for dataset, subsets in SUBSETS.items()
        for subset in subsets
        for item in keys(dataset, subset)
        for metric in ("ACC", "PPV", "TPR", "F1")
        for value in [1 - 0.1 * QUALITY[method] * rng.uniform(0.8, 1.2)]
    ]


CHALLENGES = {"unoccluded": "multiview_neutral", "occluded": "multiview_occlusions"}


def write_distances(root: Path) -> tuple[dict[str, Path], list[tuple], list[dict]]:
    """Write NoW distances per image; return folders, per-image rows and pooled summary rows."""
    rng = np.random.default_rng(3)
    folders, rows, pooled = {}, [], []
    for method, quality in QUALITY.items():
        folders[method] = root / method
        pools: dict[str, list[np.ndarray]] = {"all": []}
        for subset, challenge in CHALLENGES.items():
            for index in range(3):
                item = f"subject-{index}/{challenge}/photo_{index}"
                distances = np.abs(rng.normal(0, 1.2 * quality, 2000)).astype(np.float32)
                path = folders[method] / f"{item}.npy"
                path.parent.mkdir(parents=True, exist_ok=True)
                np.save(path, distances)
                median = float(np.median(distances))
                rows.append(_row(method, "now", challenge, item, "median", median))
                pools["all"].append(distances)
                pools.setdefault(subset, []).append(distances)
        _write_pairs(folders[method])
        for subset, parts in pools.items():
            points = np.concatenate(parts).astype(float)
            for metric in ("median", "mean", "std"):
                value = float(getattr(np, metric)(points))
                key = (method, "now", subset, metric)
                pooled.append(_summary(key, value, np.nan, len(parts), 1))
    return folders, rows, pooled


def _write_pairs(folder: Path) -> None:
    lines = [
        ",".join([*(f"subject-{i}/{name}/photo_{i}" for name in CHALLENGES.values()), "0,0,0"])
        for i in range(3)
    ]
    (folder / PAIRS_FILE).write_text("\n".join([",".join(PAIRS_COLUMNS), *lines]) + "\n")


def _summary(key, value, std, n, done_rate) -> dict:
    names = ("method", "protocol", "subset", "metric", "value", "std", "n", "done_rate")
    return dict(zip(names, (*key, value, std, n, done_rate), strict=True))


def summarise(results: pd.DataFrame) -> pd.DataFrame:
    """Mean, population std, n and done rate per method, protocol, subset and metric."""
    overall = results.assign(subset="overall")
    rows = []
    for frame in (results, overall):
        for key, group in frame.groupby(["method", "protocol", "subset", "metric"]):
            values = group.loc[group["status"] == "ok", "value"].to_numpy(float)
            mean = values.mean() if len(values) else None
            std = values.std() if len(values) else None
            rows.append(_summary(key, mean, std, len(values), len(values) / len(group)))
    return pd.DataFrame(rows)


class DrawnFaces:
    """Samples with an oval for a face and a bar that hides part of the occluded ones."""

    def __init__(self, name: str, subsets: Sequence[str], size: int = 96) -> None:
        self.name = name
        self.size = size
        self._keys = [(subset, key) for subset in subsets for key in keys(name, subset)]

    def __len__(self) -> int:
        return len(self._keys)

    def keys(self) -> list[str]:
        return [key for _, key in self._keys]

    def oval(self) -> np.ndarray:
        y, x = np.mgrid[: self.size, : self.size] / (self.size - 1) - 0.5
        return (x / 0.33) ** 2 + (y / 0.42) ** 2 < 1

    def __getitem__(self, index: int) -> Sample:
        subset, key = self._keys[index]
        rng = np.random.default_rng(index)
        light = np.linspace(0.6, 1.0, self.size)[None, :, None]
        photo = np.broadcast_to(rng.uniform(0.1, 0.5, 3), (self.size, self.size, 3)).copy()
        oval = self.oval()
        photo[oval] = (np.array([0.85, 0.62, 0.5]) * light * np.ones_like(photo))[oval]
        visible = oval.copy()
        if subset != "unoccluded":
            top = int(self.size * rng.uniform(0.3, 0.6))
            photo[top : top + self.size // 5, self.size // 8 :] = rng.uniform(0, 1, 3)
            visible[top : top + self.size // 5, self.size // 8 :] = False
        photo = np.clip(photo + rng.normal(0, 0.02, photo.shape), 0, 1).astype(np.float32)
        landmarks = np.zeros((68, 2), np.float32)
        landmarks[[27, 8]] = self.size * np.array([[0.5, 0.3], [0.5, 0.9]])  # nose bridge, chin
        return Sample(key, key, subset, photo, landmarks, visible)


def write_predictions(root: Path, dataset: DrawnFaces) -> dict[str, Path]:
    """Write renders, regions and, for the methods that segment, masks."""
    folders = {}
    for method in QUALITY:
        folders[method] = root / dataset.name / method
        rng = np.random.default_rng(7)
        with PredictionWriter(
            folders[method], method=method, label=LABELS[method], dataset=dataset.name,
            image_size=dataset.size,
        ) as writer:  # fmt: skip
            for index in range(len(dataset)):
                sample = dataset[index]
                region = dataset.oval()
                colour = np.array([0.8, 0.6, 0.5]) + rng.uniform(-0.1, 0.1, 3) * QUALITY[method]
                render = np.where(region[..., None], colour, 0).astype(np.float32)
                visible = np.where(sample.visible_mask, 0.9, 0.2).astype(np.float32)
                masks = visible if method in SEGMENTS else None
                writer.write(
                    sample.key, Reconstruction(render=render, region=region, visible=masks)
                )
    return folders


def with_pictures(context: ReportContext, root: Path, size: int = 96) -> ReportContext:
    """Add datasets and predictions on disk."""
    datasets = {name: DrawnFaces(name, subsets, size) for name, subsets in SUBSETS.items()}
    predictions = {
        name: write_predictions(root / "predictions", dataset) for name, dataset in datasets.items()
    }
    return replace(context, datasets=datasets, predictions=predictions)


def make_context(root: Path) -> ReportContext:
    """A complete run: eleven methods, five protocols, distances on disk."""
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
    """Turn the result rows that match ``where`` into failures and summarise again.

    ``{item}`` in the reason is the item of each row.
    """
    results = context.results.copy()
    hit = np.logical_and.reduce([results[name] == value for name, value in where.items()])
    results.loc[hit, "value"] = np.nan
    results.loc[hit, "status"] = "failed"
    results.loc[hit, "reason"] = [reason.replace("{item}", i) for i in results.loc[hit, "item"]]
    pooled = context.summary[context.summary["protocol"] == "now"]
    fresh = summarise(results[results["protocol"] != "now"])
    return replace(context, results=results, summary=pd.concat([fresh, pooled], ignore_index=True))


class DrawnScans:
    """Faces of NoW that are height fields; all of their ``width * height`` points are evaluated."""

    name = "now"

    def __init__(self, width: int = 40, height: int = 50) -> None:
        self.shape = (width, height)

    def scan(self, subject: str) -> Mesh:
        width, height = self.shape
        x, y = np.meshgrid(np.linspace(-45, 45, width), np.linspace(-48, 58, height))
        depth = 30 * np.exp(-(x**2 + (y / 1.2) ** 2) / 2500) + float(subject[-1])
        corner = np.arange(width * height).reshape(height, width)[:-1, :-1].ravel()
        low = np.stack([corner, corner + 1, corner + width], axis=1)
        high = np.stack([corner + 1, corner + width + 1, corner + width], axis=1)
        points = np.stack([x, y, depth], axis=2).reshape(-1, 3)
        return Mesh(points, np.concatenate([low, high]))

    def scan_landmarks(self, subject: str) -> np.ndarray:
        flat = [(-40, 30), (-15, 30), (15, 30), (40, 30), (0, 0), (-20, -30), (20, -30)]
        return np.array([(x, y, 20.0) for x, y in flat])


def with_scans(context: ReportContext) -> ReportContext:
    """Add scans that the distances of :func:`make_context` belong to."""
    return replace(context, datasets={**context.datasets, "now": DrawnScans()})
