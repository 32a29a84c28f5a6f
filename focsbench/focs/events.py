"""Training logs for TensorBoard, while a stage trains; the JSON lines are written in any case.

Set the environment variable ``FOCSBENCH_TENSORBOARD`` to a folder. It is no setting of the method:
nothing that is computed depends on it.
"""

from __future__ import annotations

import os
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from focsbench.errors import ConfigError

TENSORBOARD = "FOCSBENCH_TENSORBOARD"


class Events:
    """The event file of one stage.

    folder: of this stage; TensorBoard shows it under that name.
    """

    def __init__(self, folder: Path) -> None:
        try:
            from tensorboardX import SummaryWriter
        except ImportError:
            raise ConfigError(
                f"{TENSORBOARD} is set, but tensorboardX is not installed; "
                "install it with: pip install 'focsbench[scale]'."
            ) from None
        self._writer: Any = SummaryWriter(str(folder), flush_secs=10)
        self._last = (0, time.perf_counter())

    @classmethod
    def wanted(cls, name: str) -> Events | None:
        """Open the event file of a stage if the environment asks for one."""
        root = os.environ.get(TENSORBOARD)
        return cls(Path(root) / name) if root else None

    def write(self, entry: Mapping[str, float]) -> None:
        """Write one entry of the log, and the speed since the one before."""
        step, now = int(entry["iteration"]), time.perf_counter()
        for name, value in entry.items():
            if name != "iteration":
                self._writer.add_scalar(name, value, step)
        before, then = self._last
        if before:
            self._writer.add_scalar("iterations_per_second", (step - before) / (now - then), step)
        self._last = (step, now)

    def close(self) -> None:
        """Write what is still in memory."""
        self._writer.close()
