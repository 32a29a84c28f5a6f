from __future__ import annotations

import pytest
import torch
from networks_support import convolution_macs, parameter_count

from focsbench.networks.compact_resnet import SoftArgmax
from focsbench.networks.config import EncoderConfig, LatentScales
from focsbench.networks.resnet import PAPER_SIZES, FaceEncoder, Latents, split_latents
from focsbench.networks.resnet50 import ResNet50

QUICK = EncoderConfig(architecture="compact", head="latents")


@pytest.mark.parametrize(("outputs", "count"), [(1000, 25_557_032), (257, 24_034_625)])
def test_resnet50_has_the_published_number_of_parameters(outputs, count):
    with torch.device("meta"):
        assert parameter_count(ResNet50(outputs)) == count


def test_resnet50_uses_the_names_and_shapes_of_torchvision():
    with torch.device("meta"):
        state = ResNet50(1000).state_dict()
    # 53 convolutions, 53 normalisations with 5 entries each, one linear layer
    assert len(state) == 53 + 53 * 5 + 2
    assert state["conv1.weight"].shape == (64, 3, 7, 7)
    assert state["layer1.0.downsample.0.weight"].shape == (256, 64, 1, 1)
    assert state["layer1.0.downsample.1.running_var"].shape == (256,)
    assert state["layer3.5.conv2.weight"].shape == (256, 256, 3, 3)
    assert state["layer4.2.bn3.num_batches_tracked"].shape == ()
    assert state["fc.weight"].shape == (1000, 2048)
    assert "layer1.1.downsample.0.weight" not in state
    assert not {"layer3.6.conv1.weight", "layer2.4.conv1.weight"} & set(state)


def test_resnet50_cost_is_the_known_four_gigamacs():
    with torch.device("meta"):
        macs = convolution_macs(ResNet50(1000).eval(), torch.empty(1, 3, 224, 224))
    assert macs / 1e9 == pytest.approx(4.089, abs=0.001)  # stride in the 3x3 layer: "v1.5"


@pytest.mark.parametrize("norm", ["batch", "group"])
def test_an_untrained_encoder_predicts_the_mean_face(norm):
    encoder = FaceEncoder(QUICK.model_copy(update={"norm": norm}))
    latents = encoder(torch.rand(3, 3, 96, 96))
    sizes = [block.shape for block in latents]
    assert sizes == [(3, 80), (3, 64), (3, 80), (3, 3), (3, 3), (3, 27)]
    assert all((block == 0).all() for block in latents)


def test_the_released_layout_reads_the_first_coefficients_of_each_block():
    raw = torch.arange(1000.0)[None]
    ones = LatentScales(albedo=1, angles=1, translation_z=1)
    latents = split_latents(raw, ones)
    starts = {"identity": 0, "expression": 199, "albedo": 299}
    starts |= {"angles": 498, "translation": 501, "light": 504}
    for name, block in latents._asdict().items():
        first = starts[name]
        expected = torch.arange(first, first + block.shape[1], dtype=torch.float32)
        torch.testing.assert_close(block[0], expected)


def test_default_scales_are_the_released_preconditioner():
    latents = split_latents(torch.ones(1, PAPER_SIZES.total), LatentScales())
    assert latents.identity.unique().tolist() == [1.0]
    assert latents.albedo.unique().tolist() == [3.0]
    torch.testing.assert_close(latents.angles[0], torch.full((3,), 0.3))
    torch.testing.assert_close(latents.translation[0], torch.tensor([1.0, 1.0, 0.005]))
    assert latents.light.unique().tolist() == [1.0]


def test_concatenated_latents_split_back():
    raw = torch.randn(2, PAPER_SIZES.total)
    unit = LatentScales(albedo=1, angles=1, translation_z=1)
    torch.testing.assert_close(split_latents(raw, unit).concatenate(), raw)


def test_detached_latents_have_no_graph():
    blocks = [torch.ones(1, n, requires_grad=True) for n in (80, 64, 80, 3, 3, 27)]
    assert not any(block.requires_grad for block in Latents(*blocks).detach())


def test_the_compact_network_is_small_enough_for_a_cpu():
    encoder = FaceEncoder(QUICK).eval()
    assert 0.8e6 < parameter_count(encoder) < 1.5e6
    assert convolution_macs(encoder, torch.rand(1, 3, 96, 96)) < 60e6


def test_the_compact_network_learns_where_things_are():
    """One bright dot: its position must be readable from the outputs after a few steps."""
    torch.manual_seed(0)
    config = EncoderConfig(
        architecture="compact", head="latents", widths=(8, 8, 16, 16), blocks=(1, 1, 1), hidden=32
    )
    encoder = FaceEncoder(config)
    optimizer = torch.optim.Adam(encoder.parameters(), lr=5e-3)
    generator = torch.Generator().manual_seed(1)
    for _ in range(60):
        images, positions = _dots(16, generator)
        loss = (encoder(images).translation[:, :2] - positions).square().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    assert float(loss.detach()) < 0.25 * float(positions.var())


def _dots(count, generator):
    positions = torch.rand(count, 2, generator=generator) * 2 - 1
    grid = torch.linspace(-1, 1, 96)
    dx = grid[None, None, :] - positions[:, 0, None, None]
    dy = grid[None, :, None] - positions[:, 1, None, None]
    return torch.exp(-(dx**2 + dy**2) / 0.02)[:, None].expand(-1, 3, -1, -1), positions


def test_soft_argmax_returns_the_position_of_a_peak():
    layer = SoftArgmax((1,), 1)
    torch.nn.init.constant_(layer.votes[0].weight, 50.0)
    features = torch.zeros(2, 1, 5, 9)
    features[0, 0, 1, 6] = 1.0
    features[1, 0, 4, 0] = 1.0
    torch.testing.assert_close(layer([features]), torch.tensor([[0.5, -0.5], [-1.0, 1.0]]))


def test_the_same_seed_gives_the_same_network():
    outputs = []
    for _ in range(2):
        torch.manual_seed(3)
        encoder = FaceEncoder(QUICK)
        torch.nn.init.normal_(encoder.backbone.head.weight)
        outputs.append(encoder(torch.ones(2, 3, 96, 96)).concatenate())
    assert torch.equal(*outputs)
