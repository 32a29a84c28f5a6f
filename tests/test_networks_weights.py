from __future__ import annotations

import errno
import hashlib
import os

import pytest
import torch
from torch import nn

from focsbench.errors import CacheError, StorageError
from focsbench.networks.pretrained import (
    CHECKSUMS,
    WEIGHTS_FOLDER,
    load_weights,
    read_checksums,
    save_weights,
    weights_path,
)


def make_network(width: int = 4) -> nn.Module:
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width))


@pytest.fixture
def saved(tmp_path):
    network = make_network()
    network[1].running_mean.uniform_()
    path = tmp_path / "weights" / "network.safetensors"
    save_weights(network, path)
    return network, path


def test_weights_come_back_as_they_were(saved):
    network, path = saved
    other = make_network()
    load_weights(other, path)
    for name, value in network.state_dict().items():
        assert torch.equal(other.state_dict()[name], value)


def test_half_precision_halves_parameters_but_keeps_statistics(tmp_path):
    network = make_network()
    network[1].running_var.fill_(1e6)  # beyond float16
    path = tmp_path / "half.safetensors"
    save_weights(network, path, half=True)
    other = make_network()
    load_weights(other, path)
    assert other[0].weight.dtype == torch.float32
    torch.testing.assert_close(other[0].weight, network[0].weight, atol=1e-3, rtol=1e-3)
    assert torch.equal(other[1].running_var, network[1].running_var)


def test_checksums_are_those_of_sha256sum_and_several_files_share_the_list(saved):
    network, path = saved
    save_weights(network, path.parent / "another.safetensors")
    sums = read_checksums(path.parent)
    assert sorted(sums) == ["another.safetensors", "network.safetensors"]
    assert sums[path.name] == hashlib.sha256(path.read_bytes()).hexdigest()
    assert sorted(file.name for file in path.parent.iterdir()) == [CHECKSUMS, *sorted(sums)]


def test_saving_again_gives_the_same_bytes(saved):
    network, path = saved
    first = path.read_bytes()
    save_weights(network, path)
    assert path.read_bytes() == first


def test_a_failed_save_leaves_the_old_file_and_nothing_else(saved, monkeypatch):
    network, path = saved
    before = {file.name: file.read_bytes() for file in path.parent.iterdir()}
    assert path.stat().st_mode == (path.parent / CHECKSUMS).stat().st_mode
    network[0].weight.data.zero_()

    def full(_):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr("focsbench.files.os.fsync", full)
    with pytest.raises(StorageError, match="the disk is full"):
        save_weights(network, path)
    assert {file.name: file.read_bytes() for file in path.parent.iterdir()} == before


def test_a_damaged_file_is_one_sentence(saved):
    _, path = saved
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(CacheError, match=r"network\.safetensors does not match its checksum"):
        load_weights(make_network(), path)


def test_a_file_cut_short_is_noticed(saved):
    _, path = saved
    path.write_bytes(path.read_bytes()[:-10])
    with pytest.raises(CacheError, match="checksum"):
        load_weights(make_network(), path)


def test_an_unlisted_file_is_refused(saved):
    _, path = saved
    stranger = path.parent / "stranger.safetensors"
    stranger.write_bytes(path.read_bytes())
    with pytest.raises(CacheError, match="not listed"):
        load_weights(make_network(), stranger)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(CacheError, match=r"nothing\.safetensors does not exist"):
        load_weights(make_network(), tmp_path / "nothing.safetensors")


def test_another_architecture_is_refused(saved):
    _, path = saved
    with pytest.raises(CacheError, match="does not fit the configured network"):
        load_weights(make_network(width=5), path)


def test_names_mean_the_package_and_paths_mean_themselves(tmp_path):
    assert weights_path("a.safetensors") == WEIGHTS_FOLDER / "a.safetensors"
    assert weights_path(str(tmp_path / "a.safetensors")) == tmp_path / "a.safetensors"


def test_every_shipped_weight_file_matches_its_checksum():
    sums = read_checksums(WEIGHTS_FOLDER)
    shipped = {file.name for file in WEIGHTS_FOLDER.glob("*.safetensors")}
    assert shipped == set(sums)
    for name, digest in sums.items():
        assert hashlib.sha256((WEIGHTS_FOLDER / name).read_bytes()).hexdigest() == digest
