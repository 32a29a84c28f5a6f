"""Harmless networks and face models of other programs: the right form, a handful of numbers."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from attacks.case import Case, content

HDF5 = {"shape/model/mean": (6,), "shape/model/pcaBasis": (6, 2), "shape/model/pcaVariance": (2,)}


def onnx_bytes(*, folded: bool = True) -> bytes:
    """An iresnet of one block with one channel, as exporters write it."""
    from onnx import helper, numpy_helper

    graph = helper.make_graph([], "iresnet", [], [])
    graph.input.add().name = "data"
    values = ["data"]

    def constant(*shape: int) -> str:
        name = f"c{len(graph.initializer)}"
        graph.initializer.append(numpy_helper.from_array(np.ones(shape, np.float32), name))
        return name

    def node(kind: str, *inputs: str, **facts: object) -> str:
        values.append(f"v{len(values)}")
        graph.node.append(helper.make_node(kind, inputs, values[-1:], **facts))
        return values[-1]

    def norm(x: str) -> str:
        return node("BatchNormalization", x, *(constant(1) for _ in range(4)), epsilon=1e-5)

    def convolution(x: str, side: int, stride: int) -> str:
        facts = {"kernel_shape": [side] * 2, "strides": [stride] * 2, "pads": [side // 2] * 4}
        if folded:
            return node("Conv", x, constant(1, 1, side, side), constant(1), **facts)
        return norm(node("Conv", x, constant(1, 1, side, side), **facts))

    x = node("PRelu", convolution("data", 3, 1), constant(1, 1, 1))
    y = node("PRelu", convolution(norm(x), 3, 1), constant(1, 1, 1))
    x = node("Add", convolution(y, 3, 2), convolution(x, 1, 2))
    x = node("Gemm", node("Flatten", norm(x), axis=1), constant(1, 1), constant(1), transB=1)
    graph.output.add().name = norm(x)
    return helper.make_model(graph).SerializeToString()


def dlib_bytes() -> bytes:
    """A network of dlib's kind with two channels and one block."""
    from dlib_support import recognition_network

    return recognition_network(plan=((2, 1),))


def hdf5_file(path: Path) -> None:
    import h5py

    with h5py.File(path, "w") as file:
        for name, shape in HDF5.items():
            file.create_dataset(name, data=np.ones(shape, np.float32), compression="gzip")


def onnx_file(path: Path, *, folded: bool) -> None:
    path.write_bytes(onnx_bytes(folded=folded))


HARMLESS = (
    Case("hdf5", "model.h5", "hdf5", hdf5_file),
    Case("onnx", "net.onnx", "onnx", lambda path: onnx_file(path, folded=True)),
    Case("onnx_plain", "net.onnx", "onnx", lambda path: onnx_file(path, folded=False)),
    content("dlib", "net.dat", "dlib", dlib_bytes()),
)
