"""The steps of the eta sweep on noise: a few iterations of S at some points, and their scores."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from focsbench.data.aligned import AlignedArrays
from focsbench.data.landmarks_csv import write_landmarks
from focsbench.data.layouts import open_dataset
from focsbench.data.predictions import PredictionFolder
from focsbench.errors import InputError
from focsbench.focs.build import (
    ENCODER_FILE,
    UNET_FILE,
    build_autoencoder,
    build_unet,
    save_module,
)
from focsbench.focs.config import FocsConfig
from focsbench.focs.presets import load_preset
from focsbench.focs.sweep import SweepConfig, sweep_points
from focsbench.geometry.five_points import TEMPLATE_DM
from focsbench.protocols.ar_segmentation import ARSegmentation
from focsbench.runs.score import read_rows
from focsbench.runs.sweep import gather_step, point_step

SIZE = 96
ITERATIONS = 6
IMAGES = {"dataset": "ar", "split": "test", "image_size": SIZE}
SWEPT = SweepConfig(etas=("eta_neighbour", "eta_area"), values={
    "eta_neighbour": (3000.0,), "eta_area": (3000.0,)
})  # fmt: skip


def method(**segmentation: float) -> FocsConfig:
    small = {
        "batch_size": 2,
        "unet": {"width": 4, "depth": 2},
        "segmentation": {"eta_dist": 0.0, "eta_presv": 0.0, **segmentation},
        "recognition": {"weights": None},
    }
    return load_preset("smoke", small)


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Photographs of noise, and networks as the earlier stages would have left them."""
    rng = np.random.default_rng(0)
    root = tmp_path_factory.mktemp("stages")
    names = ("data", "pack", "segmentation", "em")
    found = {name: root / name for name in names}
    for folder in found.values():
        folder.mkdir()
    centre = np.array([SIZE / 2, SIZE / 2])
    AlignedArrays(
        images=rng.integers(0, 255, (6, SIZE, SIZE, 3), dtype=np.uint8),
        landmarks=(centre + rng.normal(0, 12, (6, 68, 2))).astype(np.float32),
        masks=np.ones((6, SIZE, SIZE), dtype=bool),
        subjects=np.arange(6, dtype=np.int32),
    ).save(found["pack"])
    save_module(build_autoencoder(method(), "anny", 0).encoder, found["em"] / ENCODER_FILE)
    save_module(build_unet(method(), 0), found["segmentation"] / UNET_FILE)
    _write_faces(found["data"] / "AR", rng)
    return found


def _write_faces(root: Path, rng: np.random.Generator) -> None:
    (root / "images").mkdir(parents=True)
    (root / "masks").mkdir()
    points = TEMPLATE_DM[:, :2] * [30, -30] + 40
    landmarks = np.full((68, 2), 40.0)
    landmarks[[36, 39]], landmarks[[42, 45]] = points[0], points[1]
    landmarks[30], landmarks[48], landmarks[54] = points[2], points[3], points[4]
    names = [f"{person}-{nn}" for person in ("m-001", "w-001") for nn in ("01", "08", "11")]
    half = np.zeros((80, 80), dtype=np.uint8)
    half[:40] = 255
    for name in names:
        photo = rng.integers(0, 255, (80, 80, 3), dtype=np.uint8)
        Image.fromarray(photo).save(root / "images" / f"{name}.png")
        Image.fromarray(half).save(root / "masks" / f"{name}.png")
    write_landmarks(root / "landmarks.csv", [(f"{name}.png", landmarks) for name in names])


def train(folders: dict[str, Path], root: Path, name: str, **segmentation: float) -> Path:
    out = root / "artefacts" / name
    out.mkdir(parents=True)
    config = {
        "method": method(**segmentation).model_dump(mode="json"),
        "face_model": "anny",
        "seed": 0,
        "iterations": ITERATIONS,
        **IMAGES,
    }
    point_step(folders, out, config, 1)
    return out


