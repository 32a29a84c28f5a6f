"""Files of torch: read as torch reads them, and nothing of a hostile file is ever run."""

import io
import os
import pickle  # noqa: TID251 - hostile files have to be made somehow
import zipfile
from collections import OrderedDict

import numpy as np
import pytest
import torch
from attacks.arrays import crowded
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from focsbench.data import torch_file
from focsbench.data.torch_file import TorchFile
from focsbench.errors import InputError


def small_network():
    torch.manual_seed(0)
    return nn.Sequential(
        nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.Sequential(nn.ReLU(), nn.Linear(3, 2))
    )


def arrays_of(path):
    with TorchFile(path) as file:
        return {name: file.array(name) for name in file.tensors}


@pytest.mark.parametrize("zipped", [True, False])
def test_state_dictionaries_come_as_torch_reads_them(tmp_path, zipped):
    network = small_network()
    network[0].weight.data = network[0].weight.data.contiguous(memory_format=torch.channels_last)
    base = torch.arange(12.0)
    state = {
        "net": network.state_dict(),
        "types": {
            "half": torch.rand(3).half(), "short": torch.rand(5).bfloat16(),
            "long": torch.arange(3), "flags": torch.tensor([True, False]),
            "double": torch.rand(2, 2).double(), "bytes": torch.arange(4, dtype=torch.uint8),
        },
        "views": [base[2:5], base.view(3, 4).t(), base.view(3, 4)[1], torch.zeros(0, 3)],
        "optimizer": torch.optim.Adam(network.parameters()).state_dict(),
        "epoch": 20,
    }  # fmt: skip
    path = tmp_path / "state.pth"
    torch.save(state, path, _use_new_zipfile_serialization=zipped)
    expected = torch.load(path, weights_only=True)
    found = arrays_of(path)
    flat = {f"net.{name}": value for name, value in expected["net"].items()}
    flat |= {f"types.{name}": value for name, value in expected["types"].items()}
    flat |= {f"views.{place}": value for place, value in enumerate(expected["views"])}
    assert found.keys() == flat.keys()
    for name, value in flat.items():
        wanted = value.float().numpy() if value.dtype == torch.bfloat16 else value.numpy()
        assert found[name].dtype == wanted.dtype
        np.testing.assert_array_equal(found[name], wanted)


@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.filterwarnings("ignore:.*:UserWarning")  # torch looks for the sources of classes
def test_whole_modules_give_their_parameters_and_buffers(tmp_path, zipped):
    network = small_network()
    path = tmp_path / "module.model"
    torch.save(network, path, _use_new_zipfile_serialization=zipped)
    found = arrays_of(path)
    assert found.keys() == network.state_dict().keys()
    for name, value in network.state_dict().items():
        np.testing.assert_array_equal(found[name], value.numpy())
    with TorchFile(path) as file:
        assert "torch.nn.modules.conv.Conv2d" in file.classes


class Runs:
    """Pickles as a call of anything."""

    def __init__(self, function, *arguments):
        self.reduced = function, arguments

    def __reduce__(self):
        return self.reduced


def hostile_values(marker):
    command = f"touch {marker}"
    return {
        "system": Runs(os.system, command),
        "eval": Runs(eval, f"open({str(marker)!r}, 'w')"),
        "load": Runs(torch.load, str(marker)),
        "import": Runs(__import__, "antigravity"),
        "partial": Runs(__import__("functools").partial, os.system, command),
    }


@pytest.mark.parametrize("kind", [*hostile_values("")])
@pytest.mark.parametrize("zipped", [True, False])
@pytest.mark.parametrize("hidden", [True, False])
def test_a_command_in_a_file_is_never_run(tmp_path, kind, zipped, hidden):
    marker = tmp_path / "was_run"
    value = hostile_values(marker)[kind]
    network = small_network()
    if hidden:  # where no tensor is looked for
        network.extra = value
    path = tmp_path / "hostile.pth"
    content = network if hidden else {"weight": torch.zeros(2), "bias": value}
    torch.save(content, path, _use_new_zipfile_serialization=zipped)
    with pytest.raises(InputError, match=r"hostile\.pth: not readable .*\(it asks for '"):
        TorchFile(path)
    assert not marker.exists()


