"""Weights of others: recognised, fitted to our networks, refused with one sentence otherwise."""

import errno
import os

import numpy as np
import pytest
import torch
from dlib_support import recognition_network
from safetensors.numpy import load_file, save_file
from weights_support import (
    arcface_state,
    deep3d_state,
    encoder_state,
    released_encoder,
    released_unet,
)

from focsbench.errors import CacheError, ConfigError, InputError, StorageError
from focsbench.focs.build import build_recognizer, build_unet
from focsbench.focs.presets import load_preset
from focsbench.networks.config import EncoderConfig
from focsbench.networks.pretrained import load_weights, weights_path
from focsbench.networks.resnet import FaceEncoder
from focsbench.weights.importer import import_weights
from focsbench.weights.store import find, records, verify, weights_folder


@pytest.fixture(autouse=True)
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("FOCSBENCH_CACHE", str(tmp_path / "cache"))
    return tmp_path


def imported(name):
    return load_file(weights_folder() / f"{name}.safetensors")


def same(found, state, prefix=""):
    assert found.keys() == {prefix + name for name in state}
    for name, value in state.items():
        np.testing.assert_array_equal(found[prefix + name], value.double().numpy())


def refused(path, reason, **options):
    with pytest.raises(InputError, match=reason) as caught:
        import_weights(path, **options)
    text = str(caught.value)
    assert text.startswith(str(path))
    assert "\n" not in text
    assert records() == []


def test_the_authors_encoder(folder, monkeypatch):
    """Random numbers in a module of the authors' layout, not their weights."""
    path = folder / "enc_net_200000.model"
    torch.save(released_encoder(monkeypatch), path)
    with pytest.raises(Exception, match="Weights only load failed"):
        torch.load(path, weights_only=True)
    record = import_weights(path, role="encoder")
    assert (record.name, record.kind, record.role) == (
        "enc_net_200000", "released-encoder", "encoder",
    )  # fmt: skip
    assert "non-commercial" in record.licence
    same(imported(record.name), encoder_state(), "backbone.")
    config = load_preset("quick", {"encoder": {"weights": "enc_net_200000"}})
    assert (config.encoder.architecture, config.encoder.head) == ("resnet50", "released")
    network = FaceEncoder(config.encoder)
    load_weights(network, weights_path(config.encoder.weights))
    state = network.state_dict()
    assert torch.equal(state["backbone.fc.weight"], encoder_state()["fc.weight"].float())


def test_the_authors_unet(folder, monkeypatch):
    """Random numbers in a module of the authors' layout, not their weights."""
    path = folder / "unet_200000.model"
    network = released_unet(monkeypatch)
    torch.save(network, path)
    record = import_weights(path, "s_net")
    same(imported("s_net"), network.state_dict())
    assert record.role == "unet"
    config = load_preset("quick", {"image_size": 96, "unet": {"weights": "s_net"}})
    built = build_unet(config, seed=0)
    assert torch.equal(
        built.state_dict()["Up5.up.1.weight"], network.state_dict()["Up5.up.1.weight"].float()
    )


def test_deep3d(folder):
    """Random numbers under the names of the published checkpoint."""
    path = folder / "epoch_20.pth"
    state = deep3d_state()
    assert sum(v.numel() for v in state.values() if v.dtype != torch.int64) == 24_034_625 + 53_120
    optimizer = {"state": {0: {"exp_avg": torch.zeros(3)}}, "param_groups": [{"lr": 1e-4}]}
    torch.save({"net_recon": state, "opt_00": optimizer, "sched_00": {"last_epoch": 20}}, path)
    record = import_weights(path)
    assert (record.name, record.role) == ("deep3d", "deep3d")
    same(imported("deep3d"), state)


