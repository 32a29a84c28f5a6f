"""Training: batches, the loop, checkpoints, and one small run of every stage."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from joint_support import joint_training

from focsbench.data.aligned import AlignedArrays
from focsbench.errors import CacheError, ConfigError, InputError, TrainingError
from focsbench.focs.batches import BatchStream, training_batches
from focsbench.focs.build import build_autoencoder, load_module
from focsbench.focs.checkpoints import Checkpoints, fingerprint
from focsbench.focs.config import AugmentationConfig, FocsConfig
from focsbench.focs.engine import Engine
from focsbench.focs.inference import Reconstructor, load_reconstructor
from focsbench.focs.loop import run_iterations
from focsbench.focs.presets import QUICK_RECOGNITION, load_preset
from focsbench.focs.stages import STAGES
from focsbench.types import BaselineContext, Sample

SIZE = 96


@pytest.fixture(scope="module")
def packed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight noise photographs with plausible landmarks."""
    rng = np.random.default_rng(0)
    folder = tmp_path_factory.mktemp("pack-0123456789ab")
    centre = np.array([SIZE / 2, SIZE / 2])
    AlignedArrays(
        images=rng.integers(0, 255, (8, SIZE, SIZE, 3), dtype=np.uint8),
        landmarks=(centre + rng.normal(0, 12, (8, 68, 2))).astype(np.float32),
        masks=rng.random((8, SIZE, SIZE)) < 0.5,
        subjects=np.arange(8, dtype=np.int32),
    ).save(folder)
    return folder


def settings(**schedule: int) -> dict[str, Any]:
    config = load_preset(
        "smoke",
        {
            "batch_size": 2,
            "checkpoint_every": 20,
            "encoder": {"widths": [4, 6, 8, 8], "hidden": 16, "weights": None},
            "unet": {"width": 4, "depth": 2, "dropout": 0.2},
            "recognition": {"weights": None},
            "schedule": schedule,
        },
    )
    return {"method": config.model_dump(mode="json"), "face_model": "anny", "seed": 3}


def run_stage(name: str, root: Path, inputs: dict[str, Path], config: dict[str, Any]) -> Path:
    """Run a stage as the plan does: by the name of its function."""
    from importlib import import_module

    module, function = STAGES[name].function.split(":")
    out = root / "artefacts" / f"{name}-0123"
    out.mkdir(parents=True)
    needed = {need: inputs[need] for need in STAGES[name].needs}
    getattr(import_module(module), function)(needed, out, config, 1)
    return out


def test_batches_are_a_function_of_seed_and_iteration(packed: Path) -> None:
    data = AlignedArrays.load(packed)
    first = BatchStream(data, 3, AugmentationConfig(), seed=1)
    second = BatchStream(data, 3, AugmentationConfig(), seed=1)
    forward = [first(i).images for i in range(6)]
    for iteration in (5, 0, 3):  # any order gives the same batch
        assert torch.equal(second(iteration).images, forward[iteration])
    other = BatchStream(data, 3, AugmentationConfig(), seed=2)
    assert not torch.equal(other(0).images, forward[0])


def test_an_epoch_shows_each_image_once(packed: Path) -> None:
    stream = BatchStream(AlignedArrays.load(packed), 4, AugmentationConfig(), seed=1)
    members = np.concatenate([stream.members(0), stream.members(1)])
    assert sorted(members.tolist()) == list(range(8))


def test_more_processes_than_images_are_refused(packed: Path) -> None:
    engine = Engine()
    engine.world = 9
    with pytest.raises(ConfigError, match="8 training photographs are too few for 9 processes"):
        BatchStream(AlignedArrays.load(packed), 18, AugmentationConfig(), 1, engine)


def test_one_image_is_too_few_for_keypoints(packed: Path) -> None:
    data = AlignedArrays.load(packed)
    one = AlignedArrays(data.images[:1], data.landmarks[:1], data.masks[:1], data.subjects[:1])
    config = FocsConfig().with_changes({"encoder": {"architecture": "compact"}})
    with pytest.raises(ConfigError, match="one training photograph is too few for the compact"):
        training_batches(one, config, seed=1)
    without = config.with_changes({"encoder": {"keypoints": 0}})
    assert len(training_batches(one, without, seed=1)(0).images) == 1


def test_damaged_arrays_are_named(tmp_path: Path) -> None:
    (tmp_path / "images.npy").write_bytes(b"nothing")
    with pytest.raises(InputError, match=r"images\.npy"):
        AlignedArrays.load(tmp_path)


def test_loop_stops_at_a_number_that_is_not_finite() -> None:
    with pytest.raises(TrainingError, match="iteration 2: pixel is not finite"):
        run_iterations("toy", 5, lambda i: {"pixel": float("nan") if i == 2 else 1.0}, None, 20)


def test_interrupted_training_resumes_to_the_same_losses(tmp_path: Path) -> None:
    """A toy regression with momentum, killed after its first checkpoint."""

    def attempt(stop: int | None, checkpoints: Checkpoints | None) -> list[dict[str, float]]:
        layer = torch.nn.Linear(2, 1)
        torch.nn.init.constant_(layer.weight, 0.5)
        torch.nn.init.zeros_(layer.bias)
        optimizer = torch.optim.Adam(layer.parameters(), lr=0.05)
        if checkpoints:
            checkpoints.track(layer=layer, optimizer=optimizer)

        def step(iteration: int) -> dict[str, float]:
            if iteration == stop:
                raise KeyboardInterrupt
            loss = (layer(torch.tensor([1.0, float(iteration % 3)])) - 2).square().sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return {"loss": float(loss.detach())}

        return run_iterations("toy", 60, step, checkpoints, 20)

    expected = attempt(None, None)
    checkpoints = Checkpoints(tmp_path, "0" * 64)
    with pytest.raises(KeyboardInterrupt):
        attempt(33, checkpoints)
    resumed = Checkpoints(tmp_path, "0" * 64)
    assert attempt(None, resumed) == expected
    resumed.clear()
    assert list(tmp_path.iterdir()) == []


