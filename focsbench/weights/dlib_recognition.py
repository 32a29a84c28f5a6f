"""dlib's face recognition network from its ``.dat`` file to the names of :mod:`..networks`."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from focsbench.data.dlib_file import DlibLayer, DlibNetwork, read_dlib_network
from focsbench.errors import InputError
from focsbench.networks.dlib_shapes import AVERAGE, BLOCKS, CHIP_SIZE, EMBEDDING, WIDTHS
from focsbench.weights.arrays import Arrays

PACKAGE = "face_recognition_models"
FILE = "dlib_face_recognition_resnet_model_v1.dat"


def packaged_file() -> Path | None:
    """Return the file inside the registry package ``face-recognition-models``, if installed."""
    spec = importlib.util.find_spec(PACKAGE)  # finds the folder without running the package
    if spec is None or spec.origin is None:
        return None
    path = Path(spec.origin).parent / "models" / FILE
    return path if path.is_file() else None


def read_dlib_recognition(path: Path) -> Arrays:
    """Return the arrays of ``RecognitionNetwork`` with the architecture ``dlib``.

    Raises:
        InputError: if the file is damaged or holds another network.
    """
    network = read_dlib_network(path)
    try:
        return _converted(network)
    except ValueError as error:
        raise InputError(
            f"{path}: not dlib's face recognition network ({error}); import {FILE}."
        ) from None


def _converted(network: DlibNetwork) -> Arrays:
    if network.input_size != (CHIP_SIZE, CHIP_SIZE):
        raise ValueError(f"its input has another size than {CHIP_SIZE} pixels")
    if not np.allclose(network.input_average, AVERAGE, atol=1e-3):
        raise ValueError("it subtracts another average colour")
    layers = iter(network.layers)
    arrays: Arrays = {}
    for name, expected in _plan():
        layer = next(layers, None)
        _check(layer, expected)
        if name and layer is not None:
            weight = layer.arrays["weight"]
            if layer.kind == "fc":
                arrays[f"{name}.weight"] = np.ascontiguousarray(weight.T)
                continue
            affine = next(layers, None)
            _check(affine, DlibLayer("affine", {"mode": 0}))
            arrays |= _with_affine(name, layer, affine)
    if next(layers, None) is not None:
        raise ValueError("it has more layers")
    return {f"backbone.{name}": array for name, array in arrays.items()}


def _plan() -> Iterator[tuple[str, DlibLayer]]:
    """Yield names (of layers with parameters) and what stands there; affine layers go without."""
    yield "stem", _convolution(WIDTHS[0], 3, 7, 2)
    yield "", DlibLayer("relu")
    yield "", DlibLayer("max_pool", {"rows": 3, "columns": 3, "stride_y": 2, "stride_x": 2})
    for stage, (width, count) in enumerate(zip(WIDTHS, BLOCKS, strict=True)):
        for block in range(count):
            name = f"stages.{stage}.{block}"
            halves = stage > 0 and block == 0
            inputs = WIDTHS[stage - 1] if halves else width
            yield f"{name}.conv1", _convolution(width, inputs, 3, 2 if halves else 1)
            yield "", DlibLayer("relu")
            yield f"{name}.conv2", _convolution(width, width, 3, 1)
            if halves:
                window = {"rows": 2, "columns": 2, "stride_y": 2, "stride_x": 2}
                yield "", DlibLayer("avg_pool", window)
            yield "", DlibLayer("add_prev")
            yield "", DlibLayer("relu")
    yield "", DlibLayer("avg_pool", {"rows": 0, "columns": 0})
    yield "fc", DlibLayer("fc", {"outputs": EMBEDDING, "inputs": WIDTHS[-1]})


def _convolution(outputs: int, inputs: int, side: int, stride: int) -> DlibLayer:
    padding = 0 if stride > 1 else side // 2
    numbers = {
        "outputs": outputs, "rows": side, "columns": side, "stride_y": stride, "stride_x": stride,
        "padding_y": padding, "padding_x": padding,
    }  # fmt: skip
    shape = (outputs, inputs, side, side)
    return DlibLayer("con", numbers, {"weight": np.broadcast_to(np.float32(0), shape)})


def _check(layer: DlibLayer | None, expected: DlibLayer) -> None:
    """Raise ValueError unless a layer is of the expected kind, numbers and shapes."""
    if layer is None:
        raise ValueError("it has fewer layers")
    numbers = {name: layer.numbers.get(name) for name in expected.numbers}
    shapes = {name: layer.arrays[name].shape for name in expected.arrays if name in layer.arrays}
    wanted = {name: array.shape for name, array in expected.arrays.items()}
    if layer.kind != expected.kind or numbers != expected.numbers or shapes != wanted:
        raise ValueError(f"a layer {layer.kind} is not the {expected.kind} that belongs there")


def _with_affine(name: str, layer: DlibLayer, affine: DlibLayer | None) -> Arrays:
    """Return a convolution and the affine layer behind it as one convolution."""
    weight, bias = (layer.arrays[key].astype(np.float64) for key in ("weight", "bias"))
    parts = {} if affine is None else affine.arrays
    scale, shift = (parts[key].astype(np.float64) for key in ("scale", "shift"))
    if not bias.shape == scale.shape == shift.shape == weight.shape[:1]:
        raise ValueError("an affine layer has the size of another")
    return {
        f"{name}.weight": (weight * scale[:, None, None, None]).astype(np.float32),
        f"{name}.bias": (bias * scale + shift).astype(np.float32),
    }