def test_arcface_brings_its_settings_along(folder):
    """Random numbers under insightface's names; r18 because the file is smaller."""
    path = folder / "backbone.pth"
    state = arcface_state(18)
    torch.save(state, path)
    record = import_weights(path, "judge")
    assert record.kind == "arcface-r18"
    same(imported("judge"), state, "backbone.")
    config = load_preset("smoke", {"recognition": {"weights": "judge"}})
    assert config.recognition.architecture == "iresnet18"
    assert config.recognition.weights == record.pinned
    assert (config.recognition.crop_size, config.recognition.embedding) == (112, 512)
    network = build_recognizer(config)
    images = torch.rand(1, 3, 96, 96)
    assert network.embed(images, torch.rand(1, 68, 2) * 96).shape == (1, 512)


@pytest.mark.filterwarnings("ignore:for backbone:UserWarning")  # of shapes without numbers
@pytest.mark.parametrize("suffix", ["pth", "safetensors"])
def test_resnet50_of_imagenet_starts_an_encoder_whose_head_is_zero(folder, suffix):
    """Random numbers under torchvision's names, without counters, as old files are."""
    state = {n: v for n, v in encoder_state().items() if not n.endswith("num_batches_tracked")}
    path = folder / f"resnet50.{suffix}"
    if suffix == "pth":
        torch.save(state, path, _use_new_zipfile_serialization=False)
    else:
        save_file({name: value.numpy() for name, value in state.items()}, path)
    record = import_weights(path)
    assert record.kind == "imagenet-resnet50"
    if suffix == "safetensors":
        return
    network = FaceEncoder(EncoderConfig(head="latents"))
    head = ("backbone.fc.weight", "backbone.fc.bias")
    load_weights(network, weights_path("resnet50"), optional=head)
    found = network.state_dict()
    assert torch.equal(found["backbone.layer4.2.bn3.bias"], state["layer4.2.bn3.bias"].float())
    assert not found["backbone.fc.weight"].any()
    with torch.device("meta"):
        without_exception = FaceEncoder(EncoderConfig())
    with pytest.raises(CacheError, match="does not fit the configured network"):
        load_weights(without_exception, weights_path("resnet50"))


def test_dlib_as_a_perceptual_network(folder):
    """A network of dlib's layout with random numbers, not the published weights."""
    path = folder / "dlib_face_recognition_resnet_model_v1.dat"
    path.write_bytes(recognition_network())
    record = import_weights(path)
    config = load_preset("smoke", {"recognition": {"weights": "dlib"}})
    recognition = config.recognition
    assert (recognition.architecture, recognition.distance) == ("dlib", "l2")
    assert recognition.weights == record.pinned
    assert build_recognizer(config).distance == "l2"
    cosine = {"recognition": {"weights": "dlib", "distance": "cosine"}}
    assert load_preset("smoke", cosine).recognition.distance == "cosine"


# --- refusals -----------------------------------------------------------------------------


@pytest.fixture(scope="module")
def arcface():
    return arcface_state(18)


def test_a_missing_or_foreign_file(folder):
    refused(folder / "nothing.pth", "no such file")
    path = folder / "page.pth"
    path.write_text("<html>404</html>")
    refused(path, "not readable as weights of torch")
    torch.save({"weight": torch.zeros(3)}, path)
    refused(path, r"no kind that is known \(such as weight\)")
    torch.save({"epoch": 3}, path)
    refused(path, "no tensors")
    path = folder / "page.safetensors"
    path.write_text("<html>404</html>")
    refused(path, "no safetensors file")


