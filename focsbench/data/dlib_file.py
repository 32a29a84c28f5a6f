"""dlib's serialised networks (``.dat``), read without dlib and without trusting the file.

The format is C++ objects one after the other: integers as a length byte and that many bytes,
numbers as mantissa and exponent, tensors as four sizes and little-endian float32. Nothing in it can
ask for anything to be run; what a hostile file can do is announce sizes, so that every size is
compared with the bytes that are left before memory is taken.

Source of the format: the ``serialize`` functions of dlib 19.24 and 20.0 (``serialize.h``,
``cuda/tensor.h``, ``dnn/core.h``, ``dnn/layers.h``; Boost licence).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from focsbench.errors import InputError, brief
from focsbench.user_files import read_bytes

MAX_BYTES = 512 << 20  # the largest of dlib's published models has 100 MB
MAX_LAYERS = 4096
MAX_TEXT = 64
_LARGEST_EXPONENT = 1024


class DlibStream:
    """The primitive values of a serialised object, in order.

    All methods raise ValueError where the bytes are not what they should be.
    """

    def __init__(self, data: bytes) -> None:
        self._data = memoryview(data)
        self._place = 0

    @property
    def left(self) -> int:
        """Bytes that were not read yet."""
        return len(self._data) - self._place

    def take(self, count: int) -> memoryview:
        """Return the next bytes."""
        if not 0 <= count <= self.left:
            raise ValueError("it ends too early")
        self._place += count
        return self._data[self._place - count : self._place]

    def integer(self) -> int:
        """Return an integer of at most 8 bytes."""
        (control,) = self.take(1)
        size = control & 0x0F
        if control & 0x70 or not 1 <= size <= 8:
            raise ValueError("an integer has an impossible size")
        value = int.from_bytes(self.take(size), "little")
        return -value if control & 0x80 else value

    def real(self) -> float:
        """Return a finite number (float or double)."""
        mantissa, exponent = self.integer(), self.integer()
        if abs(exponent) > _LARGEST_EXPONENT:  # infinities and NaN have exponents of their own
            raise ValueError("a number is not finite")
        return math.ldexp(mantissa, exponent)

    def boolean(self) -> bool:
        """Return a truth value."""
        letter = bytes(self.take(1))
        if letter not in (b"0", b"1"):
            raise ValueError("a truth value is none")
        return letter == b"1"

    def text(self) -> str:
        """Return a short name."""
        length = self.integer()
        if not 0 <= length <= MAX_TEXT:
            raise ValueError("a name is too long")
        return bytes(self.take(length)).decode("ascii")

    def tensor(self) -> NDArray[np.float32]:
        """Return a tensor, (samples, k, rows, columns) float32."""
        if self.integer() != 2:
            raise ValueError("a tensor has an unknown version")
        shape = self._shape()
        raw = self.take(4 * math.prod(shape))
        return np.frombuffer(raw, dtype="<f4").reshape(shape)

    def alias(self) -> tuple[int, ...]:
        """Return the shape of a part of another tensor."""
        if self.integer() != 1:
            raise ValueError("a part of a tensor has an unknown version")
        return self._shape()

    def _shape(self) -> tuple[int, ...]:
        shape = tuple(self.integer() for _ in range(4))
        if any(not 0 <= size < 1 << 40 for size in shape):
            raise ValueError("a tensor has an impossible size")
        return shape


@dataclass(frozen=True)
class DlibLayer:
    """One computing layer of a network.

    kind: ``con``, ``affine``, ``fc``, ``relu``, ``max_pool``, ``avg_pool`` or ``add_prev``.
    numbers: its integers by name (window, stride and padding: rows, then columns).
    arrays: con: ``weight`` (N, C, rows, columns) and ``bias`` (N,); affine: ``scale`` and ``shift``
        (N,); fc: ``weight`` (inputs, outputs), and ``bias`` (outputs,) where there is one.
    """

    kind: str
    numbers: dict[str, int] = field(default_factory=dict)
    arrays: dict[str, NDArray[np.float32]] = field(default_factory=dict)


@dataclass(frozen=True)
class DlibNetwork:
    """A network: what it subtracts from RGB in 0..255, the side of its input, layers from there on.

    Names of layers that only mark a place (tags, skips) are not kept by the format.
    """

    loss: str
    input_average: tuple[float, float, float]
    input_size: tuple[int, int]
    layers: tuple[DlibLayer, ...]


def read_dlib_network(path: Path) -> DlibNetwork:
    """Read a network whose input is an RGB image of fixed size, such as the face recognition one.

    Raises:
        InputError: if the file is missing, damaged, larger than ``MAX_BYTES``, or no such network.
    """
    data = read_bytes(path, "network of dlib", MAX_BYTES)
    try:
        return _network(DlibStream(data))
    except (ValueError, OverflowError) as error:
        raise InputError(
            f"{path}: not readable as a network of dlib ({brief(error)}); get the file from its "
            "source again."
        ) from None


def _network(stream: DlibStream) -> DlibNetwork:
    """Read from the outside in: versions down to the input, then the details back up."""
    if stream.integer() != 1:
        raise ValueError("it does not begin with a loss layer")
    loss = stream.text()
    if loss != "loss_metric_2":
        raise ValueError("its loss is not that of metric learning")
    stream.real(), stream.real()  # margin and distance of the loss, for training only
    versions: list[int] = []
    while (version := stream.integer()) != 3:  # 3: the layer above the input
        if version not in (1, 2) or len(versions) >= MAX_LAYERS:
            raise ValueError("it has a layer of an unknown version")
        versions.append(version)
    if stream.text() != "input_rgb_image_sized":
        raise ValueError("its input is not an RGB image of fixed size")
    average = (stream.real(), stream.real(), stream.real())
    size = (stream.integer(), stream.integer())
    layers = [_layer(stream)]
    stream.integer()  # of how many samples the input makes one
    # 1: a tag or a skip, which has no content; 2: a layer that computes.
    layers += [_layer(stream) for version in reversed(versions) if version == 2]
    if stream.left:
        raise ValueError("something follows its end")
    return DlibNetwork(loss, average, size, tuple(layers))


def _layer(stream: DlibStream) -> DlibLayer:
    name = stream.text()
    kind, reader = _READERS.get(name, ("", None))
    if reader is None:
        raise ValueError(f"it has a layer {name!a}")
    layer = DlibLayer(kind, *reader(stream))
    for _ in range(3):  # states of training
        stream.boolean()
    for _ in range(3):  # gradients and outputs that were kept
        stream.tensor()
    return layer


_Details = tuple[dict[str, int], dict[str, NDArray[np.float32]]]
_WINDOW = ("rows", "columns", "stride_y", "stride_x", "padding_y", "padding_x")


def _split(params: NDArray[np.float32], *shapes: tuple[int, ...]) -> list[NDArray[np.float32]]:
    """Cut the one tensor that holds all parameters of a layer into its parts."""
    sizes = [math.prod(shape) for shape in shapes]
    if sum(sizes) != params.size:
        raise ValueError("the parameters of a layer do not fit their shapes")
    parts = np.split(params.reshape(-1), np.cumsum(sizes)[:-1])
    return [part.reshape(shape) for part, shape in zip(parts, shapes, strict=True)]


def _convolution(stream: DlibStream, has_switch: bool = False) -> _Details:
    params = stream.tensor()
    numbers = {name: stream.integer() for name in ("outputs", *_WINDOW)}
    weight, bias = _split(params, stream.alias(), stream.alias())
    _learning_rates(stream)
    if has_switch and not stream.boolean():
        bias = np.zeros_like(bias)
    return numbers, {"weight": weight, "bias": bias.reshape(-1)}


def _affine(stream: DlibStream, has_switch: bool = False) -> _Details:
    params = stream.tensor()
    scale, shift = _split(params, stream.alias(), stream.alias())
    mode = stream.integer()
    if has_switch and stream.boolean():
        raise ValueError("it has a layer that is switched off")
    return {"mode": mode}, {"scale": scale.reshape(-1), "shift": shift.reshape(-1)}


def _linear(stream: DlibStream, has_switch: bool = False) -> _Details:
    numbers = {name: stream.integer() for name in ("outputs", "inputs")}
    params = stream.tensor()
    weight_shape, bias_shape = stream.alias(), stream.alias()
    has_bias = stream.integer() == 0
    _learning_rates(stream)
    if has_switch:
        has_bias = stream.boolean() and has_bias
    shape = (numbers["inputs"], numbers["outputs"])
    if math.prod(weight_shape) != math.prod(shape) or any(size < 0 for size in shape):
        raise ValueError("a linear layer has an impossible size")
    if not has_bias:
        return numbers, {"weight": _split(params, shape)[0]}
    weight, bias = _split(params, shape, bias_shape)
    return numbers, {"weight": weight, "bias": bias.reshape(-1)}


def _pool(stream: DlibStream) -> _Details:
    return {name: stream.integer() for name in _WINDOW}, {}


def _nothing(stream: DlibStream) -> _Details:
    return {}, {}


def _learning_rates(stream: DlibStream) -> None:
    for _ in range(4):  # factors of learning rate and weight decay
        stream.real()


_READERS: dict[str, tuple[str, Callable[..., Any]]] = {
    "con_4": ("con", _convolution),
    "con_5": ("con", lambda stream: _convolution(stream, has_switch=True)),
    "affine_": ("affine", _affine),
    "affine_2": ("affine", lambda stream: _affine(stream, has_switch=True)),
    "fc_2": ("fc", _linear),
    "fc_3": ("fc", lambda stream: _linear(stream, has_switch=True)),
    "max_pool_2": ("max_pool", _pool),
    "avg_pool_2": ("avg_pool", _pool),
    "relu_": ("relu", _nothing),
    "add_prev_": ("add_prev", _nothing),
}
