"""dlib's face recognition network: its file, its function, and its use as a judge of faces."""

import importlib.util

import numpy as np
import pytest
import torch
from dlib_support import PLAN, integer, real, recognition_network, text
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from focsbench.data.dlib_file import DlibStream, read_dlib_network
from focsbench.errors import InputError
from focsbench.focs.perceptual import embedding_distance
from focsbench.networks.config import RecognitionConfig
from focsbench.networks.face_crop import DLIB_POINTS, dlib_chip, dlib_template
from focsbench.networks.recognition import RecognitionNetwork
from focsbench.weights.dlib_recognition import packaged_file, read_dlib_recognition

CONFIG = RecognitionConfig(architecture="dlib", crop_size=150, embedding=128, distance="l2")


@pytest.fixture(scope="module")
def content():
    return recognition_network()


@pytest.fixture(scope="module")
def file(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("dlib") / "random.dat"  # not the published weights
    path.write_bytes(content)
    return path


def network_of(path):
    network = RecognitionNetwork(CONFIG)
    arrays = read_dlib_recognition(path)
    network.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return network.freeze()


def naive_embedding(network, chips):
    """Layer by layer as dlib documents them, nothing folded; chips (B, 3, 150, 150) in 0..255."""
    average = torch.tensor(network.input_average).view(3, 1, 1)
    x = ((chips - average) / 256).double()
    shortcut = block_input = x
    for place, layer in enumerate(network.layers):
        arrays = {name: torch.from_numpy(a.copy()).double() for name, a in layer.arrays.items()}
        numbers = layer.numbers
        if layer.kind == "con":
            if place > 3 and network.layers[place - 2].kind != "affine":
                block_input = shortcut = x
            stride, padding = numbers["stride_x"], numbers["padding_x"]
            x = functional.conv2d(x, arrays["weight"], arrays["bias"], stride, padding)
        elif layer.kind == "affine":
            x = x * arrays["scale"].view(-1, 1, 1) + arrays["shift"].view(-1, 1, 1)
        elif layer.kind == "relu":
            x = x.clamp_min(0)
        elif layer.kind == "max_pool":
            x = functional.max_pool2d(x, 3, 2)
        elif layer.kind == "avg_pool" and numbers["rows"] == 2:
            shortcut = functional.avg_pool2d(block_input, 2)
        elif layer.kind == "avg_pool":
            x = x.mean(dim=(2, 3))
        elif layer.kind == "add_prev":
            total = torch.zeros([max(pair) for pair in zip(x.shape, shortcut.shape, strict=True)])
            total = total.double()
            for part in (x, shortcut):
                _, channels, rows, columns = part.shape
                total[:, :channels, :rows, :columns] += part
            x = total
        else:
            x = x @ arrays["weight"]
    return x


def test_the_file_gives_the_function_that_dlib_describes(file):
    layers = read_dlib_network(file)
    chips = torch.randint(0, 256, (1, 3, 150, 150), generator=torch.Generator().manual_seed(1))
    with torch.no_grad():
        found = network_of(file).embed_crops(chips / 255)
    expected = naive_embedding(layers, chips)
    assert found.shape == (1, 128)
    torch.testing.assert_close(found.double(), expected, atol=1e-5, rtol=1e-5)
    assert expected.std() > 0.01  # random, but not dead


def test_shallow_features_are_those_of_the_first_stage(file):
    network = network_of(file)
    images = torch.rand(1, 3, 96, 96)
    assert network.shallow(images, torch.rand(1, 68, 2) * 96).shape == (1, 32, 35, 35)


def test_gradients_reach_the_image(file):
    network = network_of(file)
    images = torch.rand(1, 3, 96, 96, generator=torch.Generator().manual_seed(2))
    landmarks = torch.rand(1, 68, 2, generator=torch.Generator().manual_seed(3)) * 96
    images.requires_grad_()
    network.embed(images, landmarks).square().sum().backward()
    assert images.grad.abs().max() > 0
    assert images.grad.isfinite().all()


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_a_damaged_file_is_refused_in_one_sentence(content, tmp_path_factory, data):
    cut = data.draw(st.integers(0, 700) | st.integers(0, len(content) - 1))
    path = tmp_path_factory.getbasetemp() / "damaged.dat"
    path.write_bytes(content[:cut])
    with pytest.raises(InputError, match=r"damaged\.dat: not readable as a network of dlib"):
        read_dlib_recognition(path)


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 700), st.integers(0, 255))
def test_changed_bytes_are_harmless(content, tmp_path_factory, place, value):
    path = tmp_path_factory.getbasetemp() / "changed.dat"
    changed = bytearray(content[:30_000])
    changed[place] = value
    path.write_bytes(changed)
    with pytest.raises(InputError):
        read_dlib_network(path)