@pytest.fixture(scope="module")
def trained(folders: dict[str, Path], tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The folders of all points by step."""
    root = tmp_path_factory.mktemp("points")
    points = sweep_points(SWEPT, method().model_dump(mode="json"))
    return {
        point.step: train(folders, root, str(number), **point.changes.get("segmentation", {}))
        for number, point in enumerate({point.step: point for point in points}.values())
    }


def gather(folders: dict[str, Path], points: dict[str, Path], out: Path) -> Path:
    out.mkdir()
    described = [
        {
            "method": point.method,
            "eta": point.eta,
            "value": point.value,
            "standard": point.standard,
            "step": point.step,
        }
        for point in sweep_points(SWEPT, method().model_dump(mode="json"))
    ]
    config = {
        "protocol": "ar_segmentation",
        "points": described,
        "autoencoder": "em",
        "iterations": ITERATIONS,
        **IMAGES,
    }
    gather_step({"data": folders["data"], **points}, out, config, 1)
    return out


def content(folder: Path) -> dict[str, bytes]:
    files = [path for path in folder.rglob("*") if path.is_file() and path.name != "seconds.json"]
    return {str(path.relative_to(folder)): path.read_bytes() for path in files}


def kept(folder: Path) -> float:
    """Mean probability of visible face inside the rendered region."""
    predictions = PredictionFolder(folder / "predictions")
    keys = [path.name.removesuffix("_region.png") for path in folder.rglob("*_region.png")]
    return float(
        np.mean([predictions.visible(key)[predictions.region(key)].mean() for key in keys])
    )


def test_the_weights_move_the_masks_the_way_they_should(trained: dict[str, Path]) -> None:
    """A large area term fills the mask, a large neighbour term empties it; R stays the same."""
    assert set(trained) == {"sweep:standard", "sweep:eta_neighbour:3000", "sweep:eta_area:3000"}
    assert kept(trained["sweep:eta_area:3000"]) > kept(trained["sweep:eta_neighbour:3000"]) + 0.01
    regions = [
        {name: data for name, data in content(folder).items() if name.endswith("_region.png")}
        for folder in trained.values()
    ]
    assert len(regions[0]) == 6
    assert regions[0] == regions[1] == regions[2]


def test_a_point_is_the_same_every_time(
    folders: dict[str, Path], trained: dict[str, Path], tmp_path: Path
) -> None:
    again = train(folders, tmp_path, "again")
    assert content(again) == content(trained["sweep:standard"])


def test_rows_are_those_of_the_protocol_under_the_names_of_the_points(
    folders: dict[str, Path], trained: dict[str, Path], tmp_path: Path
) -> None:
    out = gather(folders, trained, tmp_path / "sweep")
    rows = read_rows(out / "rows.csv")
    assert {row.protocol for row in rows} == {"eta_sweep"}
    methods = ["eta_neighbour=25", "eta_neighbour=3000", "eta_area=0.5", "eta_area=3000"]
    assert list(dict.fromkeys(row.method for row in rows)) == methods
    dataset = open_dataset(folders["data"] / "AR", "ar", "test", SIZE)
    shared = tmp_path / "shared"
    shared.mkdir()
    for method_name, step in (
        ("eta_area=3000", "sweep:eta_area:3000"),
        ("eta_area=0.5", "sweep:standard"),
        ("eta_neighbour=25", "sweep:standard"),
    ):
        expected = ARSegmentation().score(
            "x", trained[step] / "predictions", dataset, shared, shared
        )
        assert [
            (row.subset, row.item, row.metric, row.value)
            for row in rows
            if row.method == method_name
        ] == [(row.subset, row.item, row.metric, row.value) for row in expected]
    summary = json.loads((out / "summary.json").read_text())
    overall = [e for e in summary if e["subset"] == "overall" and e["method"] == "eta_area=3000"]
    assert {entry["metric"] for entry in overall} == {"ACC", "PPV", "TPR", "F1"}
    described = json.loads((out / "sweep.json").read_text())
    assert described["photograph"] == "m-001-11"
    assert [point["standard"] for point in described["points"]] == [True, False, True, False]
    for name in methods:
        mask = np.asarray(Image.open(out / "masks" / f"{name}.png"))
        assert set(np.unique(mask)) <= {0, 128, 255}
    assert json.loads((out / "failures.json").read_text()) == {}
    assert not [path for path in out.iterdir() if path.name.startswith("tmp")]


def test_a_point_that_failed_leaves_the_others(
    folders: dict[str, Path], trained: dict[str, Path], tmp_path: Path
) -> None:
    points = {step: path for step, path in trained.items() if step != "sweep:eta_area:3000"}
    rows = read_rows(gather(folders, points, tmp_path / "sweep") / "rows.csv")
    assert {row.method for row in rows} == {
        "eta_neighbour=25",
        "eta_neighbour=3000",
        "eta_area=0.5",
    }


def test_failed_photographs_are_named_once(
    folders: dict[str, Path], trained: dict[str, Path], tmp_path: Path
) -> None:
    """One photograph that no point could segment is one failed item; another one is shown."""
    broken = {}
    for number, (step, path) in enumerate(trained.items()):
        copy = tmp_path / str(number)
        (copy / "predictions").mkdir(parents=True)
        for name, data in content(path / "predictions").items():
            (copy / "predictions" / name).write_bytes(data)
        (copy / "predictions" / "m-001-11_visible.png").unlink()
        broken[step] = copy
    out = gather(folders, broken, tmp_path / "sweep")
    assert list(json.loads((out / "failures.json").read_text())) == ["m-001-11"]
    assert json.loads((out / "sweep.json").read_text())["photograph"] == "w-001-11"
    for path in tmp_path.rglob("*_visible.png"):
        path.unlink()
    with pytest.raises(InputError, match="no photograph has a score"):
        gather(folders, broken, tmp_path / "none")
