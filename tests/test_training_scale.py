"""Training at the paper's size: presets, several processes, mixed precision."""

from __future__ import annotations

import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from joint_support import joint_training, results
from safetensors.torch import load_file
from torch import Tensor, nn

from focsbench.errors import ConfigError, StorageError, TrainingError
from focsbench.focs import distributed
from focsbench.focs.build import ENCODER_FILE, UNET_FILE, build_recognizer, build_unet
from focsbench.focs.config import ScaleConfig
from focsbench.focs.distributed import FabricEngine, train_on
from focsbench.focs.engine import Engine, choose_device
from focsbench.focs.presets import load_preset
from focsbench.focs.reductions import reduce_map
from focsbench.focs.schedule import em_phase, learning_rate
from focsbench.networks.resnet import FaceEncoder

TESTS = Path(__file__).parent
needs_fabric = pytest.mark.skipif(
    importlib.util.find_spec("lightning_fabric") is None, reason="needs the extra 'scale'"
)


# The presets of the paper and of the released code


@pytest.mark.parametrize(
    ("preset", "encoder", "cycle"),
    [("paper", 24_034_625, (5000, 25_000)), ("released", 25_557_032, (5001, 24_999))],
)
def test_the_large_presets_have_the_stated_sizes(preset, encoder, cycle):
    config = load_preset(preset)
    with torch.device("meta"):
        networks = (FaceEncoder(config.encoder), build_unet(config, 0), build_recognizer(config))
    counts = [sum(p.numel() for p in network.parameters()) for network in networks]
    assert counts == [encoder, 34_528_769, 43_590_848]
    schedule = config.schedule
    assert (schedule.init_iterations, schedule.joint_iterations) == (300_000, 200_000)
    assert (schedule.e_iterations, schedule.m_iterations) == cycle
    phases = [em_phase(schedule, iteration) for iteration in range(200_000)]
    assert phases.count("E") == 7 * cycle[0]  # the seventh cycle ends with 15,000 M-steps
    assert (config.image_size, config.batch_size, config.checkpoint_every) == (224, 12, 5000)
    assert not config.schedule.freeze_batchnorm
    names = [getattr(config, f"{name}_optimizer").name for name in ("init", "pretrain")]
    assert names == ["adadelta", "adadelta"]


def test_learning_rates_of_the_paper_fall_by_a_hundredth_every_5000_iterations():
    config = load_preset("paper")
    start = config.init_optimizer
    assert [learning_rate(start, at, 300_000) for at in (0, 4999, 5000, 10_000)] == pytest.approx(
        [0.1, 0.1, 0.099, 0.09801]
    )
    joint = [
        (learning_rate(config.reconstruction_optimizer, at, 200_000) / 0.1)
        for at in (0, 5000, 199_999)
    ]
    assert joint == pytest.approx([0.99**60, 0.99**61, 0.99**99])
    assert learning_rate(config.pretrain_optimizer, 29_999, 30_000) == pytest.approx(0.03 * 0.99**5)


# Several processes and mixed precision

SMALL_JOINT = {
    # One E-step and one M-step with what the released code sums over the batch.
    "schedule": {"joint_iterations": 2, "e_iterations": 1, "m_iterations": 1},
    "reconstruction": {"pixel_reduction": "mask_ratio", "detach_mask": False, "lambda_area": 0.06},
    "segmentation": {"neighbour_reduction": "mask_ratio"},
    **{
        f"{name}_optimizer": {"name": "adadelta", "schedule": "constant", "learning_rate": 1.0}
        for name in ("reconstruction", "segmentation")
    },
}


def train_small(root: Path, scale: dict[str, Any]) -> tuple[dict[str, float], dict[str, Tensor]]:
    joint_training(root, {**SMALL_JOINT, "scale": scale}).em_stage()
    files = results(root)
    networks = {
        f"{name}/{key}": value
        for name in (ENCODER_FILE, UNET_FILE)
        for key, value in load_file(root / "artefacts" / "em-0" / name).items()
    }
    return json.loads(files["log.jsonl"]), networks


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return train_small(tmp_path_factory.mktemp("alone"), {})


