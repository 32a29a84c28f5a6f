"""Progress bars on a terminal; elsewhere silence, or a line now and then for long work."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Iterable, Iterator, Sized
from contextlib import contextmanager
from functools import cache
from typing import TYPE_CHECKING, TypeVar

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, ProgressColumn

T = TypeVar("T")

SILENCE = "FOCSBENCH_NO_PROGRESS"
LINES = "FOCSBENCH_PROGRESS_LINES"  # seconds between the lines of one task; unset: no lines
FEW = 5  # items that foretell nothing: the first ones also wait for imports and compilation


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
    """Yield the items, and show how many of them are done as :func:`counted` does.

    total: number of items, where they do not know it themselves; else there are no lines.
    """
    number = len(items) if total is None and isinstance(items, Sized) else total
    with counted(description, number) as count:
        for item in items:
            yield item
            count(None)


@contextmanager
def announcing(seconds: float) -> Iterator[None]:
    """While the block runs, let this process and those it starts write a line about each task.

    seconds: least time between two lines of one task.
    """
    before = os.environ.get(LINES)
    os.environ[LINES] = str(seconds)
    try:
        yield
    finally:
        if before is None:
            del os.environ[LINES]
        else:
            os.environ[LINES] = before


@contextmanager
def counted(
    description: str, total: int | None, done: int = 0
) -> Iterator[Callable[[int | None], None]]:
    """Show how many items of a task are done, and how many of them failed.

    Gives a function that is called after each item with the number of failures, or None where
    none is possible. On a terminal there is a bar; elsewhere, while :func:`announcing` asks for
    it, a line on stderr now and then.
    """
    if drawing():
        with _bar(description, total, done) as advance:
            yield advance
        return
    pause = float(os.environ.get(LINES, "inf"))
    started, finished = time.monotonic(), done
    last = started

    def count(failed: int | None) -> None:
        nonlocal finished, last
        finished += 1
        now = time.monotonic()
        if total is not None and now - last >= pause:
            last = now
            text = f"{description}: {finished} of {total}"
            text += "" if failed is None else f", {failed} failed"
            if finished - done >= FEW:
                left = (now - started) / (finished - done) * (total - finished)
                text += f", about {left:.0f} s left"
            # One write: the lines of several processes must not mix.
            sys.stderr.write(text + "\n")
            sys.stderr.flush()

    yield count


@contextmanager
def _bar(description: str, total: int | None, done: int) -> Iterator[Callable[[int | None], None]]:
    from rich.progress import TextColumn

    with _progress(TextColumn("{task.fields[failed]}")) as bars:
        task = bars.add_task(description, total=total, completed=done, failed="")

        def count(failed: int | None) -> None:
            bars.update(task, advance=1, failed=f"{failed} failed" if failed else "")

        yield count


def _progress(*more: ProgressColumn) -> Progress:
    """Return a bar with the number of items and times; more columns stand behind the number."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    return Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        *more,
        TimeElapsedColumn(),
        TimeRemainingColumn(),
        console=console(),
        transient=True,
    )