def test_a_truncated_file(folder, arcface):
    path = folder / "backbone.pth"
    torch.save(arcface, path)
    os.truncate(path, path.stat().st_size // 2)
    refused(path, "ends too early")


def test_a_wrong_shape_or_name(folder, arcface):
    path = folder / "backbone.pth"
    torch.save({**arcface, "layer2.0.conv1.weight": torch.zeros(64, 64, 3, 3)}, path)
    refused(path, r"layer2\.0\.conv1\.weight is \(64, 64, 3, 3\) where the network has \(128, 64,")
    torch.save({name: v for name, v in arcface.items() if name != "bn2.weight"}, path)
    refused(path, r"ArcFace iresnet18, but lacks backbone\.bn2\.weight")
    torch.save({**arcface, "layer5.conv.weight": torch.zeros(3)}, path)
    refused(path, r"also holds backbone\.layer5\.conv\.weight; it belongs to another")


def test_numbers_that_are_none(folder, arcface):
    path = folder / "backbone.pth"
    bias = torch.full_like(arcface["bn1.bias"], torch.nan)
    torch.save({**arcface, "bn1.bias": bias}, path)
    refused(path, r"bn1\.bias holds numbers that are not finite")


def test_another_role(folder, arcface):
    path = folder / "backbone.pth"
    torch.save(arcface, path)
    refused(path, "ArcFace iresnet18, whose role is recognition, not encoder", role="encoder")


class Command:
    def __init__(self, command):
        self.command = command

    def __reduce__(self):
        return os.system, (self.command,)


def test_a_pickle_with_a_command_is_refused_and_does_nothing(folder, arcface):
    path, marker = folder / "backbone.pth", folder / "was_run"
    torch.save({**arcface, "extra": Command(f"touch {marker}")}, path)
    refused(path, r"it asks for 'posix\.system'")
    assert not marker.exists()


# --- the folder ---------------------------------------------------------------------------


@pytest.fixture
def kept(folder):
    path = folder / "face.dat"
    path.write_bytes(recognition_network())
    return import_weights(path)


def test_the_same_file_gives_the_same_bytes(folder, kept):
    before = (weights_folder() / "dlib.safetensors").read_bytes()
    again = import_weights(folder / "face.dat")
    assert again == kept
    assert (weights_folder() / "dlib.safetensors").read_bytes() == before


def test_names_are_not_taken_away_by_accident(folder, kept):
    path = folder / "other.dat"
    path.write_bytes(recognition_network(seed=1))
    with pytest.raises(ConfigError, match=r"other weights named dlib already .*--replace"):
        import_weights(path)
    pinned = kept.pinned
    assert import_weights(path, replace=True).sha256 != kept.sha256
    with pytest.raises(CacheError, match="imported again from another file"):
        find(pinned)
    for name in ("../up", "", "a/b", ".hidden", "x" * 65, "a.safetensors"):
        with pytest.raises(ConfigError, match="cannot be the name"):
            import_weights(path, name)


def test_verify_notices_changes(kept):
    assert verify(kept) == ""
    path = weights_folder() / "dlib.safetensors"
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(content)
    assert verify(kept) == "altered"
    with pytest.raises(CacheError, match="does not match its checksum"):
        build_recognizer(load_preset("smoke", {"recognition": {"weights": "dlib"}}))
    path.unlink()
    assert verify(kept) == "missing"


def test_a_full_disk_keeps_nothing_and_is_one_sentence(folder, monkeypatch):
    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    (folder / "face.dat").write_bytes(recognition_network())
    monkeypatch.setattr("focsbench.files.os.fsync", full)
    with pytest.raises(StorageError, match=r"weights: cannot be written, because the disk is full"):
        import_weights(folder / "face.dat")
    assert records() == []
    assert not list(weights_folder().glob("*.safetensors"))


@pytest.mark.parametrize("content", [b"dlib.safetensors\n", b"\xff\xfe  dlib.safetensors\n"])
def test_a_damaged_list_of_checksums(folder, kept, content):
    (weights_folder() / "SHA256SUMS").write_bytes(content)
    match = r"SHA256SUMS: not a list of checksums"
    with pytest.raises(CacheError, match=match):
        verify(kept)
    with pytest.raises(CacheError, match=match):
        import_weights(folder / "face.dat")
    with pytest.raises(CacheError, match=match):
        build_recognizer(load_preset("smoke", {"recognition": {"weights": "dlib"}}))


def test_damaged_records_and_unknown_names(kept):
    with pytest.raises(CacheError, match=r"no weights 'else': .*\(imported: dlib\)"):
        weights_path("else")
    (weights_folder() / "dlib.json").write_text('{"name": "dlib"}')
    with pytest.raises(CacheError, match="damaged record"):
        records()


def test_weights_of_another_role_are_no_encoder(kept):
    with pytest.raises(ConfigError, match=r"encoder\.weights: dlib holds .* not encoder"):
        load_preset("quick", {"encoder": {"weights": "dlib"}})