def test_damaged_checkpoint_is_dropped(tmp_path: Path) -> None:
    checkpoints = Checkpoints(tmp_path, "f" * 64)
    checkpoints.track(layer=torch.nn.Linear(1, 1))
    checkpoints.save({"iteration": 20})
    (file,) = tmp_path.rglob("*.safetensors")
    file.write_bytes(file.read_bytes()[:50])
    assert checkpoints.restore() == {}
    assert not file.exists()


def test_fingerprint_sees_settings_and_code(tmp_path: Path) -> None:
    (tmp_path / "a.py").write_text("x = 1\n")
    first = fingerprint({"rate": 1}, sources=[tmp_path])
    assert first != fingerprint({"rate": 2}, sources=[tmp_path])
    (tmp_path / "a.py").write_text("x = 2\n")
    assert first != fingerprint({"rate": 1}, sources=[tmp_path])


@pytest.mark.slow
def test_all_stages_train_and_are_deterministic(packed: Path, tmp_path: Path) -> None:
    config = settings(
        warmup_iterations=2,
        init_iterations=2,
        unet_pretrain_iterations=2,
        joint_iterations=8,
        e_iterations=2,
        m_iterations=2,
    )
    logs = []
    for attempt in ("first", "second"):
        folders = {"pack": packed}
        for name in ("warmup", "mofa", "supervised", "init", "segmentation", "em"):
            folders[name] = run_stage(name, tmp_path / attempt, folders, config)
        logs.append({n: (f / "log.jsonl").read_text() for n, f in folders.items() if n != "pack"})
        weights = (folders["em"] / "encoder.safetensors").read_bytes()
        logs[-1]["weights"] = weights.hex()
    assert logs[0] == logs[1]
    terms = json.loads(logs[0]["em"].splitlines()[-1])
    assert {"S_area", "R_landmark", "R_kept"} <= terms.keys()

    context = BaselineContext("anny", SIZE, config["method"], {"em": folders["em"]})
    image = np.full((SIZE, SIZE, 3), 0.5, dtype=np.float32)
    sample = Sample("a", "a", "all", image, np.zeros((68, 2), dtype=np.float32))
    (answer,) = load_reconstructor(context, "em", "segmentation")([sample])
    assert answer.neutral is not None
    assert answer.neutral.vertices.shape[1] == 3
    assert answer.visible is not None
    assert 0 <= answer.visible.min() <= answer.visible.max() <= 1
    with pytest.raises(CacheError, match="delete its folder"):
        load_module(torch.nn.Linear(1, 1), folders["em"] / "encoder.safetensors")


def test_trained_networks_do_without_what_they_started_from(tmp_path: Path) -> None:
    """Imported weights are kept per user; results may be used elsewhere or later."""
    joint = {"joint_iterations": 1, "e_iterations": 1, "m_iterations": 0}
    joint_training(tmp_path, {"schedule": joint})
    gone = {"weights": "gone@12345678"}
    training = joint_training(tmp_path, {"schedule": joint, "encoder": gone, "unet": gone})
    training.em_stage()
    method = training.config.model_dump(mode="json")
    stages = {"em": tmp_path / "artefacts" / "em-0"}
    context = BaselineContext("anny", SIZE, method, stages)
    assert load_reconstructor(context, "em", "segmentation")([]) == []
    with pytest.raises(CacheError, match="gone"):
        build_autoencoder(training.config, "anny", 0)


def test_supervised_rows_need_labels(packed: Path, tmp_path: Path) -> None:
    shutil.copytree(packed, tmp_path / "pack")
    np.save(tmp_path / "pack" / "masks.npy", np.zeros((8, SIZE, SIZE), dtype=bool))
    folders = {"pack": tmp_path / "pack", "warmup": tmp_path / "nowhere"}
    with pytest.raises(InputError, match=r"masks\.npy: the visible face of no training photogr"):
        run_stage("supervised", tmp_path, folders, settings())


def test_training_says_that_it_drops_losses(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    joint = {"joint_iterations": 1, "e_iterations": 1, "m_iterations": 0}
    for number, weights in enumerate((None, QUICK_RECOGNITION)):
        changes = {"schedule": joint, "recognition": {"weights": weights}}
        joint_training(tmp_path / str(number), changes).em_stage()
    dropped = [record.message for record in caplog.records if "perceptual" in record.message]
    (message,) = dropped
    assert message.startswith("em trains without perceptual losses, because recognition.weights")


def test_untrained_autoencoder_answers_the_mean_face() -> None:
    from focsbench.face_models import load_face_model

    config = load_preset("smoke", {"encoder": {"weights": None}})
    model = load_face_model("anny")
    reconstructor = Reconstructor(build_autoencoder(config, "anny", 0), model, None)
    image = np.zeros((SIZE, SIZE, 3), dtype=np.float32)
    sample = Sample("a", "a", "all", image, np.zeros((68, 2), dtype=np.float32))
    (answer,) = reconstructor([sample])
    assert answer.neutral is not None
    assert answer.region is not None
    np.testing.assert_allclose(answer.neutral.vertices, model.mean_shape, atol=1e-3)
    assert answer.visible is None
    assert 0.1 < answer.region.mean() < 0.6