def test_the_hostile_file_would_run_without_us(tmp_path):
    """Else the test above would prove nothing."""
    marker = tmp_path / "was_run"
    path = tmp_path / "hostile.pth"
    torch.save({"bias": Runs(os.system, f"touch {marker}")}, path)
    torch.load(path, weights_only=False)
    assert marker.exists()


def saved(content):
    stream = io.BytesIO()
    torch.save(content, stream)
    return stream.getvalue()


def rewritten(content, change, compression=zipfile.ZIP_STORED):
    """The zip archive with its records changed by name."""
    stream = io.BytesIO()
    source = zipfile.ZipFile(io.BytesIO(content))
    with zipfile.ZipFile(stream, "w", compression) as target:
        for record in source.infolist():
            for name, data in change(record.filename, source.read(record)):
                target.writestr(name, data)
    return stream.getvalue()


def test_a_compressed_archive_is_refused(tmp_path):
    path = tmp_path / "bomb.pth"
    content = saved({"weight": torch.zeros(1000, 1000)})
    path.write_bytes(rewritten(content, lambda n, d: [(n, d)], zipfile.ZIP_DEFLATED))
    assert path.stat().st_size < 20_000
    with pytest.raises(InputError, match="records are compressed"):
        TorchFile(path)


@pytest.mark.filterwarnings("ignore:Duplicate name:UserWarning")
def test_records_that_overlap_or_repeat_are_refused(tmp_path):
    path = tmp_path / "twice.pth"
    content = saved({"weight": torch.zeros(1000)})
    path.write_bytes(rewritten(content, lambda n, d: [(n, d), (n, d)]))
    with pytest.raises(InputError, match="one twice"):
        TorchFile(path)
    # Many entries of the list of contents that all show the same record: unpacks to 100 times.
    names = [f"archive/data/{number}" for number in range(100)]
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        archive.writestr("archive/data.pkl", pickle.dumps({}, protocol=2))
        archive.writestr(names[0], bytes(10_000))
        first = archive.getinfo(names[0])
        for name in names[1:]:
            other = zipfile.ZipInfo(name)
            other.header_offset, other.CRC = first.header_offset, first.CRC
            other.compress_size = other.file_size = first.file_size
            archive.filelist.append(other)
            archive.NameToInfo[name] = other
        archive._didModify = True
    path.write_bytes(stream.getvalue())
    with pytest.raises(InputError, match="larger than the file"):
        TorchFile(path)


def tensor_pickle(shape, stride, elements, offset=0):
    """The pickle of one tensor with announced sizes, and its archive with 16 bytes of numbers."""

    class Pickler(pickle.Pickler):
        def persistent_id(self, value):
            return value if isinstance(value, tuple) and value[:1] == ("storage",) else None

    storage = ("storage", torch.FloatStorage, "0", "cpu", elements)
    stream = io.BytesIO()
    arguments = (storage, offset, shape, stride, False, OrderedDict())
    value = Runs(torch._utils._rebuild_tensor_v2, *arguments)
    Pickler(stream, protocol=2).dump({"weight": value})
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as file:
        file.writestr("archive/data.pkl", stream.getvalue())
        file.writestr("archive/data/0", np.arange(4, dtype="<f4").tobytes())
    return archive.getvalue()


def test_the_maker_of_announced_sizes_makes_sound_files(tmp_path):
    path = tmp_path / "sound.pth"
    path.write_bytes(tensor_pickle((2, 2), (1, 2), 4))
    np.testing.assert_array_equal(arrays_of(path)["weight"], [[0, 2], [1, 3]])


@pytest.mark.parametrize(
    ("shape", "stride", "elements", "offset", "reason"),
    [
        ((1 << 20, 1 << 20), (0, 0), 4, 0, "larger than the file"),
        ((5,), (1,), 4, 0, "beyond its numbers"),
        ((4,), (1,), 4, 1, "beyond its numbers"),
        ((2,), (1 << 40,), 4, 0, "beyond its numbers"),
        ((2,), (1,), 1 << 40, 0, "incomplete"),
        ((2,), (-1,), 4, 1, "impossible size"),
        ((-2, -2), (1, 1), 4, 0, "impossible size"),
        ((1 << 60,), (1,), 4, 0, "impossible size"),
        ((2,), (1, 1), 4, 0, "impossible shape"),
        ((2.0,), (1,), 4, 0, "impossible size"),
    ],
)
def test_announced_sizes_are_checked(tmp_path, shape, stride, elements, offset, reason):
    path = tmp_path / "sizes.pth"
    path.write_bytes(tensor_pickle(shape, stride, elements, offset))
    with pytest.raises(InputError, match=reason):
        arrays_of(path)


