"""What every tracker is told about a run: numbers of the summary, and pictures."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from pathlib import Path
from types import ModuleType

from focsbench.errors import ConfigError

from .base import Report, ReportContext
from .cumulative_error import CumulativeError
from .error_maps import ErrorMaps
from .gallery import Gallery
from .paper_galleries import Figure4
from .summary import index_summary

PICTURES: tuple[type[Report], ...] = (CumulativeError, ErrorMaps, Gallery, Figure4)
PROJECT = "focsbench"


def scalars(context: ReportContext) -> dict[str, dict[str, float]]:
    """Return, by method, the numbers of the summary as ``protocol/subset/metric``.

    A number that could not be measured is left out.
    """
    numbers: dict[str, dict[str, float]] = {}
    for (method, *names), entry in index_summary(context.summary).items():
        if entry.value is not None:
            numbers.setdefault(method, {})["/".join(names)] = entry.value
    return numbers


@contextmanager
def pictures(context: ReportContext) -> Iterator[list[Path]]:
    """Draw the figures of a run into a folder that is gone afterwards; yield their PNG files."""
    with tempfile.TemporaryDirectory(prefix="focsbench-") as folder:
        inside = replace(context, output=Path(folder))
        files = [file for report in PICTURES for file in report().write(inside)]
        yield [file for file in files if file.suffix == ".png"]


def load_tracker(module: str, package: str, extra: str) -> ModuleType:
    """Import the library of a tracker.

    Raises:
        ConfigError: if it is not installed, with the command that does.
    """
    try:
        return import_module(module)
    except ImportError:
        raise ConfigError(
            f"{package} is not installed; install it with: pip install 'focsbench[{extra}]'."
        ) from None
