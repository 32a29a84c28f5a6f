"""A run for TensorBoard: ``tensorboard --logdir RUN/reports/tensorboard``."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from .base import ReportContext
from .tracking import load_tracker, pictures, scalars

FIGURES = "figures"
WIDEST = 1600  # pixels of a picture, which the browser shows smaller


class TensorBoard:
    """``tensorboard/<method>/`` with the numbers of each method, ``tensorboard/figures/``.

    Methods are runs in the words of TensorBoard, so that it shows them side by side. The clock of
    all events stands at zero: the same run gives the same bytes.
    """

    name = "tensorboard"

    def write(self, context: ReportContext) -> list[Path]:
        """See :class:`focsbench.reports.base.Report`.

        Raises:
            ConfigError: if tensorboardX is not installed.
        """
        summary = load_tracker("tensorboardX.summary", "tensorboardX", "tensorboard")
        root = context.output / self.name
        files = []
        for method, numbers in scalars(context).items():
            values = [summary.scalar(name, value) for name, value in numbers.items()]
            files.append(_write(root / method, values))
        with pictures(context) as drawn:
            images = [summary.image(p.stem, _pixels(p), dataformats="HWC") for p in drawn]
        return [*files, *([_write(root / FIGURES, images)] if images else [])]


def _pixels(path: Path) -> np.ndarray[Any, np.dtype[np.uint8]]:
    with Image.open(path) as picture:
        picture.thumbnail((WIDEST, 4 * WIDEST))
        return np.asarray(picture.convert("RGB"))


def _write(folder: Path, values: Iterable[Any]) -> Path:
    """Write an event file with one summary per event, all at step 0."""
    events = load_tracker("tensorboardX.proto.event_pb2", "tensorboardX", "tensorboard")
    records = load_tracker("tensorboardX.record_writer", "tensorboardX", "tensorboard")
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / "events.out.tfevents.0.focsbench"
    writer = records.RecordWriter(str(path))
    try:
        writer.write(events.Event(file_version="brain.Event:2").SerializeToString())
        for value in values:
            writer.write(events.Event(step=0, summary=value).SerializeToString())
    finally:
        writer.close()
    return path