def test_data_without_end_are_refused(tmp_path):
    path = tmp_path / "laughs.pth"
    level = {"weight": 1}
    for _ in range(40):  # 2 ** 40 dictionaries if each were followed
        level = {"a": level, "b": level}
    torch.save(level, path)
    with pytest.raises(InputError, match="without end"):
        TorchFile(path)


def test_names_are_bounded(tmp_path, monkeypatch):
    path = tmp_path / "names.pth"
    torch.save({"a" * 256: {"b" * 255: torch.zeros(1)}}, path)
    assert list(arrays_of(path)) == ["a" * 256 + "." + "b" * 255]
    torch.save({"a" * 256: {"b" * 256: torch.zeros(1)}}, path)
    with pytest.raises(InputError, match=r"names\.pth: .*a name in it is too long"):
        TorchFile(path)
    monkeypatch.setattr(torch_file, "MAX_NAMES", 20)
    torch.save({"a" * 9: [torch.zeros(1)], "b" * 8: 1}, path)
    assert len(arrays_of(path)) == 1
    torch.save({"a" * 9: [torch.zeros(1)] * 2}, path)
    with pytest.raises(InputError, match="the names of its tensors are too long"):
        TorchFile(path)


ZIPPED = saved({"weight": torch.arange(64.0), "bias": torch.arange(8.0)})


@settings(max_examples=80, deadline=None)
@given(st.data())
def test_damage_is_refused_or_harmless(tmp_path_factory, data):
    path = tmp_path_factory.getbasetemp() / "damaged.pth"
    content = bytearray(ZIPPED)
    if data.draw(st.booleans()):
        del content[data.draw(st.integers(0, len(content) - 1)) :]
    else:
        for _ in range(data.draw(st.integers(1, 3))):
            content[data.draw(st.integers(0, len(content) - 1))] = data.draw(st.integers(0, 255))
    path.write_bytes(content)
    message = f"{path}: "
    try:
        arrays_of(path)
    except InputError as error:
        message = str(error)
    assert message.startswith(f"{path}: ")
    assert "\n" not in message


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "pickle exhausted"),
        (b"<!DOCTYPE html>", "not readable"),
        (b"version https://git-lfs.github.com/spec/v1\n", "not readable"),
        (b"PK\x03\x04" + bytes(40), "too early"),
        (pickle.dumps({"weight": [1.0]}), "does not begin"),
    ],
)
def test_other_files_are_refused(tmp_path, content, reason):
    path = tmp_path / "other.pth"
    path.write_bytes(content)
    with pytest.raises(InputError, match=reason):
        TorchFile(path)


def test_big_endian_numbers_are_refused(tmp_path):
    path = tmp_path / "big.pth"
    content = {"byteorder": b"big"}
    path.write_bytes(rewritten(ZIPPED, lambda n, d: [(n, content.get(n.rpartition("/")[2], d))]))
    with pytest.raises(InputError, match="big-endian"):
        TorchFile(path)


@pytest.mark.parametrize("zip64", [True, False])
def test_a_list_of_contents_beyond_measure_is_not_read(tmp_path, zip64):
    path = tmp_path / "records.pth"
    path.write_bytes(crowded(200_000, zip64=zip64))
    with pytest.raises(InputError, match=r"records\.pth: .*its list of contents is too long"):
        TorchFile(path)


def test_an_archive_of_many_records_is_read(tmp_path):
    path = tmp_path / "many.pth"
    state = {f"layer{number}.weight": torch.full((2,), number) for number in range(3000)}
    torch.save(state, path)
    found = arrays_of(path)
    assert {name: int(array[1]) for name, array in found.items()} == {
        f"layer{number}.weight": number for number in range(3000)
    }