@needs_fabric
def test_two_processes_train_as_one(alone, tmp_path):
    """Losses and weights after a step of S and a step of R, with batch statistics and dropout."""
    log, networks = train_small(tmp_path, {"devices": 2})
    assert log == pytest.approx(alone[0], rel=1e-5)
    moved = 0
    for name, value in networks.items():
        # One step moves a weight by up to sqrt(eps / 0.1) = 3.2e-3.
        torch.testing.assert_close(value, alone[1][name], rtol=1e-5, atol=1e-5)
        moved += int(name.endswith("weight") and not torch.equal(value, alone[1][name]))
    assert moved  # bit for bit the same would mean that nothing was shared
    assert len(list(tmp_path.glob("checkpoints/*/checkpoint.safetensors"))) == 1


@needs_fabric
def test_bf16_is_near_float32(alone, tmp_path):
    log, networks = train_small(tmp_path, {"precision": "bf16"})
    for name, value in alone[0].items():
        assert log[name] == pytest.approx(value, rel=0.02, abs=1e-3), name
    assert log != alone[0]
    assert {value.dtype for value in networks.values()} == {torch.float32, torch.int64}


def _look_inside(engine: Engine) -> None:
    """Work for `train_on`: which types pass through a network in mixed precision."""
    network = nn.Sequential(nn.Conv2d(3, 4, 1))
    seen: list[torch.dtype] = []
    network[0].register_forward_hook(lambda module, inputs, output: seen.append(output.dtype))
    images = torch.rand(2, 3, 4, 4)
    frozen = engine.frozen(network)
    optimizer = torch.optim.SGD(network.parameters(), lr=1.0)
    trained, optimizer = engine.prepare(network, optimizer)
    for module in (frozen, trained):
        output = module(images)
        assert output.dtype == torch.float32
    engine.backward(output.sum())
    assert engine.clip(trained, optimizer, None) > 0
    assert seen == [torch.bfloat16, torch.bfloat16]
    assert isinstance(engine, FabricEngine)
    assert (engine.world, engine.skips, dict(engine.state())) == (1, False, {})
    raise TrainingError("seen")


@needs_fabric
def test_networks_compute_in_bf16_and_answer_in_float32():
    with pytest.raises(TrainingError, match="seen"):  # errors come back as they are
        train_on(ScaleConfig(precision="bf16"), 2, _look_inside)


def _first_fails(engine: Engine) -> None:
    """Work for `train_on`: the process that writes cannot, and the others wait for it."""
    if engine.rank == 0:
        raise StorageError("the disk is full")
    engine.wait()


@pytest.mark.slow
@needs_fabric
def test_an_error_of_one_process_ends_them_all_and_stays_what_it_is():
    with pytest.raises(StorageError, match=r"^the disk is full$"):
        train_on(ScaleConfig(devices=2), 2, _first_fails)


@pytest.mark.parametrize(
    ("scale", "message"),
    [
        ({"devices": 5}, "5, which does not divide batch_size 12"),
        ({"precision": "fp16"}, "fp16 needs a GPU"),
        ({"devices": 2, "accelerator": "cuda"}, "0 CUDA devices are here"),
        ({"devices": 2}, r"pip install 'focsbench\[scale\]'"),
    ],
)
def test_unusable_scale_is_one_sentence(scale, message, monkeypatch):
    monkeypatch.setattr(distributed, "find_spec", lambda name: None)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 0)
    with pytest.raises(ConfigError, match=message):
        train_on(ScaleConfig(**scale), 12, _look_inside)


def test_auto_takes_a_gpu_if_there_is_one(monkeypatch):
    config = ScaleConfig(accelerator="auto")
    for count, device in ((0, "cpu"), (1, "cuda")):
        monkeypatch.setattr(torch.cuda, "device_count", lambda count=count: count)
        assert choose_device(config) == device


