"""Engines other than PyTorch: the same answers, kept exports, and what is refused."""

from __future__ import annotations

import os
import sys
import time
from dataclasses import replace
from importlib.util import find_spec

import numpy as np
import pytest
import torch
from fit_support import model_of_tests, rendered
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from torch import nn

from focsbench.errors import CacheError, ConfigError
from focsbench.fit.fitter import Fitter
from focsbench.fit.weights import shipped_weights
from focsbench.focs.inference import load_reconstructor
from focsbench.inference import accelerate, kept_exports
from focsbench.inference.accelerate import accelerated_encoder, accelerated_unet
from focsbench.inference.check import TOLERANCE, probe, relative_error
from focsbench.inference.engine import open_engine
from focsbench.inference.kept_exports import FILES, is_intact, kept_export
from focsbench.inference.names import engine_names
from focsbench.landmarks.faces import Face
from focsbench.mock_run.untrained import SIDE, untrained_method, write_untrained_stage
from focsbench.networks.config import EncoderConfig, UNetConfig
from focsbench.networks.resnet import FaceEncoder, Latents, LatentSizes
from focsbench.networks.unet import UNet
from focsbench.profiles.profile import check_profile, load_profile
from focsbench.runs.pipeline import build_plan
from focsbench.types import BaselineContext, Sample

