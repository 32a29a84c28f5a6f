"""The steps that score predictions: what all methods share, then one method at a time."""

from __future__ import annotations

import csv
import dataclasses
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from focsbench import registry
from focsbench.files import write_json
from focsbench.registry import Kind
from focsbench.runs.artefact import FAILURES
from focsbench.runs.datasets import open_images
from focsbench.types import POOLED, ResultRow

ROWS = "rows.csv"
COLUMNS = tuple(field.name for field in dataclasses.fields(ResultRow))
ARRAYS = "arrays"  # what a protocol writes beside its rows, e.g. scan distances


def prepare_step(inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int) -> None:
    """Write what the scores of all methods of a protocol share.

    config: protocol, dataset, split, image_size, predictions (step name by method; those that
        failed are not in ``inputs``).
    """
    del workers
    protocol = registry.load(Kind.PROTOCOL, config["protocol"])()
    dataset = open_images(inputs, config)
    predictions = {
        method: inputs[step] for method, step in config["predictions"].items() if step in inputs
    }
    protocol.prepare(predictions, dataset, out)


def score_step(inputs: dict[str, Path], out: Path, config: dict[str, Any], workers: int) -> None:
    """Score one method by one protocol: tidy rows, and arrays where the protocol has some.

    config: method, protocol, dataset, split, image_size, predictions and prepared (step names).
    """
    del workers
    protocol = registry.load(Kind.PROTOCOL, config["protocol"])()
    dataset = open_images(inputs, config)
    (out / ARRAYS).mkdir()
    rows = protocol.score(
        config["method"],
        inputs[config["predictions"]],
        dataset,
        inputs[config["prepared"]],
        out / ARRAYS,
    )
    write_rows(out / ROWS, rows)
    write_json(out / FAILURES, failed_items(rows))


def failed_items(rows: Iterable[ResultRow]) -> dict[str, str]:
    """Return the reason of every item that has a failed row; a pool is no item."""
    return {row.item: row.reason for row in rows if row.status == "failed" and row.item != POOLED}


def write_rows(path: Path, rows: list[ResultRow]) -> None:
    """Write tidy rows as CSV; numbers keep all their digits."""
    with path.open("w", newline="", encoding="utf-8") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(COLUMNS)
        writer.writerows(map(row_cells, rows))


def row_cells(row: ResultRow) -> list[str]:
    """Return the cells of a row in the order of ``COLUMNS``; numbers keep all their digits."""
    value = "" if row.value is None else repr(float(row.value))
    return [value if name == "value" else getattr(row, name) for name in COLUMNS]


def read_rows(path: Path) -> list[ResultRow]:
    """Read what :func:`write_rows` wrote."""
    with path.open(newline="", encoding="utf-8") as file:
        return [
            ResultRow(
                method=row["method"],
                protocol=row["protocol"],
                subset=row["subset"],
                subject=row["subject"],
                item=row["item"],
                metric=row["metric"],
                value=float(row["value"]) if row["value"] else None,
                status=row["status"],
                reason=row["reason"],
            )
            for row in csv.DictReader(file)
        ]
