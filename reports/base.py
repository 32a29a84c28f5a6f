"""What every report is given, and what a report is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import pandas as pd

from focsbench.files import write_atomically
from focsbench.types import FaceDataset

# Rows that bound a table instead of competing in it: one is handed the answer, the other
# calls every pixel visible. They are printed, but never compared for "best".
REFERENCES = frozenset({"ground_truth", "everything_visible"})
# Rows that take parts away from the proposed method. They are compared with each other in a table
# and in galleries of their own, and would crowd the comparison with other methods.
ABLATIONS = frozenset({"ablation_baseline", "ablation_neighbour", "ablation_perceptual"})


# Between the name of a method and that of its run, where several runs are side by side.
OF_RUN = "@"


def base_name(method: str) -> str:
    """Return the name of a method without that of its run."""
    return method.partition(OF_RUN)[0]


@dataclass(frozen=True)
class ReportContext:
    """One finished run, as reports see it.

    results: tidy rows (method, protocol, subset, subject, item, metric, value, status, reason).
    summary: one row per method, protocol, subset and metric with value, std, n and done_rate
        (share of the items that have a value, in [0, 1]).
    cards: Markdown text of the protocol card by protocol name.
    labels: printed name by method name, in the order of the tables.
    output: folder that the report writes into (created if absent).
    run: one line that names the run, e.g. ``profile quick, seed 0``.
    seed: seed of every choice that a report makes.
    distances: by method, folder with the NoW scan distances ``<item>.npy`` (float, mm).
    predictions: by dataset name, then by method, the folder of predictions.
    datasets: aligned photographs by dataset name.
    sweep: folder of the sweep over the weights of the segmentation loss, if the run has one.
    references: methods that are never compared for best.
    focus: the method whose results choose the rows of the gallery.
    config: the resolved profile, for reports that say ``provenance = True``.
    environment: versions and hardware, for the same reports.
    """

    results: pd.DataFrame
    summary: pd.DataFrame
    cards: Mapping[str, str]
    labels: Mapping[str, str]
    output: Path
    run: str = ""
    seed: int = 0
    distances: Mapping[str, Path] = field(default_factory=dict)
    predictions: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    datasets: Mapping[str, FaceDataset] = field(default_factory=dict)
    sweep: Path | None = None
    references: frozenset[str] = REFERENCES
    focus: str = "focs"
    config: Mapping[str, Any] = field(default_factory=dict)
    environment: Mapping[str, Any] = field(default_factory=dict)


class Report(Protocol):
    """Something that turns a run into files. Found by entry point ``focsbench.reports``."""

    name: str

    def write(self, context: ReportContext) -> list[Path]:
        """Write the report into ``context.output`` and return the files, main file first.

        A run without the data for this report gives an empty list, not an error.
        """
        ...


def write_bytes(path: Path, content: bytes) -> Path:
    """Write a file, old or new but never torn, creating its folder; return its path."""
    path.parent.mkdir(parents=True, exist_ok=True)
    write_atomically(path, content)
    return path


def write_text(path: Path, text: str) -> Path:
    """Write UTF-8 text with one newline at its end, as :func:`write_bytes` does."""
    return write_bytes(path, (text.rstrip("\n") + "\n").encode())
