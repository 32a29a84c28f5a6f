"""What ends a training early, and how it goes on: nonsense, empty masks, kills; logs."""

from __future__ import annotations

import logging
import math
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from joint_support import results
from torch import nn

from focsbench.errors import CacheError, ConfigError, TrainingError
from focsbench.focs.checkpoints import Checkpoints, discard_finished
from focsbench.focs.config import OptimizerConfig
from focsbench.focs.engine import Engine
from focsbench.focs.events import TENSORBOARD, Events
from focsbench.focs.loop import run_iterations
from focsbench.focs.losses import Loss
from focsbench.focs.presets import PRESETS
from focsbench.focs.schedule import build_optimizer
from focsbench.focs.seeding import seeded
from focsbench.focs.training import Trainer
from focsbench.networks.resnet import FaceEncoder

TESTS = Path(__file__).parent


# Stops


class Line(Trainer):
    """Learns a line; its terms can be spoilt at one iteration."""

    letter = "R"

    def __init__(self, spoilt: dict[int, str]) -> None:
        super().__init__(nn.Linear(1, 1), OptimizerConfig(schedule="constant"), 30)
        self._spoilt = spoilt

    def step(self, iteration: int) -> dict[str, float]:
        def loss_of() -> tuple[Loss, dict[str, float]]:
            good = self.network(torch.ones(1, 1)).square().sum()
            other = self.network.weight.sum()
            if self._spoilt.get(iteration) == "value":
                other = other * math.inf
            if self._spoilt.get(iteration) == "gradient":
                other = (other * 0).sqrt()  # 0, with a gradient of 0 / 0
            weighted = {"good": good, "other": other}
            loss = Loss(good + other, {n: t.detach() for n, t in weighted.items()}, weighted)
            region = torch.ones(1, 2, 2)
            return loss, self._numbers(loss, region, region)

        return self.learn(iteration, loss_of)


@pytest.mark.parametrize(
    ("kind", "blamed"),
    [("value", "other of R"), ("gradient", r"the gradient of other of R \(first at weight\)")],
)
def test_nonsense_stops_before_it_reaches_a_weight(kind, blamed, tmp_path):
    line = Line({7: kind})
    checkpoints = Checkpoints(tmp_path, "a" * 64)
    checkpoints.track(network=line.network, optimizer=line.optimizer)
    with pytest.raises(TrainingError, match=f"toy, iteration 7: {blamed} is not finite") as caught:
        run_iterations("toy", 30, line.step, checkpoints, 3)
    assert "networks of iteration 6" in str(caught.value)
    assert str(checkpoints.file) in str(caught.value)
    assert all(parameter.isfinite().all() for parameter in line.network.parameters())
    assert checkpoints.restore()["iteration"] == 6


def test_float16_may_leave_out_steps_but_not_for_ever(monkeypatch):
    monkeypatch.setattr(Engine, "skips", True)
    line = Line(dict.fromkeys(range(2, 5), "gradient"))
    monkeypatch.setattr(line.optimizer, "step", lambda: None)  # the loss scale would see to that
    run_iterations("toy", 10, line.step, None, 100)
    monkeypatch.setattr("focsbench.focs.training.SKIPS_IN_A_ROW", 2)
    line = Line(dict.fromkeys(range(2, 5), "gradient"))
    monkeypatch.setattr(line.optimizer, "step", lambda: None)
    with pytest.raises(TrainingError, match="iteration 4: the gradient of other"):
        run_iterations("toy", 10, line.step, None, 100)


