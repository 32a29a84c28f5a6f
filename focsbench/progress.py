"""Progress bars on a terminal, silence elsewhere."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console

T = TypeVar("T")

SILENCE = "FOCSBENCH_NO_PROGRESS"


def silence() -> None:
    """Draw no more bars in this process and in those it starts."""
    os.environ[SILENCE] = "1"


@cache
def console() -> Console:
    """Return the one console on stderr; bars inside bars need to share it."""
    from rich.console import Console

    return Console(stderr=True)


def drawing() -> bool:
    """Say whether bars are drawn: on a terminal, and not silenced."""
    return SILENCE not in os.environ and console().is_terminal


def track(items: Iterable[T], description: str, total: int | None = None) -> Iterator[T]:
    """Yield the items behind a progress bar; without a terminal on stderr, draw nothing."""
    if not drawing():
        yield from items
        return
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console(), transient=True) as progress:
        yield from progress.track(items, total=total, description=description)
