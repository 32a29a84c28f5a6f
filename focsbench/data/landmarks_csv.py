"""Landmark lists: one line per image, file name and 136 numbers (x0, y0, ... x67, y67)."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from focsbench.data.alignment import LARGEST_PIXEL
from focsbench.errors import InputError, brief, shown
from focsbench.types import FloatArray
from focsbench.user_files import text_lines

ALL_LANDMARKS = "all_landmarks.csv"


def list_of_split(root: Path, split: str) -> Path:
    """Return the landmark list of a split where one folder holds several splits.

    That is the list of its own, or without it that of all images. Neither need be there.
    """
    own, everything = root / f"{split}_landmarks.csv", root / ALL_LANDMARKS
    return everything if everything.exists() and not own.exists() else own


def read_landmarks(path: Path) -> dict[str, FloatArray]:
    """Read a list into {file name: (68, 2) float64 pixels}, in file order.

    Integers and floats are both accepted (the authors' lists hold integers, users' lists floats).
    Of several lines for one file the last counts.

    Raises:
        InputError: if the file is missing, or naming the first line that is not usable.
    """
    return dict(read_landmark_lines(path))


def read_landmark_lines(path: Path) -> list[tuple[str, FloatArray]]:
    """Read every line of a list as :func:`read_landmarks` does: one file may have several faces.

    Raises:
        InputError: if the file is missing, or naming the first line that is not usable.
    """
    if not path.exists():
        raise InputError(
            f"{path}: the landmark list is missing; `focsbench data landmarks FOLDER` makes one."
        )
    lines: list[tuple[str, FloatArray]] = []
    rows = csv.reader(text_lines(path, "landmark list"))
    try:
        for number, row in enumerate(rows, start=1):
            if row:
                lines.append((row[0], _points(row, f"{path}, line {number}")))
    except csv.Error as error:
        raise InputError(
            f"{path}: not readable as a list ({brief(error)}); write it again."
        ) from None
    return lines


def _points(row: list[str], where: str) -> FloatArray:
    if len(row) != 137:
        raise InputError(
            f"{where}: expected a file name and 136 finite numbers, found {len(row) - 1} numbers; "
            f"detect the landmarks of {shown(row[0])} again."
        )
    try:
        values = np.array([float(value) for value in row[1:]])
    except ValueError as error:
        raise InputError(f"{where}: {brief(error)}; write plain numbers.") from None
    if not np.isfinite(values).all():
        raise InputError(
            f"{where}: expected a file name and 136 finite numbers, but one is not finite; detect "
            f"the landmarks of {shown(row[0])} again."
        )
    if np.abs(values).max() > LARGEST_PIXEL:
        raise InputError(
            f"{where}: a landmark lies outside of any photograph; detect the landmarks of "
            f"{shown(row[0])} again."
        )
    return values.reshape(68, 2)


def write_landmarks(path: Path, items: Iterable[tuple[str, FloatArray]]) -> None:
    """Write {file name: (68, 2)} lines with two decimals."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        for name, points in items:
            writer.writerow([name, *(f"{value:.2f}" for value in points.reshape(-1))])