def test_an_empty_mask_is_a_warning_and_then_a_stop(caplog, tmp_path):
    def kept(iteration: int) -> dict[str, float]:
        return {"S_kept": 0.5 if iteration in (0, 3) else 0.002}

    with caplog.at_level(logging.WARNING):
        run_iterations("toy", 12, kept, None, 100, collapse_iterations=0)
    assert [record.message for record in caplog.records] == [
        "toy, iteration 1: the mask keeps less than 1 % of the rendered face"
    ]
    with pytest.raises(TrainingError, match=r"iteration 8: .* less than 1% .* 5 iterations"):
        run_iterations("toy", 12, kept, None, 100, collapse_iterations=5)
    # An interruption does not start the count again.
    checkpoints = Checkpoints(tmp_path, "b" * 64)
    run_iterations("toy", 6, kept, checkpoints, 6, collapse_iterations=5)
    with pytest.raises(TrainingError, match="iteration 8"):
        run_iterations("toy", 12, kept, checkpoints, 6, collapse_iterations=5)


# Checkpoints and logs


@given(
    numbers=st.lists(st.floats(width=32), min_size=1, max_size=4),
    shape=st.sampled_from([(), (1,), (2, 3)]),
    rate=st.floats(allow_nan=False),
    adam=st.booleans(),
)
def test_a_checkpoint_gives_back_every_bit(tmp_path_factory, numbers, shape, rate, adam):
    class Part:
        def __init__(self, state: dict[str, Any]) -> None:
            self.state = state

        def state_dict(self) -> dict[str, Any]:
            return self.state

        def load_state_dict(self, state: dict[str, Any]) -> None:
            self.state = state

    tensors = [torch.full(shape, number) for number in numbers]
    state = {
        "state": {
            number: {"step": tensor, "mean": -tensor} for number, tensor in enumerate(tensors)
        },
        "param_groups": [{"lr": rate, "betas": [0.9, rate], "fused": adam or None, "params": [0]}],
        "count": torch.tensor(3),
    }
    checkpoints = Checkpoints(tmp_path_factory.mktemp("bits"), "c" * 64)
    part = Part(state)
    checkpoints.track(part=part)
    checkpoints.save({"iteration": 3})
    part.state = {}
    assert checkpoints.restore() == {"iteration": 3}
    assert part.state.keys() == state.keys()
    assert part.state["param_groups"] == state["param_groups"]
    assert torch.equal(part.state["count"], state["count"])
    for number, tensor in enumerate(tensors):
        restored = part.state["state"][number]["step"]
        assert (restored.shape, restored.dtype) == (tensor.shape, tensor.dtype)
        assert restored.numpy().tobytes() == tensor.numpy().tobytes()


def test_a_checkpoint_of_other_networks_is_named(tmp_path):
    checkpoints = Checkpoints(tmp_path, "d" * 64)
    checkpoints.track(network=nn.Linear(1, 1))
    checkpoints.save({})
    checkpoints.track(network=nn.Linear(2, 2))
    with pytest.raises(CacheError, match=r"checkpoint\.safetensors: does not fit"):
        checkpoints.restore()


