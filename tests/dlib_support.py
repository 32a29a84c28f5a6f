"""Writes networks in dlib's format, independently of the reader, with any numbers."""

from __future__ import annotations

import math

import numpy as np

PLAN = ((32, 3), (64, 4), (128, 3), (256, 3), (256, 1))  # channels and blocks of each stage


def integer(value: int) -> bytes:
    size = max(1, (abs(value).bit_length() + 7) // 8)
    return bytes([size | (0x80 if value < 0 else 0)]) + abs(value).to_bytes(size, "little")


def real(value: float) -> bytes:
    mantissa, exponent = math.frexp(value)
    return integer(int(mantissa * 2**24)) + integer(exponent - 24 if mantissa else 0)


def text(value: str) -> bytes:
    return integer(len(value)) + value.encode()


def tensor(array: np.ndarray) -> bytes:
    shape = (*array.shape, *(1,) * (4 - array.ndim))
    sizes = b"".join(integer(size) for size in shape)
    return integer(2) + sizes + array.astype("<f4").tobytes()


def alias(*shape: int) -> bytes:
    return integer(1) + b"".join(integer(size) for size in shape)


EMPTY = tensor(np.zeros((0, 0, 0, 0)))
REST = b"110" + 3 * EMPTY  # states of training, gradients and outputs of a layer


def convolution(rng, outputs: int, inputs: int, side: int, stride: int) -> bytes:
    weight = rng.normal(size=(outputs, inputs, side, side)) / (side * math.sqrt(inputs))
    bias = rng.normal(size=outputs) * 0.1
    padding = 0 if stride > 1 else side // 2
    numbers = (outputs, side, side, stride, stride, padding, padding)
    return (
        text("con_4") + tensor(np.concatenate([weight.ravel(), bias])[:, None, None, None])
        + b"".join(integer(number) for number in numbers)
        + alias(*weight.shape) + alias(1, outputs, 1, 1) + 4 * real(1.0) + REST
    )  # fmt: skip


def affine(rng, outputs: int) -> bytes:
    params = np.concatenate([rng.uniform(0.5, 1.5, outputs), rng.normal(size=outputs) * 0.1])
    parts = 2 * alias(1, outputs, 1, 1)
    return text("affine_") + tensor(params[:, None, None, None]) + parts + integer(0) + REST


def pool(kind: str, side: int, stride: int) -> bytes:
    numbers = (side, side, stride, stride, 0, 0)
    return text(f"{kind}_pool_2") + b"".join(integer(number) for number in numbers) + REST


def linear(rng, inputs: int, outputs: int) -> bytes:
    weight = rng.normal(size=(inputs, outputs)) / math.sqrt(inputs)
    return (
        text("fc_2") + integer(outputs) + integer(inputs) + tensor(weight)
        + alias(inputs, outputs, 1, 1) + alias(0, 0, 0, 0) + integer(1) + 4 * real(1.0) + REST
    )  # fmt: skip


def recognition_network(seed: int = 0, plan=PLAN, size: int = 150) -> bytes:
    """The bytes of a network like dlib's, with random numbers (not the published weights)."""
    rng = np.random.default_rng(seed)
    relu, join = text("relu_") + REST, text("add_prev_") + REST
    channels = plan[0][0]
    first = convolution(rng, channels, 3, 7, 2)
    layers = [affine(rng, channels), relu, pool("max", 3, 2)]
    for stage, (width, count) in enumerate(plan):
        for block in range(count):
            halves = stage > 0 and block == 0
            layers += [
                convolution(rng, width, channels, 3, 2 if halves else 1), affine(rng, width), relu,
                convolution(rng, width, width, 3, 1), affine(rng, width),
                *([pool("avg", 2, 2)] if halves else []), join, relu,
            ]  # fmt: skip
            channels = width
    layers += [text("avg_pool_2") + b"".join(map(integer, (0, 0, 1, 1, 0, 0))) + REST]
    layers += [linear(rng, channels, 128)]
    # The order of tags among the versions means nothing to a reader; here they all come first.
    versions = 20 * integer(1) + len(layers) * integer(2)
    start = (
        text("input_rgb_image_sized") + real(122.782) + real(117.001) + real(104.298)
        + integer(size) + integer(size)
    )  # fmt: skip
    loss = integer(1) + text("loss_metric_2") + real(0.04) + real(0.6)
    return loss + versions + integer(3) + start + first + integer(1) + b"".join(layers)
