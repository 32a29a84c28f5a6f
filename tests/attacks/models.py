"""Hostile face models and recognition networks: HDF5, ONNX and dlib's own format."""

from __future__ import annotations

import os
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from dlib_support import alias, integer, tensor, text

from attacks.case import Case, content, sparse
from attacks.harmless_networks import dlib_bytes, hdf5_file

MEAN = "shape/model/mean"
START = integer(1) + text("loss_metric_2") + 4 * integer(0)  # up to the list of layers
INPUT = integer(3) + text("input_rgb_image_sized") + 6 * integer(0) + 2 * integer(150)


def hdf5(name: str, change: Callable[[Any, Path], object]) -> Case:
    """A harmless model with another mean."""

    def make(path: Path) -> None:
        import h5py

        hdf5_file(path)
        with h5py.File(path, "r+") as file:
            del file[MEAN]
            change(file, path)

    return Case(name, "model.h5", "hdf5", make)


def dataset(**options: Any) -> Callable[[Any, Path], object]:
    return lambda file, path: file.create_dataset(MEAN, **options)


def external_link(file: Any, path: Path) -> None:
    import h5py

    file[MEAN] = h5py.ExternalLink("/etc/passwd", "/mean")


def soft_link(file: Any, path: Path) -> None:
    import h5py

    file[MEAN] = h5py.SoftLink(f"/{MEAN}")  # to itself


def external_storage(file: Any, path: Path) -> None:
    file.create_dataset(MEAN, (6,), "f4", external=[("/etc/passwd", 0, 24)])


def virtual(file: Any, path: Path) -> None:
    import h5py

    layout = h5py.VirtualLayout((6,), "f4")
    layout[:] = h5py.VirtualSource("/etc/passwd", "mean", (6,))
    file.create_virtual_dataset(MEAN, layout)


def cut(path: Path) -> None:
    hdf5_file(path)
    path.write_bytes(path.read_bytes()[:1500])


def onnx(name: str, build: Callable[[Any], object]) -> Case:
    """A network with a graph of its own."""

    def make(path: Path) -> None:
        from onnx import helper

        graph = helper.make_graph([], "g", [], [])
        graph.input.add().name, graph.output.add().name = "v0", "end"
        build(graph)
        path.write_bytes(helper.make_model(graph).SerializeToString())

    return Case(name, "net.onnx", "onnx", make)


def add_node(graph: Any, kind: str, inputs: list[str], output: str) -> None:
    from onnx import helper

    graph.node.append(helper.make_node(kind, inputs, [output]))


def doubled(graph: Any) -> None:
    """Each value is passed on twice, to the 60th power of two."""
    for number in range(60):
        for _ in range(2):
            add_node(graph, "Identity", [f"v{number}"], f"v{number + 1}")


def circle(graph: Any) -> None:
    add_node(graph, "Identity", ["v0"], "v0")


def endless_blocks(graph: Any) -> None:
    """A block that ends where it began."""
    constant(graph, [1, 1, 1, 1])
    add_node(graph, "Conv", ["v0", "c"], "v1")
    add_node(graph, "PRelu", ["v1", "c"], "v2")
    add_node(graph, "BatchNormalization", ["v2", *"cccc"], "v3")
    add_node(graph, "Conv", ["v3", "c"], "v4")
    add_node(graph, "PRelu", ["v4", "c"], "v5")
    add_node(graph, "Conv", ["v5", "c"], "v6")
    add_node(graph, "Add", ["v6", "v2"], "v2")


def constant(graph: Any, dims: list[int], **fields: Any) -> Any:
    tensor = graph.initializer.add(name="c", data_type=1, dims=dims, raw_data=b"\0" * 4)
    for name, value in fields.items():
        setattr(tensor, name, value)
    return tensor


def trillion(graph: Any) -> None:
    constant(graph, [1 << 40, 1 << 40])
    add_node(graph, "Conv", ["v0", "c"], "end")


