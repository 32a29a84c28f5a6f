from __future__ import annotations

import pytest
import torch
from networks_support import convolution_macs, parameter_count
from torch import nn
from torch.nn import functional

from focsbench.networks.config import UNetConfig
from focsbench.networks.unet import UNet, UpConvolution, binomial_blur

QUICK = UNetConfig(
    width=8, depth=4, input_stride=2, up_kernel=1, blur_logits=True, norm="group", dropout=0.1
)


def test_the_released_network_has_the_published_size_and_cost():
    with torch.device("meta"):
        unet = UNet(UNetConfig()).eval()
        image = torch.empty(1, 3, 224, 224)
        assert parameter_count(unet) == 34_528_769
        assert convolution_macs(unet, image, image) / 1e9 == pytest.approx(50.12, abs=0.01)


def test_the_released_network_has_the_released_names():
    with torch.device("meta"):
        names = set(UNet(UNetConfig()).state_dict())
        shape = UNet(UNetConfig()).state_dict()["Conv1.double_conv.0.weight"].shape
    norm = ("weight", "bias", "running_mean", "running_var", "num_batches_tracked")

    def double(prefix):
        convolutions = {f"{prefix}.{i}.{kind}" for i in (0, 3) for kind in ("weight", "bias")}
        return convolutions | {f"{prefix}.{i}.{kind}" for i in (1, 4) for kind in norm}

    expected = {"Conv.weight", "Conv.bias"}
    for level in (1, 2, 3):
        expected |= double(f"Conv{level}.double_conv")
    for level in (4, 5):  # dropout adds one level of nesting
        expected |= double(f"Conv{level}.double_conv.0")
    for level in (2, 3, 4, 5):
        expected |= double(f"Up_conv{level}.double_conv")
        expected |= {f"Up{level}.up.1.weight", f"Up{level}.up.1.bias"}
        expected |= {f"Up{level}.up.2.{kind}" for kind in norm}
    assert names == expected
    assert shape == (64, 6, 3, 3)


@pytest.mark.parametrize(
    "config",
    [
        QUICK,
        UNetConfig(width=4, depth=3),
        UNetConfig(width=4, depth=2, input_stride=4, norm="group", dropout=0.0),
    ],
)
def test_probabilities_are_the_sigmoid_of_the_logits_at_full_resolution(config):
    render, target = torch.rand(2, 2, 3, 32, 32)
    result = UNet(config)(render, target)
    assert result.logit.shape == result.probability.shape == (2, 32, 32)
    torch.testing.assert_close(result.probability, torch.sigmoid(result.logit))


def test_the_gain_multiplies_the_logits():
    render, target = torch.rand(2, 1, 3, 32, 32)
    logits = []
    for gain in (1.0, 5.0):
        torch.manual_seed(0)
        unet = UNet(QUICK.model_copy(update={"logit_gain": gain})).eval()
        logits.append(unet(render, target).logit)
    torch.testing.assert_close(5 * logits[0], logits[1])


def test_the_render_comes_first():
    unet = UNet(UNetConfig(width=2, depth=3, dropout=0.0)).eval()
    with torch.no_grad():
        unet.Conv1.double_conv[0].weight[:, 3:] = 0  # ignore the last three input channels
    render, first, second = torch.rand(3, 1, 3, 8, 8)
    assert torch.equal(unet(render, first).logit, unet(render, second).logit)
    assert not torch.equal(unet(first, render).logit, unet(second, render).logit)


def test_pointwise_upsampling_gives_the_same_in_the_cheaper_order():
    layer = UpConvolution(16, "batch", 1)
    x = torch.rand(3, 16, 6, 6)
    torch.testing.assert_close(layer(x), layer.up(x), atol=1e-5, rtol=1e-4)


def test_the_blur_is_the_binomial_convolution():
    x = torch.rand(2, 1, 7, 9)
    line = torch.tensor([0.25, 0.5, 0.25])
    padded = functional.pad(x, (1, 1, 1, 1), mode="replicate")
    expected = functional.conv2d(padded, torch.outer(line, line)[None, None])
    torch.testing.assert_close(binomial_blur(x), expected)
    torch.testing.assert_close(binomial_blur(torch.ones_like(x)), torch.ones_like(x))


def test_group_normalisation_makes_images_independent_of_their_batch():
    unet = UNet(QUICK.model_copy(update={"dropout": 0.0})).train()
    render, target = torch.rand(2, 4, 3, 32, 32)
    together = unet(render, target).logit[:1]
    torch.testing.assert_close(together, unet(render[:1], target[:1]).logit, atol=1e-5, rtol=1e-4)


def test_dropout_sits_behind_the_two_deepest_levels():
    unet = UNet(UNetConfig(width=2, depth=4))
    names = [name for name, layer in unet.named_modules() if isinstance(layer, nn.Dropout)]
    assert names == ["Conv3.double_conv.1", "Conv4.double_conv.1"]