def test_checkpoints_stay_until_the_result_is_in_its_place(tmp_path):
    folder = tmp_path / "checkpoints"
    checkpoints = Checkpoints(folder, "e" * 64, "artefacts/em-0123")
    checkpoints.save({"iteration": 1})
    (tmp_path / "artefacts" / ".partial-em-0123-x").mkdir(parents=True)
    discard_finished(folder)
    assert checkpoints.restore() == {"iteration": 1}
    (tmp_path / "artefacts" / "em-0123").mkdir()
    discard_finished(folder)
    assert list(folder.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe"], ids=["empty", "no text"])
def test_a_marker_that_says_nothing_removes_no_checkpoint(tmp_path, content):
    """A full disk or a kill could leave one where the marker was not written in one step."""
    folder = tmp_path / "checkpoints"
    checkpoints = Checkpoints(folder, "e" * 64, "artefacts/em-0123")
    checkpoints.save({"iteration": 1})
    (marker,) = folder.glob("*/artefact.txt")
    marker.write_bytes(content)
    discard_finished(folder)
    assert checkpoints.restore() == {"iteration": 1}
    checkpoints.save({"iteration": 2})
    assert marker.read_text() == "artefacts/em-0123"


def test_the_marker_of_a_checkpoint_is_written_once(tmp_path):
    checkpoints = Checkpoints(tmp_path, "e" * 64, "artefacts/em-0123")
    checkpoints.save({"iteration": 1})
    (marker,) = tmp_path.glob("*/artefact.txt")
    before = marker.stat()
    checkpoints.save({"iteration": 2})
    after = marker.stat()
    assert (after.st_ino, after.st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("name", ["adam", "adadelta"])
def test_a_restored_optimiser_makes_the_same_step(tmp_path, name):
    """The encoder keeps channels last, files do not; a fused step has to pair the right numbers."""
    config = PRESETS["smoke"]().encoder

    def fresh() -> tuple[FaceEncoder, torch.optim.Optimizer, Checkpoints]:
        with seeded(0):
            network = FaceEncoder(config)
        optimizer = build_optimizer(OptimizerConfig(name=name), network.parameters())
        checkpoints = Checkpoints(tmp_path, "0123")
        checkpoints.track(network=network, optimizer=optimizer)
        return network, optimizer, checkpoints

    def learn(network: FaceEncoder, optimizer: torch.optim.Optimizer) -> None:
        images = torch.linspace(0, 1, 2 * 3 * 96 * 96).reshape(2, 3, 96, 96).sin().abs()
        optimizer.zero_grad()
        network.with_keypoints(images)[1].square().mean().backward()
        optimizer.step()

    network, optimizer, checkpoints = fresh()
    learn(network, optimizer)
    learn(network, optimizer)
    checkpoints.save({})
    resumed = fresh()
    resumed[2].restore()
    for one in ((network, optimizer), resumed[:2]):
        learn(*one)
    wanted = network.state_dict()
    for key, value in resumed[0].state_dict().items():
        assert torch.equal(value, wanted[key]), key


def test_killed_training_ends_with_the_same_bytes(tmp_path):
    """SIGKILL at four random moments, some of them while a checkpoint is written."""
    command = [sys.executable, str(TESTS / "kill_training.py"), str(tmp_path), "0", "4"]
    ended = subprocess.run(command, check=False, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr
    assert int(ended.stdout) >= 2  # kills that hit
    assert results(tmp_path / "killed") == results(tmp_path / "calm")


def read_events(path: Path) -> list[tuple[str, int, float]]:
    """Read an event file by its format: length, checksum, protocol buffer, checksum."""
    event_pb2 = pytest.importorskip("tensorboardX.proto.event_pb2")
    content, scalars = path.read_bytes(), []
    while content:
        (length,) = struct.unpack("<Q", content[:8])
        event = event_pb2.Event.FromString(content[12 : 12 + length])
        scalars += [(value.tag, event.step, value.simple_value) for value in event.summary.value]
        content = content[16 + length :]
    return scalars


def test_tensorboard_sees_the_log(tmp_path, monkeypatch):
    pytest.importorskip("tensorboardX")
    assert Events.wanted("em-1") is None
    monkeypatch.setenv(TENSORBOARD, str(tmp_path))
    events = Events.wanted("em-1")
    log = run_iterations("toy", 40, lambda i: {"loss": float(i)}, None, 100, events=events)
    events.close()
    (file,) = (tmp_path / "em-1").iterdir()
    scalars = read_events(file)
    assert [s for s in scalars if s[0] == "loss"] == [("loss", 20, 9.5), ("loss", 40, 29.5)]
    assert [entry["loss"] for entry in log] == [9.5, 29.5]
    assert [s[:2] for s in scalars if s[0] != "loss"] == [("iterations_per_second", 40)]


def test_missing_tensorboardx_is_one_sentence(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "tensorboardX", None)
    with pytest.raises(ConfigError, match=r"pip install 'focsbench\[scale\]'"):
        Events(tmp_path)
