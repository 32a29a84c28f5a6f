"""ArcFace networks in ONNX: the graph that an exporter wrote gives the same function in torch."""

import numpy as np
import pytest
import torch
from torch import nn

from focsbench.errors import InputError
from focsbench.networks.iresnet import IResNet
from focsbench.weights.importer import import_weights
from focsbench.weights.onnx_recognition import read_onnx_recognition

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper, numpy_helper  # noqa: E402

BLOCKS, WIDTHS = (2, 1, 1, 2), (4, 4, 6, 6)


@pytest.fixture(scope="module")
def network():
    torch.manual_seed(0)
    net = IResNet(BLOCKS, WIDTHS).eval()
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d | nn.BatchNorm1d):
            nn.init.normal_(module.running_mean, std=0.3)
            nn.init.uniform_(module.running_var, 0.5, 2.0)
            nn.init.uniform_(module.weight, 0.5, 1.5)
            nn.init.normal_(module.bias, std=0.3)
        if isinstance(module, nn.PReLU):
            nn.init.uniform_(module.weight, 0.0, 0.5)
    return net


class Graph:
    """Writes the graph of an iresnet as exporters do: normalisations behind convolutions folded
    into them or not, the linear layer as one node or two."""

    def __init__(self, net, folded=True, gemm=True):
        self.nodes, self.constants = [], []
        self.state = {name: value.numpy() for name, value in net.state_dict().items()}
        self.folded = folded
        x = self.convolution("data", "conv1", "bn1", 3, 1)
        x = self.slopes(x, "prelu")
        for stage, count in enumerate(BLOCKS, 1):
            for block in range(count):
                x = self.block(x, f"layer{stage}.{block}", 1 if block else 2)
        x = self.node("Flatten", [self.norm(x, "bn2")], axis=1)
        weight, bias = self.state["fc.weight"], self.state["fc.bias"]
        if gemm:
            x = self.node("Gemm", [x, self.constant(weight), self.constant(bias)], transB=1)
        else:
            x = self.node("MatMul", [x, self.constant(weight.T)])
            x = self.node("Add", [self.constant(bias), x])
        self.norm(x, "features")

    def node(self, kind, inputs, **attributes):
        output = f"v{len(self.nodes)}"
        self.nodes.append(helper.make_node(kind, inputs, [output], **attributes))
        return output

    def constant(self, array):
        name = str(len(self.constants) + 685)
        array = np.ascontiguousarray(array, dtype=np.float32)
        self.constants.append(numpy_helper.from_array(array, name))
        return name

    def norm_parts(self, name):
        return [
            self.state[f"{name}.{p}"] for p in ("weight", "bias", "running_mean", "running_var")
        ]

    def norm(self, x, name):
        constants = [self.constant(part) for part in self.norm_parts(name)]
        return self.node("BatchNormalization", [x, *constants], epsilon=1e-5)

    def convolution(self, x, name, norm, side, stride):
        weight = self.state[f"{name}.weight"]
        facts = {
            "kernel_shape": [side] * 2, "strides": [stride] * 2, "pads": [side // 2] * 4,
            "dilations": [1, 1], "group": 1,
        }  # fmt: skip
        if not self.folded:
            return self.norm(self.node("Conv", [x, self.constant(weight)], **facts), norm)
        scale, shift, mean, variance = self.norm_parts(norm)
        scale = scale / np.sqrt(variance + 1e-5)
        constants = [weight * scale[:, None, None, None], shift - mean * scale]
        return self.node("Conv", [x, *map(self.constant, constants)], **facts)

    def slopes(self, x, name):
        slopes = self.state[f"{name}.weight"][:, None, None]
        return self.node("PRelu", [x, self.constant(slopes)])

    def block(self, x, name, stride):
        y = self.convolution(self.norm(x, f"{name}.bn1"), f"{name}.conv1", f"{name}.bn2", 3, 1)
        y = self.slopes(y, f"{name}.prelu")
        y = self.convolution(y, f"{name}.conv2", f"{name}.bn3", 3, stride)
        if stride > 1:
            x = self.convolution(x, f"{name}.downsample.0", f"{name}.downsample.1", 1, stride)
        return self.node("Add", [y, x])

    def save(self, path):
        graph = helper.make_graph(
            self.nodes, "iresnet",
            [helper.make_tensor_value_info("data", TensorProto.FLOAT, ["N", 3, 112, 112])],
            [helper.make_tensor_value_info(self.nodes[-1].output[0], TensorProto.FLOAT, None)],
            self.constants,
        )  # fmt: skip
        path.write_bytes(helper.make_model(graph).SerializeToString())


@pytest.mark.parametrize(("folded", "gemm"), [(True, True), (False, False)])
def test_the_graph_gives_the_same_function(tmp_path, network, folded, gemm):
    path = tmp_path / "random.onnx"  # random numbers, not insightface's weights
    Graph(network, folded, gemm).save(path)
    blocks, arrays = read_onnx_recognition(path)
    assert blocks == BLOCKS
    other = IResNet(blocks, WIDTHS).eval()
    state = {name: torch.from_numpy(array) for name, array in arrays.items()}
    missing, surplus = other.load_state_dict(state, strict=False)
    assert all(name.endswith("num_batches_tracked") for name in missing)
    assert not surplus
    crops = torch.rand(1, 3, 112, 112) * 2 - 1
    crops.requires_grad_()
    with torch.no_grad():
        expected = network.deep(network.shallow(crops))
    found = other.deep(other.shallow(crops))
    torch.testing.assert_close(found.detach(), expected, atol=1e-4, rtol=1e-4)
    found.square().sum().backward()
    assert crops.grad.abs().max() > 0


def test_another_depth_than_the_published_ones_is_refused(tmp_path, network):
    path = tmp_path / "odd.onnx"
    Graph(network).save(path)
    with pytest.raises(InputError, match="2-1-1-2 blocks, which is none of r18, r34, r50, r100"):
        import_weights(path)


def changed(graph, place, kind):
    graph.nodes[place] = helper.make_node(kind, graph.nodes[place].input, graph.nodes[place].output)


def other_nodes(graph):
    changed(graph, 1, "Relu")


def another_input(graph):
    graph.nodes.insert(0, helper.make_node("Sub", ["data", "685"], ["data2"]))
    graph.nodes[1].input[0] = "data2"


def another_stride(graph):
    (strides,) = (item for item in graph.nodes[0].attribute if item.name == "strides")
    strides.ints[:] = [2, 2]


def an_end(graph):
    graph.node("Relu", [graph.nodes[-1].output[0]])


def a_ring(graph):
    graph.nodes[0].input[0] = "ring"
    graph.nodes.append(helper.make_node("Identity", ["data"], ["ring2"]))
    graph.nodes.append(helper.make_node("Identity", ["ring2"], ["data"]))


def numbers_elsewhere(graph):
    tensor = graph.constants[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="location", value="../../etc/passwd")


def complex_numbers(graph):
    tensor = graph.constants[0]
    shape = tuple(tensor.dims)
    tensor.CopyFrom(numpy_helper.from_array(np.ones(shape, np.complex64), tensor.name))


def nothing_to_add(graph):
    gemm = graph.nodes[-2]
    graph.nodes[-2:-1] = [
        helper.make_node("MatMul", gemm.input[:2], ["product"]),
        helper.make_node("Add", ["product", "product"], gemm.output),
    ]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (other_nodes, "Relu where PRelu belongs"),
        (another_input, "Sub where Conv belongs"),
        (another_stride, r"strides of a convolution is \[2, 2\]"),
        (an_end, "something follows the embedding"),
        (a_ring, "recursion"),
        (numbers_elsewhere, "in another file"),
        (complex_numbers, "complex numbers"),
        (nothing_to_add, "the linear layer has no bias"),
    ],
)
def test_other_graphs_are_refused(tmp_path, network, change, reason):
    graph = Graph(network)
    change(graph)
    path = tmp_path / "other.onnx"
    graph.save(path)
    with pytest.raises(InputError, match=f"not that of an ArcFace iresnet .*{reason}"):
        read_onnx_recognition(path)


def test_other_files_are_refused(tmp_path):
    path = tmp_path / "page.onnx"
    path.write_bytes(b"<!DOCTYPE html><html>404</html>")
    with pytest.raises(InputError, match=r"page\.onnx: (no ONNX file|its graph is not)"):
        read_onnx_recognition(path)
    with pytest.raises(InputError, match="is missing"):
        read_onnx_recognition(tmp_path / "nothing.onnx")
