"""The log file of a run. Every process appends whole lines to the same file."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FORMAT = "%(asctime)s %(levelname)s %(process)d %(name)s: %(message)s"
CAPTURED = ("focsbench", "py.warnings")


def log_to(path: Path) -> logging.Handler:
    """Append the messages of focsbench and all Python warnings to a file."""
    # Short lines appended by one write do not mix, so processes need no common queue.
    handler = logging.FileHandler(path, mode="a", encoding="utf-8")
    handler.setFormatter(logging.Formatter(FORMAT))
    for name in CAPTURED:
        logger = logging.getLogger(name)
        logger.addHandler(handler)
        logger.propagate = False
    logging.getLogger("focsbench").setLevel(logging.INFO)
    logging.captureWarnings(True)
    return handler


@contextmanager
def logging_to(path: Path) -> Iterator[None]:
    """Log to a file while the block runs."""
    handler = log_to(path)
    try:
        yield
    finally:
        logging.captureWarnings(False)
        for name in CAPTURED:
            logger = logging.getLogger(name)
            logger.removeHandler(handler)
            logger.propagate = True
        handler.close()