SIZE = 32
needs_openvino = pytest.mark.skipif(find_spec("openvino") is None, reason="openvino is missing")


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    """A cache for exports alone: face models need not be built again."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(accelerate, "cache_dir", lambda: folder)
    return folder


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def encoder(seed=0, **changes):
    """A small encoder that says something about its images."""
    settings = {"widths": (4, 6, 8, 8), "hidden": 16, **changes}
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        network = FaceEncoder(EncoderConfig(architecture="compact", **settings), LatentSizes(5))
        nn.init.normal_(network.backbone.head.weight, std=0.1)
    return network.eval()


def unet(seed=0, **changes):
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return UNet(UNetConfig(**{"width": 4, "depth": 3, **changes})).eval()


class Toy:
    """An engine that keeps networks in this process and writes their number; off by a factor."""

    name = "openvino"  # registered, so that its code is found

    def __init__(self, off=0.0, version="1"):
        self.version, self.off, self.networks = version, off, []

    def export(self, network, example, folder):
        assert not list(folder.iterdir())
        assert network(*example).shape[0] == len(example[0])
        (folder / "number").write_text(str(len(self.networks)))
        self.networks.append(network)

    def load(self, folder):
        network = self.networks[int((folder / "number").read_text())]
        return lambda *inputs: (1 + self.off) * network(*inputs).detach()


@pytest.fixture
def toy(monkeypatch):
    def install(**settings):
        engine = Toy(**settings)
        monkeypatch.setattr(accelerate, "open_engine", lambda name: engine)
        return engine

    return install


def answers(network, *images):
    with torch.no_grad():
        return network(*images)


@pytest.mark.usefixtures("toy")
def test_torch_is_the_network_itself():
    network, other = encoder(), unet()
    assert accelerated_encoder("torch", network, SIZE) is network
    assert accelerated_unet("torch", other, SIZE) is other


def test_an_engine_answers_like_the_network(toy):
    toy()
    network, images = encoder(), probe(1, SIZE, 3)
    found = answers(accelerated_encoder("openvino", network, SIZE), *images)
    assert isinstance(found, Latents)
    assert [block.shape for block in found] == [(3, n) for n in network.sizes.blocks]
    torch.testing.assert_close(found, answers(network, *images))
    other, pair = unet(), probe(2, SIZE, 3)
    mask = answers(accelerated_unet("openvino", other, SIZE), *pair)
    assert mask.probability.shape == (3, SIZE, SIZE)
    torch.testing.assert_close(mask, answers(other, *pair))


def test_exports_are_kept_by_what_is_in_them(toy, own_cache):
    engine = toy()

    def exported(network):
        before = len(engine.networks)
        accelerated_encoder("openvino", network, SIZE)
        return len(engine.networks) - before

    assert exported(encoder()) == 1
    assert exported(encoder()) == 0  # the same weights
    assert exported(encoder(seed=1)) == 1
    assert exported(encoder(scales={"angles": 0.5})) == 1  # no weight differs
    engine.version = "2"
    assert exported(encoder()) == 1
    folders = list((own_cache / "engines" / "openvino").iterdir())
    assert len(folders) == 4
    assert all(is_intact(folder) for folder in folders)  # and no drafts


@pytest.mark.parametrize("harm", ["changed", "lost", "no list", "odd list"])
def test_a_damaged_export_is_made_again(toy, own_cache, harm):
    engine = toy()
    accelerated_encoder("openvino", encoder(), SIZE)
    (folder,) = (own_cache / "engines" / "openvino").iterdir()
    if harm == "changed":
        (folder / "number").write_text("17")
    elif harm == "lost":
        (folder / "number").unlink()
    elif harm == "no list":
        (folder / FILES).unlink()
    else:
        (folder / FILES).write_text("[1, 2]")
    accelerated_encoder("openvino", encoder(), SIZE)
    assert len(engine.networks) == 2
    assert is_intact(folder)


def test_two_processes_may_export_at_once(tmp_path):
    place = tmp_path / "key"

    def write(draft):
        if not place.exists():  # the other one is faster
            kept_export(place, lambda other: (other / "model").write_text("first"))
        (draft / "model").write_text("second")

    kept_export(place, write)
    assert is_intact(place)
    assert (place / "model").read_text() == "first"  # which the other one may be reading
    assert [path.name for path in tmp_path.iterdir()] == ["key"]


def test_what_nobody_used_for_a_month_goes(tmp_path):
    def write(draft):
        (draft / "model").write_text("m")

    for name in ("old", "used", "young"):
        kept_export(tmp_path / name, write)
    for name, days in (("old", 31), ("used", 31), ("young", 29)):
        then = time.time() - days * 24 * 3600
        os.utime(tmp_path / name / FILES, (then, then))
    kept_export(tmp_path / "used", write)
    for name, days in ((".killed-draft", 31), (".draft", 1)):
        (tmp_path / name).mkdir()
        then = time.time() - days * 24 * 3600
        os.utime(tmp_path / name, (then, then))
    kept_export(tmp_path / "new", write)
    assert sorted(path.name for path in tmp_path.iterdir()) == [".draft", "new", "used", "young"]


def test_two_processes_may_delete_old_exports_at_once(tmp_path, monkeypatch):
    old = tmp_path / "old"
    kept_export(old, lambda draft: (draft / "model").write_text("m"))
    os.utime(old / FILES, (0, 0))
    delete = kept_exports.shutil.rmtree

    def deleted_before(folder, ignore_errors=False):
        if folder == old:
            delete(folder)
        delete(folder, ignore_errors)

    monkeypatch.setattr(kept_exports.shutil, "rmtree", deleted_before)
    new = kept_export(tmp_path / "new", lambda draft: (draft / "model").write_text("m"))
    assert is_intact(new)
    assert not old.exists()


def test_a_cache_that_cannot_be_written(toy, monkeypatch, tmp_path):
    toy()
    (tmp_path / "file").write_text("")
    monkeypatch.setattr(accelerate, "cache_dir", lambda: tmp_path / "file")
    with pytest.raises(CacheError, match=r"cannot be written.*FOCSBENCH_CACHE"):
        accelerated_encoder("openvino", encoder(), SIZE)


def test_an_interrupted_export_leaves_nothing(tmp_path):
    def write(draft):
        (draft / "model").write_text("half")
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        kept_export(tmp_path / "key", write)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("off", [0.01, float("nan"), float("inf")])
def test_an_engine_that_is_off_is_refused(toy, off):
    toy(off=off)
    with pytest.raises(ConfigError, match=r"differ from those of PyTorch by .*more than 5e-03"):
        accelerated_encoder("openvino", encoder(), SIZE)
    with pytest.raises(ConfigError, match="differ from those of PyTorch"):
        accelerated_unet("openvino", unet(), SIZE)


def test_small_errors_pass(toy):
    toy(off=0.5 * TOLERANCE)
    accelerated_encoder("openvino", encoder(), SIZE)


def test_networks_of_others_are_refused():
    with pytest.raises(ConfigError, match=r"Linear cannot be exported; take --engine torch"):
        accelerated_encoder("openvino", nn.Linear(2, 2), SIZE)
    with pytest.raises(ConfigError, match="Linear cannot be exported"):
        accelerated_unet("openvino", nn.Linear(2, 2), SIZE)


values = st.lists(st.floats(-1e3, 1e3), min_size=1, max_size=8)


@given(values, values, st.floats(1e-3, 1e3))
def test_relative_error(first, second, scale):
    """Against the definition; the unit of an output does not matter."""
    count = min(len(first), len(second))
    a, b = (torch.tensor(v[:count], dtype=torch.float64) for v in (first, second))
    error = relative_error([a], [b])
    if b.abs().max() > 1e-9:
        largest = max(map(abs, second[:count]))
        wanted = max(abs(x - y) for x, y in zip(first, second, strict=False)) / largest
        assert error == pytest.approx(wanted)
        assert relative_error([scale * a], [scale * b]) == pytest.approx(error)
    assert relative_error([a, b], [a, b]) == 0


def test_relative_error_of_odd_numbers():
    zero, one = torch.zeros(2), torch.ones(2)
    assert relative_error([zero], [zero]) == 0
    assert relative_error([one], [zero]) == float("inf")
    assert relative_error([one * float("nan")], [one]) == float("inf")
    assert relative_error([one], [one * float("nan")]) == float("inf")
    assert relative_error([one, 1.5 * one], [one, one]) == 0.5
    with pytest.raises(ValueError, match="zip"):
        relative_error([one], [one, one])


def test_unknown_and_missing_engines(focsbench, monkeypatch, tmp_path):
    assert engine_names()[0] == "torch"
    code, _, err = focsbench("fit", tmp_path, "--engine", "openvno")
    assert code == 1
    assert "no engine is called 'openvno'; did you mean openvino?" in err
    assert "Traceback" not in err
    code, _, err = focsbench("predict", "focs", "--engine", "x", "--output", tmp_path / "run")
    assert code == 1
    assert "no engine is called 'x'" in err
    monkeypatch.setitem(sys.modules, "openvino", None)
    open_engine.cache_clear()
    with pytest.raises(ConfigError, match=r"pip install 'focsbench\[openvino\]'.*--engine torch"):
        open_engine("openvino")


def test_the_engine_counts_where_it_is_used():
    """Another engine makes other predictions of trained rows, and trains nothing again."""
    profile = load_profile("smoke", ['methods=["mean_face", "focs"]'])
    plain = {step.name: step for step in build_plan(profile).steps}
    assert not any("engine" in step.config for step in plain.values())
    other = check_profile({**profile.model_dump(), "engine": "openvino"})
    changed = {
        name for name, step in ((s.name, s) for s in build_plan(other).steps)
        if (step.config, step.code_version) != (plain[name].config, plain[name].code_version)
    }  # fmt: skip
    assert changed - {name for name in changed if name.startswith("report:")} == {
        "predict:focs:celeba", "predict:focs:ar", "predict:focs:now",
    }  # fmt: skip


# OpenVINO itself


@needs_openvino
@pytest.mark.parametrize(
    "changes",
    [
        {},
        {"norm": "group", "up_kernel": 1, "blur_logits": True, "input_stride": 2},
    ],
)
def test_openvino_segments_like_torch(changes):
    network = unet(**changes)
    fast = accelerated_unet("openvino", network, SIZE)
    for batch in (1, 3):
        pair = probe(2, SIZE, batch)
        assert relative_error(answers(fast, *pair), answers(network, *pair)) < 1e-4


@needs_openvino
@pytest.mark.parametrize("changes", [{}, {"norm": "group", "keypoints": 0}])
def test_openvino_encodes_like_torch(changes):
    network = encoder(**changes)
    fast = accelerated_encoder("openvino", network, SIZE)
    kept = []
    for batch in (1, 3):
        images = probe(1, SIZE, batch)
        found = answers(fast, *images)
        kept.append((found, Latents(*(block.clone() for block in found))))
        assert relative_error(found, answers(network, *images)) < 1e-4
    for found, copy in kept:  # a later call changes no earlier answer
        torch.testing.assert_close(found, copy, rtol=0, atol=0)
    again = accelerated_encoder("openvino", encoder(**changes), SIZE)  # from the kept export
    torch.testing.assert_close(answers(again, *images), found, rtol=0, atol=0)


@needs_openvino
def test_openvino_runs_resnet50():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        network = FaceEncoder(EncoderConfig(head="latents")).eval()
        nn.init.normal_(network.backbone.fc.weight, std=0.01)
    images = probe(1, 64)
    fast = accelerated_encoder("openvino", network, 64)
    assert relative_error(answers(fast, *images), answers(network, *images)) < 1e-4


class Erratic(nn.Module):
    """What no exporter can express."""

    def forward(self, images):
        raise RuntimeError("depends on the weather")


@needs_openvino
def test_openvino_says_what_it_cannot_export(tmp_path):
    engine = open_engine("openvino")
    with pytest.raises(ConfigError, match=r"Erratic cannot be exported \(.*--engine torch"):
        engine.export(Erratic(), probe(1, SIZE), tmp_path)


@needs_openvino
def test_openvino_says_which_files_it_cannot_read(tmp_path):
    (tmp_path / "model.xml").write_text("<net")
    with pytest.raises(CacheError, match="cannot be loaded"):
        open_engine("openvino").load(tmp_path)


@needs_openvino
def test_bfloat16_is_within_its_bound_or_refused():
    import openvino

    network, images = encoder(), probe(1, SIZE)
    able = openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES")
    if "BF16" not in able:
        with pytest.raises(ConfigError, match=r"no bfloat16.*--engine openvino"):
            accelerated_encoder("openvino-bf16", network, SIZE)
        return
    try:
        fast = accelerated_encoder("openvino-bf16", network, SIZE)
    except ConfigError as error:
        pytest.skip(str(error))
    assert relative_error(answers(fast, *images), answers(network, *images)) <= TOLERANCE


@needs_openvino
def test_a_fit_agrees_with_that_of_torch():
    photo = rendered()
    image, face = Image.fromarray(photo.image), Face.around(photo.landmarks)
    torchs, other = (
        Fitter(shipped_weights(), None, engine=name).fit(image, face)
        for name in ("torch", "openvino")
    )
    for name, block in torchs.latents.items():
        found = torch.from_numpy(other.latents[name])
        assert relative_error([found], [torch.from_numpy(block)]) < TOLERANCE
    assert np.abs(torchs.render - other.render).max() < 0.02
    assert np.array_equal(torchs.image, other.image)


@needs_openvino
def test_predictions_agree_with_those_of_torch(tmp_path):
    method = untrained_method()
    stage = write_untrained_stage(tmp_path / "em", method, model_of_tests())
    context = BaselineContext("anny", SIDE, method, {"em": stage})
    images = torch.cat([probe(1, SIDE, 2)[0], 1 - probe(1, SIDE, 1)[0]]).permute(0, 2, 3, 1).numpy()
    points = np.zeros((68, 2), dtype=np.float32)
    samples = [Sample(str(n), "a", "all", image, points) for n, image in enumerate(images)]
    ours, theirs = (
        load_reconstructor(replace(context, engine=name), "em", "segmentation")(samples)
        for name in ("openvino", "torch")
    )
    for mine, other in zip(ours, theirs, strict=True):
        assert np.abs(mine.visible - other.visible).max() < TOLERANCE
        assert np.abs(mine.neutral.vertices - other.neutral.vertices).max() < 0.01  # mm
