"""The log files of a run. Every process appends whole lines to the same files.

``log.txt`` is for people. ``log.jsonl`` beside it says the same for programs, one JSON object per
line: time (UTC), level, process, logger, step, message, and traceback where there is one.
"""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from contextvars import ContextVar
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s: %(step)s%(message)s"
CAPTURED = ("focsbench", "py.warnings")

_step: ContextVar[str] = ContextVar("step", default="")


@contextmanager
def step_of_log(name: str) -> Iterator[None]:
    """Name the step in all messages while the block runs."""
    token = _step.set(name)
    try:
        yield
    finally:
        _step.reset(token)


def log_to(path: Path) -> list[logging.Handler]:
    """Append the messages of focsbench and all Python warnings to a file, and as JSON beside it."""
    # Short lines appended by one write do not mix, so processes need no common queue.
    handlers = [_File(path), _File(path.with_suffix(".jsonl"))]
    handlers[0].setFormatter(_Text(FORMAT))
    handlers[1].setFormatter(_JSON())
    for name in CAPTURED:
        logger = logging.getLogger(name)
        for handler in handlers:
            logger.addHandler(handler)
        logger.propagate = False
    logging.getLogger("focsbench").setLevel(logging.INFO)
    logging.captureWarnings(True)
    return list(handlers)


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Log to the files while the block runs."""
    handlers = log_to(path)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for name in CAPTURED:
            logger = logging.getLogger(name)
            for handler in handlers:
                logger.removeHandler(handler)
            logger.propagate = True
        for handler in handlers:
            handler.close()


class _File(logging.FileHandler):
    """A log that is lost when the disk is full, instead of ending the run or filling the screen."""

    def __init__(self, path: Path) -> None:
        super().__init__(path, mode="a", encoding="utf-8")

    def emit(self, record: logging.LogRecord) -> None:
        """Write a line; see the class."""
        with suppress(OSError):
            super().emit(record)

    def close(self) -> None:
        """Close the file, though its last line may not fit on the disk any more."""
        with suppress(OSError):
            super().close()

    def handleError(self, record: logging.LogRecord) -> None:  # noqa: N802 - logging's name
        """Say nothing: what cannot be written is reported by the step that cannot write."""


class _Text(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        step = _step.get()
        record.step = f"{step}: " if step and step not in record.getMessage() else ""
        return super().format(record)


class _JSON(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = time.strftime("%Y-%m-%dT%H:%M:%S", time.gmtime(record.created))
        line = {
            "time": f"{moment}.{int(record.msecs):03d}Z",
            "level": record.levelname,
            "process": record.process,
            "logger": record.name,
            "step": _step.get(),
            "message": record.getMessage(),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)