def test_one_process_needs_no_fabric():
    code = (
        "import sys, focsbench.focs.stage_training;"
        "sys.exit('lightning_fabric' in sys.modules or 'tensorboardX' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_ratio_of_shares_is_the_ratio_of_the_batch(monkeypatch):
    """What two processes compute, with the exchange between them played by hand."""
    generator = torch.Generator().manual_seed(0)
    values, mask = torch.rand(2, 4, 3, 3, generator=generator)
    region = torch.ones(4, 3, 3, dtype=torch.bool)
    whole = reduce_map(values * mask, mask, region, "mask_ratio")
    module = "focsbench.focs.reductions"
    monkeypatch.setattr(f"{module}.processes", lambda: 2)
    monkeypatch.setattr(f"{module}.sum_over_processes", lambda value: mask.sum())
    halves = [
        reduce_map((values * mask)[part], mask[part], region[part], "mask_ratio")
        for part in (slice(0, 2), slice(2, 4))
    ]
    torch.testing.assert_close(torch.stack(halves).mean(), whole)


def test_shared_dropout_draws_what_one_process_draws():
    torch.manual_seed(0)
    whole = nn.Dropout(0.5)(torch.ones(4, 3, 8, 8).contiguous(memory_format=torch.channels_last))
    for rank in (0, 1):
        layer = nn.Sequential(nn.Dropout(0.5))
        distributed.share_dropout(layer, rank, 2)
        torch.manual_seed(0)
        share = layer(torch.ones(2, 3, 8, 8).contiguous(memory_format=torch.channels_last))
        assert torch.equal(share, whole[2 * rank : 2 * rank + 2])
    assert torch.equal(layer.eval()(whole), whole)


@pytest.mark.parametrize("layer", [nn.BatchNorm2d(3), nn.BatchNorm1d(3, affine=False)])
def test_shared_statistics_of_one_process_are_torchs(layer):
    shape = (6, 3, 4, 4) if isinstance(layer, nn.BatchNorm2d) else (6, 3)
    inputs = 5 + 3 * torch.randn(shape, generator=torch.Generator().manual_seed(0))
    expected = nn.Sequential(layer)
    shared = nn.Sequential(type(layer)(3, affine=layer.affine))
    shared.load_state_dict(expected.state_dict())
    distributed.share_statistics(shared)
    for mode in (True, False):
        mine, theirs = inputs.clone().requires_grad_(), inputs.clone().requires_grad_()
        outputs = shared.train(mode)(mine), expected.train(mode)(theirs)
        torch.testing.assert_close(*outputs)
        for output in outputs:
            output.pow(3).sum().backward()
        torch.testing.assert_close(mine.grad, theirs.grad, rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(shared.state_dict(), expected.state_dict())


# The real sizes


@pytest.mark.slow
@pytest.mark.parametrize("preset", ["paper", "released"])
def test_one_joint_cycle_at_full_size(preset, monkeypatch):
    """ResNet-50, UNet, iresnet50, 224 pixels, 35,721 vertices; one image instead of twelve."""
    monkeypatch.syspath_prepend(TESTS.parent / "benchmarks")
    bench = importlib.import_module("bench_training")
    training = bench.FullSize(preset, {"batch_size": 1, "scale": {"accelerator": "cpu"}}, Engine())
    before = {name: p.detach().clone() for name, p in training.unet.named_parameters()}
    terms = training.step("S", 0)
    assert {"neighbour", "dist", "presv", "area", "bin"} <= terms.keys()
    assert any(not torch.equal(p, before[name]) for name, p in training.unet.named_parameters())
    head = training.encoder.backbone.fc.weight
    assert not head.any()
    terms = training.step("R", 5001)
    assert {"pixel", "perceptual", "landmark", "regularisation"} <= terms.keys()
    assert ("area" in terms) == (preset == "released")
    assert head.any()
    assert all(np.isfinite(value) for value in terms.values())
    assert 0.2 < terms["kept"] <= 1
