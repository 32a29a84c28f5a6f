"""The three forms of a landmark file as arrays."""

from __future__ import annotations

from xml.parsers import expat

import numpy as np

from focsbench.npy import array_of_bytes
from focsbench.types import FloatArray


def parse_npy(data: bytes) -> FloatArray:
    """Read a .npy array; float32 stays, other floats and whole numbers become float64.

    Raises:
        ValueError: if it is damaged, a pickle, or an array of something else.
    """
    array = array_of_bytes(data)
    if array.dtype.kind not in "fiu":
        raise ValueError(f"an array of {array.dtype}")
    single = array.dtype.kind == "f" and array.dtype.itemsize == 4
    return np.array(array, dtype=np.float32 if single else np.float64, order="C")


def parse_txt(data: bytes) -> FloatArray:
    """Read lines of numbers with blanks or tabs between them as float32; ``#`` starts a comment.

    Raises:
        ValueError: if a word is not a number or the lines differ in length.
    """
    lines = [line.split("#")[0].split() for line in data.decode("utf-8-sig").splitlines()]
    rows = [line for line in lines if line]
    if len({len(row) for row in rows}) > 1:
        raise ValueError("the lines differ in length")
    return _single([[_number(word) for word in row] for row in rows])


def parse_picked_points(data: bytes) -> FloatArray:
    """Read the points of MeshLab's PickedPoints XML as (N, 3) float32, in the order of the file.

    Names, ``active`` and the other elements are ignored, as in the reference evaluation.

    Raises:
        ValueError: if it is not XML, declares entities, or a point lacks a coordinate.
    """
    rows: list[list[float]] = []

    def start(name: str, attributes: dict[str, str]) -> None:
        if name == "point":
            missing = [axis for axis in "xyz" if axis not in attributes]
            if missing:
                raise ValueError(f"point {len(rows) + 1} has no {missing[0]}")
            rows.append([_number(attributes[axis]) for axis in "xyz"])

    def refuse(name: str, *_: object) -> None:
        raise ValueError(f"it declares the entity {name[:40]!r}")

    parser = expat.ParserCreate()
    parser.StartElementHandler = start
    # A few nested entities can expand to gigabytes.
    parser.EntityDeclHandler = refuse
    try:
        parser.Parse(data, True)
    except (expat.ExpatError, LookupError) as error:
        raise ValueError(str(error)) from None
    return _single(rows)


def _number(word: str) -> float:
    if "_" in word:  # Python allows 1_000
        raise ValueError(f"{word[:40]!r} is not a number")
    return float(word)


def _single(rows: list[list[float]]) -> FloatArray:
    with np.errstate(over="ignore"):  # becomes infinite, which the caller refuses
        return np.array(rows, dtype=np.float64).astype(np.float32)
