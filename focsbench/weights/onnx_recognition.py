"""ArcFace networks in ONNX, as insightface distributes them, back to the names of ``IResNet``.

Exporters fold batch normalisation into the convolution before it and rename everything, so that the
graph is recognised by following its values from the input to the embedding. What was folded comes
back as a normalisation that only adds: the function is the same.

Needs the package ``onnx`` (extra ``onnx``).
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import ConfigError, InputError, brief
from focsbench.user_files import require_file
from focsbench.weights.arrays import Arrays

MAX_BYTES = 1 << 30
EPSILON = 1e-5  # of the normalisation layers of IResNet
_PASSES_ON = ("Identity", "Unsqueeze", "Reshape", "Squeeze")  # a constant, with other axes
_NO_EFFECT = ("Dropout", "Identity")
_MOST_USERS, _MOST_BLOCKS = 16, 200  # a value has two users at most; iresnet100 has 49 blocks


def read_onnx_recognition(path: Path) -> tuple[tuple[int, ...], Arrays]:
    """Return the number of blocks of each stage and the arrays of `IResNet`.

    Raises:
        ConfigError: if ``onnx`` is not installed.
        InputError: if the file is damaged or its graph is no iresnet.
    """
    try:
        import onnx
        from google.protobuf.message import DecodeError
    except ImportError:
        raise ConfigError(
            f"{path}: reading ONNX files needs the package onnx; pip install 'focsbench[onnx]'."
        ) from None
    require_file(path, "ONNX network", MAX_BYTES)
    try:
        graph = onnx.load(path, load_external_data=False).graph
    except OSError as error:
        raise InputError(f"{path}: cannot be opened ({error.strerror}); check the path.") from None
    except DecodeError:
        raise InputError(f"{path}: no ONNX file, or a damaged one; get it again.") from None
    try:
        with np.errstate(all="ignore"):
            blocks, arrays = _IResNetReader(_Graph(graph)).read()
        if not all(np.isfinite(array).all() for array in arrays.values()):
            raise ValueError("it has numbers that are not finite")
        return blocks, arrays
    except (ValueError, KeyError, IndexError, TypeError, RecursionError) as error:
        raise InputError(
            f"{path}: its graph is not that of an ArcFace iresnet ({brief(error)}); import one, "
            "for example w600k_r50.onnx."
        ) from None


class _Graph:
    """Which node uses a value, and what the constants are."""

    def __init__(self, graph: Any) -> None:
        self._constants = {tensor.name: tensor for tensor in graph.initializer}
        self._users: dict[str, list[Any]] = {}
        self._real_users: dict[str, list[Any]] = {}
        inputs = [value.name for value in graph.input if value.name not in self._constants]
        if len(inputs) != 1 or len(graph.output) != 1:
            raise ValueError("it has several inputs or outputs")
        self.input, self.output = inputs[0], graph.output[0].name
        for node in graph.node:
            self._add(node)

    def _add(self, node: Any) -> None:
        constants = [name for name in node.input if name in self._constants]
        if node.op_type == "Constant":
            (attribute,) = node.attribute
            self._constants[node.output[0]] = attribute.t
        elif constants and node.op_type in _PASSES_ON and node.input[0] in self._constants:
            self._constants[node.output[0]] = self._constants[node.input[0]]
        else:
            for name in set(node.input) - set(constants):
                self._users.setdefault(name, []).append(node)

    def users(self, value: str) -> list[Any]:
        """Return the nodes that take a value, without those that only pass it on."""
        if value not in self._real_users:
            found: list[Any] = []
            for node in self._users.get(value, []):
                found += self.users(node.output[0]) if node.op_type in _NO_EFFECT else [node]
                if len(found) > _MOST_USERS:  # passed on twice again and again, they double
                    raise ValueError("a value is used too often")
            self._real_users[value] = found
        return self._real_users[value]

    def constant(self, name: str) -> NDArray[np.float32]:
        """Return a constant as float32."""
        from onnx import TensorProto, numpy_helper

        tensor = self._constants[name]
        if tensor.data_location == TensorProto.EXTERNAL:
            raise ValueError("its numbers are in another file")
        array = numpy_helper.to_array(tensor)
        if np.iscomplexobj(array):
            raise ValueError("it has complex numbers")
        return np.array(array, dtype=np.float32)


class _IResNetReader:
    """Walks from the input to the output and collects the arrays on the way."""

    def __init__(self, graph: _Graph) -> None:
        self._graph = graph
        self._arrays: Arrays = {}
        self._value = graph.input

    def read(self) -> tuple[tuple[int, ...], Arrays]:
        self._convolution("conv1", "bn1", side=3, stride=1)
        self._slopes("prelu")
        blocks: list[int] = []
        while len(self._graph.users(self._value)) == 2:
            self._block(blocks)
            if sum(blocks) > _MOST_BLOCKS:
                raise ValueError("it has too many blocks, or goes in a circle")
        self._normalisation("bn2", self._next("BatchNormalization"))
        self._next("Flatten", "Reshape")
        self._linear()
        self._normalisation("features", self._next("BatchNormalization"))
        if self._value != self._graph.output:
            raise ValueError("something follows the embedding")
        return tuple(blocks), self._arrays

    def _block(self, blocks: list[int]) -> None:
        """One residual block; a stride of 2 opens a stage."""
        start = self._value
        begins = [n for n in self._graph.users(start) if n.op_type == "BatchNormalization"]
        short = [n for n in self._graph.users(start) if n.op_type == "Conv"]
        if len(begins) != 1:
            raise ValueError("a block does not begin with a normalisation")
        if short or not blocks:
            blocks.append(0)
        name = f"layer{len(blocks)}.{blocks[-1]}"
        self._normalisation(f"{name}.bn1", begins[0])
        self._convolution(f"{name}.conv1", f"{name}.bn2", side=3, stride=1)
        self._slopes(f"{name}.prelu")
        self._convolution(f"{name}.conv2", f"{name}.bn3", side=3, stride=2 if short else 1)
        end, self._value = self._value, start
        if short:
            below = f"{name}.downsample"
            self._convolution(f"{below}.0", f"{below}.1", side=1, stride=2, node=short[0])
        beside, self._value = self._value, end
        total = self._next("Add")
        if set(total.input) != {end, beside}:
            raise ValueError("a shortcut does not join its block")
        blocks[-1] += 1

    def _next(self, *kinds: str) -> Any:
        """Go on to the only user of the current value."""
        users = self._graph.users(self._value)
        if len(users) != 1 or users[0].op_type not in kinds:
            found = ", ".join(node.op_type for node in users) or "nothing"
            raise ValueError(f"{found} where {kinds[0]} belongs")
        self._value = users[0].output[0]
        return users[0]

    def _convolution(self, name: str, norm: str, side: int, stride: int, node: Any = None) -> None:
        if node is None:
            node = self._next("Conv")
        self._value = node.output[0]
        facts = _attributes(node)
        wanted = {
            "pads": [side // 2] * 4, "strides": [stride] * 2, "dilations": [1, 1], "group": 1,
            "kernel_shape": [side] * 2,
        }  # fmt: skip
        for key, value in wanted.items():
            if facts.get(key, value) != value:
                raise ValueError(f"{key} of a convolution is {facts[key]}")
        weight = self._graph.constant(node.input[1])
        bias = self._graph.constant(node.input[2]) if len(node.input) > 2 else None
        self._arrays[f"{name}.weight"] = weight
        users = self._graph.users(self._value)
        folded = len(users) != 1 or users[0].op_type != "BatchNormalization"
        if folded:
            self._only_adds(norm, np.zeros(len(weight)) if bias is None else bias)
        else:
            self._normalisation(norm, self._next("BatchNormalization"))
            if bias is not None:
                self._arrays[f"{norm}.running_mean"] -= bias

    def _only_adds(self, name: str, shift: NDArray[Any]) -> None:
        ones = np.ones(len(shift), np.float32)
        self._set_norm(name, ones, shift, 0 * ones, ones - np.float32(EPSILON))

    def _normalisation(self, name: str, node: Any) -> None:
        self._value = node.output[0]
        scale, shift, mean, variance = (self._graph.constant(n) for n in node.input[1:5])
        epsilon = _attributes(node).get("epsilon", EPSILON)
        self._set_norm(name, scale, shift, mean, variance + np.float32(epsilon - EPSILON))

    def _set_norm(self, name: str, *arrays: NDArray[Any]) -> None:
        parts = ("weight", "bias", "running_mean", "running_var")
        for part, array in zip(parts, arrays, strict=True):
            self._arrays[f"{name}.{part}"] = np.array(array, dtype=np.float32)

    def _slopes(self, name: str) -> None:
        slopes = self._graph.constant(self._next("PRelu").input[1])
        self._arrays[f"{name}.weight"] = slopes.reshape(-1)

    def _linear(self) -> None:
        node = self._next("Gemm", "MatMul")
        weight = self._graph.constant(node.input[1])
        if node.op_type == "MatMul":
            weight, node = weight.T, self._next("Add")
            bias = self._graph.constant(_other(node.input, self._graph))
        else:
            facts = _attributes(node)
            if facts.get("alpha", 1.0) != 1.0 or facts.get("beta", 1.0) != 1.0:
                raise ValueError("the linear layer is scaled")
            weight = weight if facts.get("transB", 0) else weight.T
            bias = self._graph.constant(node.input[2])
        self._arrays |= {"fc.weight": np.ascontiguousarray(weight), "fc.bias": bias}


def _other(names: Sequence[str], graph: _Graph) -> str:
    for name in names:
        if name in graph._constants:
            return name
    raise ValueError("the linear layer has no bias")


def _attributes(node: Any) -> dict[str, Any]:
    from onnx import helper

    return {item.name: helper.get_attribute_value(item) for item in node.attribute}