def test_announced_sizes_take_no_memory():
    huge = integer(2) + 4 * integer(1 << 39)
    with pytest.raises(ValueError, match="too early"):
        DlibStream(huge).tensor()
    with pytest.raises(ValueError, match="too long"):
        DlibStream(integer(1 << 60)).text()
    with pytest.raises(ValueError, match="impossible size"):
        DlibStream(integer(2) + 4 * integer(-1)).tensor()


@pytest.mark.parametrize(
    ("make", "reason"),
    [
        (lambda: recognition_network(plan=((32, 3), *PLAN[1:4], (256, 2))), "not the avg_pool"),
        (lambda: recognition_network(plan=((16, 3), *PLAN[1:])), "not the con"),
        (lambda: recognition_network(size=100), "another size"),
    ],
)
def test_another_network_is_refused(tmp_path, make, reason):
    path = tmp_path / "other.dat"
    path.write_bytes(make())
    with pytest.raises(InputError, match=f"not dlib's face recognition network .*{reason}"):
        read_dlib_recognition(path)


def test_something_after_the_end_is_refused(tmp_path, content):
    path = tmp_path / "longer.dat"
    path.write_bytes(content + b"\0")
    with pytest.raises(InputError, match="something follows"):
        read_dlib_network(path)


@given(st.floats(-1e6, 1e6, width=32))
def test_numbers_come_back(value):
    assert DlibStream(real(value)).real() == value


@given(st.integers(-(2**63) + 1, 2**63 - 1), st.text("abc_", max_size=20))
def test_integers_and_names_come_back(value, name):
    stream = DlibStream(integer(value) + text(name))
    assert (stream.integer(), stream.text(), stream.left) == (value, name, 0)


def test_the_chip_puts_the_landmarks_on_the_template():
    """A dot on a landmark has to appear where the template wants it."""
    angle, scale, offset = 0.2, 0.7, torch.tensor([20.0, 15.0])
    rotation = scale * torch.tensor(
        [[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]], dtype=torch.float32
    )
    landmarks = torch.zeros(1, 68, 2)
    landmarks[0, list(DLIB_POINTS)] = dlib_template(150, landmarks) @ rotation.T + offset
    ys, xs = torch.meshgrid(torch.arange(160.0), torch.arange(160.0), indexing="ij")
    for place, point in ((36, 9), (54, 27)):
        x, y = landmarks[0, place]
        dot = torch.exp(-((xs - x) ** 2 + (ys - y) ** 2) / 18)[None, None]
        chip = dlib_chip(dot, landmarks, 150)[0, 0]
        row, column = divmod(int(chip.argmax()), 150)
        wanted = dlib_template(150, landmarks)[point]
        assert abs(column - wanted[0]) < 1
        assert abs(row - wanted[1]) < 1


def test_l2_is_the_length_of_the_difference_and_has_a_gradient_at_zero():
    first = torch.tensor([[0.0, 3.0], [1.0, 1.0]], requires_grad=True)
    distance = embedding_distance(first, torch.tensor([[4.0, 0.0], [1.0, 1.0]]), "l2")
    assert distance.item() == pytest.approx(2.5, abs=1e-5)
    distance.backward()
    assert first.grad.isfinite().all()


@pytest.mark.skipif(
    importlib.util.find_spec("dlib") is None
    or importlib.util.find_spec("skimage") is None
    or packaged_file() is None,
    reason="needs dlib, scikit-image and face-recognition-models",
)
def test_the_published_weights_answer_as_dlib_does():
    import dlib
    from skimage.data import astronaut

    models = packaged_file().parent
    image = np.array(astronaut())
    place = dlib.shape_predictor(str(models / "shape_predictor_68_face_landmarks.dat"))
    face = place(image, dlib.get_frontal_face_detector()(image, 1)[0])
    judge = dlib.face_recognition_model_v1(str(packaged_file()))
    network = network_of(packaged_file())
    points = torch.tensor([[(p.x, p.y) for p in face.parts()]], dtype=torch.float32)
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None] / 255
    chip = dlib.get_face_chip(image, face, 150, 0.25)
    expected = np.array(judge.compute_face_descriptor(chip))
    with torch.no_grad():
        same = network.embed_crops(torch.from_numpy(chip).permute(2, 0, 1)[None] / 255)[0].numpy()
        own = network.embed(pixels, points)[0].numpy()
    np.testing.assert_allclose(same, expected, atol=1e-5)
    # dlib compares faces with 0.6; its chip and ours differ by less than a pixel
    assert np.linalg.norm(own - expected) < 0.05