def elsewhere(graph: Any) -> None:
    data = constant(graph, [1], data_location=1).external_data.add()
    data.key, data.value = "location", "../../../etc/passwd"
    add_node(graph, "Conv", ["v0", "c"], "end")


def file(name: str, data: bytes | str, suffix: str, reader: str) -> Case:
    return content(name, f"net.{suffix}", reader, data)


def big(name: str, file: str, reader: str) -> Case:
    return Case(name, file, reader, partial(sparse, size=1 << 40))


ATTACKS = (
    hdf5("h5_link_to_another_file", external_link),
    hdf5("h5_link_to_itself", soft_link),
    hdf5("h5_numbers_in_another_file", external_storage),
    hdf5("h5_pieces_of_another_file", virtual),
    hdf5("h5_of_a_trillion_numbers", dataset(shape=(1 << 40,), dtype="f4", chunks=(1024,))),
    hdf5(
        "h5_chunk_of_gigabytes",
        dataset(shape=(6,), maxshape=(None,), dtype="f4", chunks=(1 << 28,)),
    ),
    hdf5("h5_of_words", dataset(data=np.array([b"touch owned"] * 6))),
    hdf5("h5_of_structures", dataset(shape=(6,), dtype=[("a", "f4")])),
    hdf5("h5_not_a_number", dataset(data=np.full(6, np.nan))),
    hdf5("h5_is_a_group", lambda file, path: file.create_group(MEAN)),
    hdf5("h5_has_no_mean", lambda file, path: None),
    Case("h5_truncated", "model.h5", "hdf5", cut),
    content("h5_is_text", "model.h5", "hdf5", "hello, this is no face model"),
    big("h5_of_terabytes", "model.h5", "hdf5"),
    Case("h5_is_a_pipe", "model.h5", "hdf5", os.mkfifo),
    onnx("onnx_passes_on_to_the_60th_power", doubled),
    onnx("onnx_circle", circle),
    onnx("onnx_endless_blocks", endless_blocks),
    onnx("onnx_of_a_trillion_numbers", trillion),
    onnx("onnx_numbers_in_another_file", elsewhere),
    onnx("onnx_of_nothing", lambda graph: graph.ClearField("input")),
    file("onnx_is_text", "hello, this is no network", "onnx", "onnx"),
    file("onnx_is_empty", b"", "onnx", "onnx"),
    file("onnx_length_of_exabytes", b"\x3a" + b"\xff" * 9 + b"\x01", "onnx", "onnx"),
    big("onnx_of_terabytes", "net.onnx", "onnx"),
    Case("onnx_is_a_pipe", "net.onnx", "onnx", os.mkfifo),
    file("dlib_truncated", dlib_bytes()[:-9], "dat", "dlib"),
    file("dlib_goes_on", dlib_bytes() + b"\0", "dat", "dlib"),
    file("dlib_of_a_million_layers", START + integer(2) * 1_000_000, "dat", "dlib"),
    file(
        "dlib_tensor_of_exabytes",
        START + INPUT + text("con_4") + integer(2) + 4 * integer((1 << 39) - 1),
        "dat",
        "dlib",
    ),
    file(
        "dlib_tensor_of_nothing_in_huge_pieces",
        START + INPUT + text("con_4") + integer(2) + integer(0) + 3 * integer((1 << 39) - 1),
        "dat",
        "dlib",
    ),
    file(
        "dlib_parts_do_not_fit",
        START + INPUT + text("affine_") + tensor(np.ones(4)) + 2 * alias(1, 1 << 30, 1, 1),
        "dat",
        "dlib",
    ),
    file(
        "dlib_number_is_infinite",
        integer(1) + text("loss_metric_2") + integer(1) + integer(32000),
        "dat",
        "dlib",
    ),
    file("dlib_is_text", "hello, this is no network", "dat", "dlib"),
    big("dlib_of_terabytes", "net.dat", "dlib"),
    Case("dlib_is_a_pipe", "net.dat", "dlib", os.mkfifo),
)
